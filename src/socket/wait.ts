/** How a wait ends early: by an AbortSignal, by a time limit, or because the descriptor was closed. */
import { type Known, requireInteger, requireOptions, requireSignal } from "../arguments.ts";
import type { SyscallTarget } from "../errors.ts";
import {
	AbortError,
	ClosedError,
	type SocketError,
	syscallError,
	TimeoutError,
} from "../errors.ts";
import { EAGAIN } from "../sys/errno.ts";
import type { Descriptor, Waiter } from "./descriptor.ts";
import { follow } from "./follow.ts";

/** Taken by every call that waits. */
export interface WaitOptions {
	/** Ends the wait with an `AbortError` whose `cause` is the signal's reason. The object stays usable. */
	readonly signal?: AbortSignal | undefined;
	/** Ends the wait with a `TimeoutError` after so many milliseconds, 0..2147483647; 0 does not wait at all. Default: no limit. */
	readonly timeoutMs?: number | undefined;
}

/** Taken by every call that blocks the thread. */
export interface BlockOptions {
	/** Throws a `TimeoutError` after so many milliseconds, 0..2147483647. Default: no limit. */
	readonly timeoutMs?: number | undefined;
	/** Microseconds to try again and again before the thread sleeps, 0..1000000; saves the wake-up when the answer comes soon. Default 0. */
	readonly spinUs?: number | undefined;
}

/** What every call that waits knows. */
export const WAIT: Known<WaitOptions> = { signal: true, timeoutMs: true };
/** What every call that blocks knows. */
export const BLOCK: Known<BlockOptions> = { timeoutMs: true, spinUs: true };

/** Largest delay of a timer; setTimeout turns a larger one into 1 ms. */
const TIMEOUT_MS_MAX = 2_147_483_647;
const SPIN_US_MAX = 1_000_000;

/** Makes the error for an early end; the operation says how many bytes it had moved. */
export type CancelError = (bytesMoved: number) => SocketError;

/**
 * Throws when the signal has been aborted already or an option makes no sense.
 *
 * @param known the options of the call, those of waiting among them
 * @throws {AbortError} the signal is aborted
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an option is wrong, or unknown
 */
export function checkWait(
	options: WaitOptions | undefined,
	known: Known<WaitOptions> = WAIT,
): void {
	if (options === undefined) return;
	const { signal, timeoutMs } = requireOptions(options, known);
	if (timeoutMs !== undefined) requireInteger("timeoutMs", timeoutMs, 0, TIMEOUT_MS_MAX);
	if (requireSignal("signal", signal)?.aborted) throw new AbortError(signal?.reason);
}

/** As `checkWait`, for a call that closes: a wrong one closes nothing, but an aborted signal is a wish to have it closed at once. */
export function checkClose(options: WaitOptions | undefined): void {
	try {
		checkWait(options);
	} catch (error) {
		if (!(error instanceof AbortError)) throw error;
	}
}

/**
 * Calls `cancel` once if the signal aborts or the time runs out before the returned function is called.
 *
 * @param holds whether the time limit keeps the process alive; otherwise that is left to what is waited for, which may be unreferenced
 * @returns ends the supervision; undefined when there is nothing to supervise
 */
export function supervise(
	options: WaitOptions | undefined,
	cancel: (error: CancelError) => void,
	holds = false,
): (() => void) | undefined {
	const signal = options?.signal;
	const timeoutMs = options?.timeoutMs;
	if (signal === undefined && timeoutMs === undefined) return undefined;
	const onAbort = (): void => {
		release();
		cancel((bytesMoved) => new AbortError(signal?.reason, bytesMoved));
	};
	const onTimeout = (): void => {
		release();
		cancel((bytesMoved) => new TimeoutError(timeoutMs as number, bytesMoved));
	};
	const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
	if (!holds) timer?.unref();
	const unfollow = signal && follow(signal, onAbort);
	const release = (): void => {
		clearTimeout(timer);
		unfollow?.();
	};
	return release;
}

