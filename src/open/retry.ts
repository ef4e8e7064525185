/** Trying again what may come to work: with pauses that grow, spread by chance, until the time is up. */
import {
	type Known,
	requireArray,
	requireFunction,
	requireInteger,
	requireOptions,
	requireString,
} from "../arguments.ts";
import { AbortError, SocketError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { countDown, supervise, type WaitOptions } from "../socket/wait.ts";

/** An attempt that failed and is followed by another. */
export interface FailedAttempt {
	/** Counted from 1. */
	readonly attempt: number;
	/** Why it failed. */
	readonly error: Error;
	/** Pause before the next one. */
	readonly delayMs: number;
}

/** How to try again. */
export interface RetryOptions {
	/** Attempts in all, 1..2147483647. Default: as many as the time allows. */
	readonly attempts?: number | undefined;
	/** Pause after the first failure, 1..2147483647 ms; it doubles each time, less a random part of up to a half. Default 100. */
	readonly delayMs?: number | undefined;
	/** Longest pause, 1..2147483647 ms. Default 10000. */
	readonly maxDelayMs?: number | undefined;
	/** Time limit of each attempt, 1..2147483647 ms. Default: what is left of the whole. */
	readonly attemptMs?: number | undefined;
	/**
	 * Codes of errors after which to try again too: `["ENOTFOUND"]` where names come and go with containers. Default: none besides those after which a
	 * server may still come to answer, such as ECONNREFUSED, ENOENT and ETIMEDOUT.
	 */
	readonly alsoAfter?: readonly string[] | undefined;
	/** Called after each failure that is followed by another attempt. What it throws ends the attempts. */
	readonly onFailure?: ((failed: FailedAttempt) => void) | undefined;
}

// Nothing was sent to anybody, or whoever is to answer may not have started yet.
const PASSING = new Set([
	"EAGAIN",
	"EAI_AGAIN",
	"ECONNABORTED",
	"ECONNREFUSED",
	"ECONNRESET",
	"EHOSTDOWN",
	"EHOSTUNREACH",
	"ENETDOWN",
	"ENETUNREACH",
	"ENOENT",
	"ERR_TIMEOUT",
	"ETIMEDOUT",
]);
const KNOWN: Known<RetryOptions> = {
	attempts: true,
	delayMs: true,
	maxDelayMs: true,
	attemptMs: true,
	alsoAfter: true,
	onFailure: true,
};
const INT32_MAX = 2_147_483_647;
const EXPONENT_MAX = 30;

/**
 * Checks `retry`.
 *
 * @throws {InvalidTypeError | OutOfRangeError} it is no object, or a figure of it is wrong
 */
export function checkRetry(name: string, value: unknown): void {
	const options = requireOptions(value as RetryOptions, KNOWN, name);
	const { onFailure, alsoAfter = [], ...figures } = options;
	if (onFailure !== undefined) requireFunction(`${name}.onFailure`, onFailure);
	for (const code of requireArray(`${name}.alsoAfter`, alsoAfter)) {
		requireString(`${name}.alsoAfter`, code);
	}
	for (const [figure, given] of Object.entries(figures)) {
		if (given !== undefined) requireInteger(`${name}.${figure}`, given, 1, INT32_MAX);
	}
}

/**
 * Makes an attempt, and others as long as they fail for reasons that may pass.
 *
 * @param wait for all of it, pauses included
 * @param perform one attempt, within what is left of the time
 * @throws the error of the last attempt, or one that does not pass: a wrong address, no permission
 * @throws {TimeoutError | AbortError} `cause` is the error of the last attempt
 */
export async function withRetries<T>(
	retry: RetryOptions,
	wait: WaitOptions,
	perform: (options: WaitOptions) => Promise<T>,
): Promise<T> {
	const { attempts = INT32_MAX, attemptMs = INT32_MAX, alsoAfter = [], onFailure } = retry;
	const codes = new Set([...PASSING, ...alsoAfter]);
	const remaining = countDown({ signal: wait.signal, timeoutMs: wait.timeoutMs });
	for (let attempt = 1; ; attempt++) {
		const left = remaining();
		try {
			return await perform(within(left, attemptMs));
		} catch (error) {
			const delayMs = pauseAfter(attempt, retry);
			const timeLeftMs = remaining()?.timeoutMs ?? INT32_MAX;
			if (wait.timeoutMs !== undefined && timeLeftMs === 0) throw timedOut(wait.timeoutMs, error);
			if (attempt >= attempts || !isPassing(error, codes)) throw error;
			onFailure?.({ attempt, error: error as Error, delayMs });
			await pause(Math.min(delayMs, timeLeftMs), wait.signal, error);
			if (delayMs >= timeLeftMs) throw timedOut(wait.timeoutMs as number, error);
		}
	}
}

function within(left: WaitOptions | undefined, attemptMs: number): WaitOptions {
	const timeoutMs = Math.min(left?.timeoutMs ?? INT32_MAX, attemptMs);
	return { signal: left?.signal, timeoutMs: timeoutMs === INT32_MAX ? undefined : timeoutMs };
}

function pauseAfter(
	attempt: number,
	{ delayMs = LIMITS.retryDelayMs, maxDelayMs = LIMITS.retryDelayMaxMs }: RetryOptions,
): number {
	const full = Math.min(maxDelayMs, delayMs * 2 ** Math.min(attempt - 1, EXPONENT_MAX));
	// So that clients which failed together do not come back together.
	return Math.ceil(full * (1 - Math.random() / 2));
}

function isPassing(error: unknown, codes: ReadonlySet<string>): boolean {
	if (error instanceof AggregateError) return error.errors.some((each) => isPassing(each, codes));
	return error instanceof SocketError && codes.has(error.code);
}

function pause(ms: number, signal: AbortSignal | undefined, cause: unknown): Promise<void> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => {
			release?.();
			resolve();
		}, ms);
		const release = supervise({ signal }, () => {
			clearTimeout(timer);
			reject(Object.assign(new AbortError(signal?.reason), { cause }));
		});
	});
}

function timedOut(timeoutMs: number, cause: unknown): TimeoutError {
	return Object.assign(new TimeoutError(timeoutMs, 0, "Connecting"), { cause });
}
