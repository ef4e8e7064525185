/**
 * The end of a duplex whose peer has ended. A `net.Socket` ends at once; but TLS over a `net.Socket` takes the handle away from it, and goes on
 * writing what it still has. A duplex waits a few turns of the loop for whoever still writes, such as TLS that no byte has reached; TLS that has been
 * reading from it ends it by itself.
 */

const QUIET_TURNS = 4;

// Node's own, although a test may fake them later: a socket is no part of what it wants to hold still.
const { setImmediate } = globalThis;

/** What is about to end. */
export interface Ending {
	/** Whether it has ended meanwhile, or is destroyed. */
	isOver(): boolean;
	/** Changes with every write. */
	activity(): number;
	/** Resolves when nothing is queued; never rejects. */
	flush(): Promise<void>;
	end(): void;
}

/** Ends it once nobody has written for some turns of the loop, and nothing is queued. */
export async function endWhenQuiet(ending: Ending): Promise<void> {
	let seen = ending.activity();
	for (let quiet = 0; quiet < QUIET_TURNS && !ending.isOver(); quiet++) {
		await new Promise((resolve) => setImmediate(resolve));
		await ending.flush();
		if (ending.activity() !== seen) quiet = 0;
		seen = ending.activity();
	}
	if (!ending.isOver()) ending.end();
}