/** The options of a blocking call as the system calls take them. */
export function patience(
	options: BlockOptions | undefined,
	known: Known<BlockOptions> = BLOCK,
): [timeoutMs: number, spinUs: number] {
	if (options === undefined) return [-1, 0];
	const { timeoutMs, spinUs } = requireOptions(options, known);
	return [
		timeoutMs === undefined ? -1 : requireInteger("timeoutMs", timeoutMs, 0, TIMEOUT_MS_MAX),
		spinUs === undefined ? 0 : requireInteger("spinUs", spinUs, 0, SPIN_US_MAX),
	];
}

/** Which readiness an operation waits for. */
export type Direction = "read" | "write";

/** A system call that is tried, and tried again whenever the descriptor is ready, until it answers something else than EAGAIN. */
export class PendingCall implements Waiter {
	readonly #descriptor: Descriptor;
	readonly #direction: Direction;
	// May throw: then the call is rejected with that.
	readonly #attempt: () => number;
	readonly #syscall: string;
	readonly #target: SyscallTarget | undefined;
	#resolve!: (result: number) => void;
	#reject!: (error: Error) => void;
	#release: (() => void) | undefined;

	constructor(
		descriptor: Descriptor,
		direction: Direction,
		syscall: string,
		attempt: () => number,
		target?: SyscallTarget,
	) {
		this.#descriptor = descriptor;
		this.#direction = direction;
		this.#syscall = syscall;
		this.#attempt = attempt;
		this.#target = target;
	}

	/**
	 * Resolves to the call's result.
	 *
	 * @throws {SyscallError} it failed
	 * @throws {BusyError} another call waits in this direction
	 * @throws {ClosedError} the descriptor was closed meanwhile
	 */
	async run(options: WaitOptions | undefined, known?: Known<WaitOptions>): Promise<number> {
		checkWait(options, known);
		const rc = this.#attempt();
		if (rc >= 0) return rc;
		if (rc !== EAGAIN) throw syscallError(this.#syscall, rc, this.#target);
		if (options?.timeoutMs === 0) throw new TimeoutError(0);
		return await this.wait(options);
	}

	/** As `run`, but waits before the first attempt. */
	wait(options: WaitOptions | undefined): Promise<number> {
		return new Promise((resolve, reject) => {
			this.#resolve = resolve;
			this.#reject = reject;
			this.#await();
			this.#release = supervise(options, (error) => {
				if (this.#direction === "read") this.#descriptor.cancelReadable();
				else this.#descriptor.cancelWritable();
				reject(error(0));
			});
		});
	}

	ready(): void {
		let rc: number;
		try {
			rc = this.#attempt();
			if (rc === EAGAIN) {
				this.#await();
				return;
			}
		} catch (error) {
			this.#release?.();
			this.#reject(error as Error);
			return;
		}
		this.#release?.();
		if (rc >= 0) this.#resolve(rc);
		else this.#reject(syscallError(this.#syscall, rc, this.#target));
	}

	closed(): void {
		this.#release?.();
		this.#reject(new ClosedError());
	}

	#await(): void {
		if (this.#direction === "read") this.#descriptor.awaitReadable(this);
		else this.#descriptor.awaitWritable(this);
	}
}

/**
 * A limit for a call of several waits: a peer that sends a byte now and then must not stretch it.
 *
 * @param known as of `checkWait`
 * @returns the options of the next wait, with what is left of the time
 * @throws as `checkWait`
 */
export function countDown(
	options: WaitOptions | undefined,
	known: Known<WaitOptions> = WAIT,
): () => WaitOptions | undefined {
	checkWait(options, known);
	if (options === undefined) return () => undefined;
	const { signal, timeoutMs } = options;
	if (timeoutMs === undefined) {
		const same = { signal };
		return () => same;
	}
	const deadline = performance.now() + timeoutMs;
	return () => ({ signal, timeoutMs: Math.max(0, Math.ceil(deadline - performance.now())) });
}
