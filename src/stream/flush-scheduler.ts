/**
 * Decides when the writes of one tick leave: once the program has stopped writing, which is when several microtasks in a row brought no
 * write. A loop of `await stream.write(...)` goes on after one microtask, or after a few when it runs through functions of its own, so its
 * writes leave together; an answer to a request leaves after a fraction of a microsecond. process.nextTick would do the same, at ten times
 * the price.
 */

/** Something that holds back writes. */
export interface Flushable {
	/** Hands on what was held back. Must not throw. */
	flushNow(): void;
}

// Chosen by measurement: an async function around write() resumes its caller after three microtasks.
const QUIET_HOPS = 4;
// Bounds the delay when others keep the microtask queue busy with writes.
const HOPS_MAX = 4_096;

const settled: Promise<void> = Promise.resolve();
let waiting: Flushable[] = [];
let hopping = false;
let activity = 0;
let seen = 0;
let quiet = 0;
let hops = 0;

/** Has `target` flushed soon; to be called once until then. */
export function scheduleFlush(target: Flushable): void {
	activity++;
	waiting.push(target);
	if (hopping) return;
	hopping = true;
	quiet = 0;
	hops = 0;
	seen = activity;
	void settled.then(hop);
}

/** Says that a scheduled target has been flushed already. */
export function unscheduleFlush(target: Flushable): void {
	// One target is the case that matters: a conversation. Among many, one that finds nothing to do costs less than the search for it.
	if (waiting.length === 1 && waiting[0] === target) waiting.pop();
}

/** Says that a scheduled target has taken another write. */
export function noteWrite(): void {
	activity++;
}

function hop(): void {
	if (waiting.length === 0) {
		hopping = false;
		return;
	}
	if (seen !== activity) {
		seen = activity;
		quiet = 0;
	} else quiet++;
	if (quiet < QUIET_HOPS && ++hops < HOPS_MAX) {
		void settled.then(hop);
		return;
	}
	const ready = waiting;
	waiting = [];
	hopping = false;
	for (const target of ready) target.flushNow();
}
