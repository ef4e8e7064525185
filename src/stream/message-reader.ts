/** The wait for the next message: at most one reader, and no system call while the socket is known to be drained. */
import { BusyError, ClosedError, syscallError, TimeoutError } from "../errors.ts";
import type { Descriptor, Waiter } from "../socket/descriptor.ts";
import type { Socket } from "../socket/socket.ts";
import { checkWait, supervise, type WaitOptions } from "../socket/wait.ts";
import { EAGAIN } from "../sys/errno.ts";

/** Where messages come from, and what is made of them. */
export interface Intake<T> {
	/** Whether `take` has something to give. */
	readonly available: boolean;
	/** Whether the latest `fill` took all there was. */
	readonly drained: boolean;
	/** Fetches what the kernel has: 0 or more, and something is available then, or -errno. Must not throw. */
	fill(fd: number): number;
	/** The next message. May throw an error that concerns this message alone. */
	take(): T;
	/** Throws away what was fetched. */
	clear(): void;
}

/** Reads messages for one descriptor. */
export class MessageReader<T> implements Waiter {
	/** Held so that it is not collected while somebody waits through this object. */
	readonly socket: Socket;
	readonly #descriptor: Descriptor;
	readonly #intake: Intake<T>;
	readonly #what: string;
	readonly #failsForGood: boolean;
	#resolve: ((message: T) => void) | undefined;
	#reject: ((error: Error) => void) | undefined;
	#release: (() => void) | undefined;
	#failure: Error | undefined;

	/**
	 * @param what subject of an error's sentence: `"The socket"`
	 * @param failsForGood whether a failed system call is the end of reading
	 */
	constructor(socket: Socket, intake: Intake<T>, what: string, failsForGood: boolean) {
		this.socket = socket;
		this.#descriptor = socket.descriptor;
		this.#intake = intake;
		this.#what = what;
		this.#failsForGood = failsForGood;
	}

	/** Whether the next message is here already, and nobody waits for it. */
	get hasNext(): boolean {
		return this.#intake.available && this.#resolve === undefined && this.#failure === undefined;
	}

	/** The next message, when there is one. */
	takeNext(): T {
		return this.#intake.take();
	}

	/** Waits for the next message. */
	next(options: WaitOptions | undefined): Promise<T> {
		try {
			if (options !== undefined) checkWait(options);
			if (this.#resolve !== undefined) {
				throw new BusyError("Another receive is pending: await it before the next one");
			}
			if (this.#failure !== undefined) throw this.#failure;
			// Who does not wait has no event to rely on: ask, although the socket was drained when it was read last.
			if (options?.timeoutMs === 0) this.#descriptor.readCredit ||= 1;
			const rc = this.#fill();
			if (rc >= 0) return Promise.resolve(this.#intake.take());
			if (rc !== EAGAIN) throw this.#failed(rc);
			if (options?.timeoutMs === 0) throw new TimeoutError(0);
			this.#descriptor.awaitReadable(this);
		} catch (error) {
			return Promise.reject(error);
		}
		return new Promise<T>((resolve, reject) => {
			this.#resolve = resolve;
			this.#reject = reject;
			if (options !== undefined) this.#supervise(options);
		});
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

	ready(): void {
		const rc = this.#fill();
		try {
			if (rc === EAGAIN) {
				this.#descriptor.awaitReadable(this);
				return;
			}
			if (rc < 0) throw this.#failed(rc);
			this.#settle(undefined, this.#intake.take());
		} catch (error) {
			this.#settle(error as Error);
		}
	}

	closed(): void {
		this.fail(new ClosedError(this.#what));
	}

	#fill(): number {
		const intake = this.#intake;
		if (intake.available) return 0;
		const descriptor = this.#descriptor;
		if (descriptor.readCredit === 0) return EAGAIN;
		descriptor.readCredit--;
		const rc = intake.fill(descriptor.fd);
		if (rc < 0 || intake.drained) descriptor.readCredit = 0;
		return rc;
	}

	#failed(rc: number): Error {
		const error = syscallError("recvmmsg", rc);
		if (this.#failsForGood) this.#failure = error;
		return error;
	}

	#supervise(options: WaitOptions): void {
		this.#release = supervise(options, (error) => {
			this.#descriptor.cancelReadable();
			this.#settle(error(0));
		});
	}

	#settle(error: Error | undefined, message?: T): void {
		const resolve = this.#resolve;
		const reject = this.#reject;
		const release = this.#release;
		this.#resolve = undefined;
		this.#reject = undefined;
		if (release !== undefined) {
			this.#release = undefined;
			release();
		}
		if (error === undefined) resolve?.(message as T);
		else reject?.(error);
	}
}
