/** The wait for the next message: at most one reader, and no system call while the socket is known to be drained. */

import {
	BusyError,
	ClosedError,
	InvalidValueError,
	syscallError,
	TimeoutError,
} from "../errors.ts";
import { loopEnd, loopTurn } from "../loop.ts";
import type { Descriptor, Waiter } from "../socket/descriptor.ts";
import { tellError } from "../socket/diagnostics.ts";
import type { Socket } from "../socket/socket.ts";
import { checkWait, supervise, type WaitOptions } from "../socket/wait.ts";
import { EAGAIN } from "../sys/errno.ts";

/** Where messages come from, and what is made of them. */
export interface Intake<T> {
	/** Whether `take` has something to give. */
	readonly available: boolean;
	/** Whether the latest `fill` took all there was, or is believed to have: then an event tells when there is more. */
	readonly drained: boolean;
	/** Name of the latest call of `fill`, for errors. */
	readonly syscall: string;
	/** Fetches what the kernel has: 0 or more, and something is available then, or -errno. `take` follows at once, with the same target. Must not throw. */
	fill(fd: number, target: Uint8Array | undefined): number;
	/** The next message, in `target` if there is one. May throw an error that concerns this message alone. */
	take(target: Uint8Array | undefined): T;
	/** Throws away what was fetched. */
	clear(): void;
}

const KEEP_BYTES = "must keep its bytes until its receive has settled";

/** Why a second receive is refused. */
export function busy(): BusyError {
	return new BusyError("Another receive is pending: await it before the next one");
}

/** Reads messages for one descriptor. */
export class MessageReader<T> implements Waiter {
	/** Held so that it is not collected while somebody waits through this object. */
	readonly socket: Socket;
	readonly #descriptor: Descriptor;
	readonly #intake: Intake<T>;
	readonly #what: string;
	readonly #isConnection: boolean;
	#resolve: ((result: unknown) => void) | undefined;
	#reject: ((error: Error) => void) | undefined;
	#release: (() => void) | undefined;
	#failure: Error | undefined;
	// The failure to come, once nothing is available.
	#ending: Error | undefined;
	// Of the pending read: where its message goes to, and whether a loop asks.
	#target: Uint8Array | undefined;
	#isLoop = false;
	// Set while the last attempt is made.
	#timeout: TimeoutError | undefined;

	/**
	 * @param what subject of an error's sentence: `"The socket"`
	 * @param isConnection whether null is the end and a failed system call too; otherwise only `close` ends reading
	 */
	constructor(socket: Socket, intake: Intake<T>, what: string, isConnection: boolean) {
		this.socket = socket;
		this.#descriptor = socket.descriptor;
		this.#intake = intake;
		this.#what = what;
		this.#isConnection = isConnection;
	}

	/** Whether a read is pending. */
	get waiting(): boolean {
		return this.#resolve !== undefined;
	}

	/** Waits for the next message; `target`, which is not empty, is borrowed until the promise settles. */
	next(options: WaitOptions | undefined, target?: Uint8Array): Promise<T> {
		return this.#begin(options, target, false) as Promise<T>;
	}

	/** The same for a loop, which the end of the messages ends. */
	nextOfLoop(): Promise<IteratorResult<NonNullable<T>>> {
		return this.#begin(undefined, undefined, true) as Promise<IteratorResult<NonNullable<T>>>;
	}

	/** Ends reading: a pending read rejects with `error`, and so do all that come. */
	fail(error: Error): void {
		if (this.#failure !== undefined) return;
		this.#failure = error;
		this.#intake.clear();
		if (this.#resolve === undefined) return;
		this.#descriptor.cancelReadable();
		this.#settle(error);
	}

	/** Ends reading as `fail`, but once what was fetched has been taken; nothing more is fetched. */
	finish(error: Error): void {
		if (this.#intake.available) this.#ending ??= error;
		else this.fail(error);
	}

	ready(): void {
		const target = this.#target;
		try {
			if (target?.length === 0) {
				throw new InvalidValueError("target", KEEP_BYTES, "transferred or shrunk");
			}
			const rc = this.#fill(target);
			if (rc >= 0) this.#settle(undefined, this.#intake.take(target));
			else if (rc !== EAGAIN) throw this.#failed(rc);
			else if (this.#timeout === undefined) this.#descriptor.awaitReadable(this);
			else throw this.#timeout;
		} catch (error) {
			this.#settle(error as Error);
		}
	}

	closed(): void {
		this.fail(new ClosedError(this.#what));
	}

	#begin(
		options: WaitOptions | undefined,
		target: Uint8Array | undefined,
		isLoop: boolean,
	): Promise<unknown> {
		try {
			if (options !== undefined) checkWait(options);
			if (this.#resolve !== undefined) throw busy();
			if (this.#ending !== undefined && !this.#intake.available) this.fail(this.#ending);
			if (this.#failure !== undefined) throw this.#failure;
			// Who does not wait has no event to rely on: ask, although the socket was drained when it was read last.
			if (options?.timeoutMs === 0) this.#descriptor.readCredit ||= 1;
			const rc = this.#fill(target);
			if (rc >= 0) {
				const message = this.#intake.take(target);
				return Promise.resolve(isLoop ? loopTurn(message) : message);
			}
			if (rc !== EAGAIN) throw this.#failed(rc);
			if (options?.timeoutMs === 0) throw new TimeoutError(0);
			this.#descriptor.awaitReadable(this);
		} catch (error) {
			return isLoop && this.#isLoopEnd(error) ? Promise.resolve(loopEnd()) : Promise.reject(error);
		}
		this.#target = target;
		this.#isLoop = isLoop;
		return new Promise((resolve, reject) => {
			this.#resolve = resolve;
			this.#reject = reject;
			if (options !== undefined) this.#supervise(options);
		});
	}

	#fill(target: Uint8Array | undefined): number {
		const intake = this.#intake;
		if (intake.available) return 0;
		const descriptor = this.#descriptor;
		if (descriptor.readCredit === 0) return EAGAIN;
		descriptor.readCredit--;
		const rc = intake.fill(descriptor.fd, target);
		if (rc < 0 || intake.drained) descriptor.readCredit = 0;
		return rc;
	}

	#failed(rc: number): Error {
		const error = syscallError(this.#intake.syscall, rc);
		if (this.#isConnection) this.#failure = error;
		tellError(this.socket, "receive", error);
		return error;
	}

	#isLoopEnd(error: unknown): boolean {
		return !this.#isConnection && error instanceof ClosedError;
	}

	#supervise(options: WaitOptions): void {
		this.#release = supervise(options, (makeError) => {
			this.#descriptor.cancelReadable();
			const error = makeError(0);
			if (error instanceof TimeoutError) this.#tryLast(error);
			else this.#settle(error);
		});
	}

	// The time may be up before the event loop has looked, of a message that is there.
	#tryLast(timeout: TimeoutError): void {
		this.#descriptor.readCredit ||= 1;
		this.#timeout = timeout;
		this.ready();
		this.#timeout = undefined;
	}

	#settle(error: Error | undefined, message?: T): void {
		const resolve = this.#resolve;
		const reject = this.#reject;
		const release = this.#release;
		const isLoop = this.#isLoop;
		this.#resolve = undefined;
		this.#reject = undefined;
		this.#target = undefined;
		if (release !== undefined) {
			this.#release = undefined;
			release();
		}
		if (error === undefined) resolve?.(isLoop ? loopTurn(message) : message);
		else if (isLoop && this.#isLoopEnd(error)) resolve?.(loopEnd());
		else reject?.(error);
	}
}
