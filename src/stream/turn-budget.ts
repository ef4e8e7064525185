/** Keeps a sender whose peer keeps up from holding the event loop for ever: promises that are settled at once let no timer fire. */
import { turnNumber } from "../socket/readiness.ts";

// 64 sends of a full socket buffer are about 10 ms.
const SENDS_PER_TURN = 64;

let turn = 0;
let count = 0;

/** The answer to a send that need not wait; shared by all. */
export const DONE: Promise<void> = Promise.resolve();

/** A settled promise, or after many sends in one turn of the event loop one that settles in the next. */
export function afterSend(): Promise<void> {
	const now = turnNumber();
	if (now !== turn) {
		turn = now;
		count = 0;
	}
	if (++count < SENDS_PER_TURN) return DONE;
	count = 0;
	return new Promise((resolve) => setImmediate(resolve));
}
