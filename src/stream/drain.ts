/** What queues of writes tell their callers: that they are empty, have failed, or hold too much. */
import { LimitError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/** A wait until nothing is queued. */
export interface Drain {
	/** Settles when nothing is queued any more, or writing has failed. If nobody awaits it, the next call tells the failure, and the process goes on. */
	readonly promise: Promise<void>;
	readonly resolve: () => void;
	readonly reject: (error: Error) => void;
}

function ignore(): void {}

/** Begins a wait. */
export function createDrain(): Drain {
	let resolve!: () => void;
	let reject!: (error: Error) => void;
	const promise = new Promise<void>((onResolve, onReject) => {
		resolve = onResolve;
		reject = onReject;
	});
	promise.catch(ignore);
	return { promise, resolve, reject };
}

/** A promise that is rejected: a caller who does not await a write must not lose the process for it. */
export function rejectQuietly(error: Error): Promise<void> {
	const refusal = Promise.reject(error);
	refusal.catch(ignore);
	return refusal;
}

/** Refuses a write beyond the limit: nothing of it is taken, and what was taken before goes on. */
export function refuseMore(queuedBytes: number): Promise<void> {
	const advice = "await the writes, so that the peer can keep up";
	const { writeQueueBytes } = LIMITS;
	return rejectQuietly(new LimitError("writeQueueBytes", queuedBytes, writeQueueBytes, advice));
}
