/** Serving connections side by side, up to a number of them. */
import { ClosedError } from "../index.ts";

/** What accepts connections. */
export interface Accepting<T> {
	/** Rejects with `ClosedError` once it is closed. */
	accept(): Promise<T>;
	close(): void;
}

/** How connections are served. */
export interface ServingOptions<T, Ready> {
	/** Most at once; the others wait in the kernel. */
	readonly max: number;
	/** Serves one connection and stops listening. */
	readonly once: boolean;
	/** Makes a connection ready to be served; undefined for one that cannot be. Must not reject. */
	readonly prepare: (connection: T) => Promise<Ready | undefined>;
	/** Serves a connection to its end; must not reject. */
	readonly serve: (connection: Ready) => Promise<void>;
}

/**
 * Accepts and serves until the listener is closed, then waits for those under way.
 *
 * @throws what `prepare` or `serve` rejected with, against their promise; the listener is closed then
 */
export async function acceptEach<T, Ready>(
	listener: Accepting<T>,
	{ max, once, prepare, serve }: ServingOptions<T, Ready>,
): Promise<void> {
	const failures: unknown[] = [];
	let count = 0;
	let wake: (() => void) | undefined;
	const change = (): Promise<void> =>
		new Promise((resolve) => {
			wake = resolve;
		});
	const begin = (ready: Ready | undefined): Promise<void> | undefined => {
		if (ready === undefined) return undefined;
		if (once) listener.close();
		return serve(ready);
	};
	const leave = (): void => {
		count--;
		wake?.();
	};
	// What must not reject has: nobody waits for it any longer, and whoever runs this is told.
	const fail = (error: unknown): void => {
		failures.push(error);
		listener.close();
		leave();
	};
	for (;;) {
		// With `once`, the next one counts if this one is no connection to be served.
		while (count >= (once ? 1 : max)) await change();
		const connection = await acceptNext(listener);
		if (connection === undefined) break;
		count++;
		// Nothing that waits holds the connection: whoever serves it may let go of it, and of its memory.
		void prepare(connection).then(begin).then(leave, fail);
	}
	while (count > 0) await change();
	if (failures.length > 0) throw failures[0];
}

async function acceptNext<T>(listener: Accepting<T>): Promise<T | undefined> {
	try {
		return await listener.accept();
	} catch (error) {
		if (error instanceof ClosedError) return undefined;
		throw error;
	}
}
