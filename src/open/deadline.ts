/** One time limit for a call of many steps. */
import { TimeoutError } from "../errors.ts";
import { follow } from "../socket/follow.ts";
import type { WaitOptions } from "../socket/wait.ts";

/** A time limit that runs. */
export interface Deadline {
	/** Aborts when the caller's signal does, or when the time is up. */
	readonly signal: AbortSignal | undefined;
	/** The caller's view of an error: a TimeoutError when that is what ended the steps. */
	explain(error: unknown): unknown;
	stop(): void;
}

/**
 * Starts a time limit.
 *
 * @param what the subject of the error: `"Connecting"`
 */
export function startDeadline({ signal, timeoutMs }: WaitOptions, what: string): Deadline {
	if (timeoutMs === undefined) return { signal, explain: (error) => error, stop: () => {} };
	const end = new AbortController();
	const timer = setTimeout(() => end.abort(), timeoutMs);
	if (signal?.aborted) end.abort(signal.reason);
	const unfollow = signal && follow(signal, () => end.abort(signal.reason));
	return {
		signal: end.signal,
		explain: (error) =>
			end.signal.aborted && !signal?.aborted ? new TimeoutError(timeoutMs, 0, what) : error,
		stop: () => {
			clearTimeout(timer);
			unfollow?.();
		},
	};
}
