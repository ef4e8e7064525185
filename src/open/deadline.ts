/** One time limit for a call of many steps. */
import { TimeoutError } from "../errors.ts";
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
	const expiry = new AbortController();
	const timer = setTimeout(() => expiry.abort(), timeoutMs);
	return {
		signal: signal === undefined ? expiry.signal : AbortSignal.any([signal, expiry.signal]),
		explain: (error) =>
			expiry.signal.aborted && !signal?.aborted ? new TimeoutError(timeoutMs, 0, what) : error,
		stop: () => clearTimeout(timer),
	};
}
