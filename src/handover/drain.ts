/** `drain`: the last thing that an old process does. */
import { setTimeout as sleep } from "node:timers/promises";
import { requireOptions } from "../arguments.ts";
import { InvalidTypeError } from "../errors.ts";
import { checkWait, WAIT, type WaitOptions } from "../socket/wait.ts";

/** A connection that ends by itself, or is ended. */
export interface Drainable {
	/** Whether it has been closed. */
	readonly closed: boolean;
	/** Closes at once. Must not throw. */
	abort(): void;
}

const LOOK_MS = 10;

/**
 * Waits until all connections are closed; those that are not when the time is up are aborted.
 *
 * @param connections those that are open, such as a `Set` that each leaves at its end: looked at again and again
 * @param options.timeoutMs milliseconds, 0..2147483647. Default: no limit
 * @param options.signal ends the waiting as the time limit does
 * @returns how many were aborted
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an argument is wrong, or an option unknown; nothing is waited for
 */
export async function drain(
	connections: Iterable<Drainable>,
	options: WaitOptions = {},
): Promise<number> {
	const { signal, timeoutMs } = requireOptions(options, WAIT);
	checkWait({ timeoutMs });
	if (typeof connections?.[Symbol.iterator] !== "function") {
		throw new InvalidTypeError("connections", "an iterable of connections", connections);
	}
	const deadline = performance.now() + (timeoutMs ?? Number.POSITIVE_INFINITY);
	for (;;) {
		const left = [...connections].filter((each) => !each.closed);
		if (left.length === 0) return 0;
		if (signal?.aborted || performance.now() >= deadline) {
			for (const each of left) each.abort();
			return left.length;
		}
		await sleep(LOOK_MS);
	}
}
