/** Datagrams on their way to the kernel: sent at once while it takes them, in order of the calls when it is full. */
import { ClosedError, syscallError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Descriptor, Waiter } from "../socket/descriptor.ts";
import { supervise, type WaitOptions } from "../socket/wait.ts";
import { sys } from "../sys/current.ts";
import { EAGAIN, ENOBUFS } from "../sys/errno.ts";
import type { Destination } from "./destinations.ts";
import { afterSend, DONE } from "./turn-budget.ts";

interface Pending {
	readonly data: Uint8Array;
	readonly to: Destination;
	readonly resolve: () => void;
	readonly reject: (error: Error) => void;
	release: (() => void) | undefined;
}

/** Sends for one datagram socket. */
export class DatagramQueue implements Waiter {
	sentCount = 0;
	droppedCount = 0;
	queuedBytes = 0;
	readonly #descriptor: Descriptor;
	readonly #tellsRoom: boolean;
	#pending: Pending[] = [];
	#idle: (() => void)[] = [];
	#timer: NodeJS.Timeout | undefined;
	#failure: Error | undefined;

	/** @param tellsRoom whether the socket becomes writable when there is room at the peer; an unconnected Unix socket always is */
	constructor(descriptor: Descriptor, tellsRoom: boolean) {
		this.#descriptor = descriptor;
		this.#tellsRoom = tellsRoom;
	}

	/** Sends one datagram; see `DatagramChannel.send`. */
	send(data: Uint8Array, to: Destination, options: WaitOptions | undefined): Promise<void> {
		if (this.#pending.length === 0) {
			const rc = this.#transmit(data, to);
			if (rc >= 0) return afterSend();
			if (!isFull(rc)) return Promise.reject(syscallError("sendto", rc, to.target));
		}
		if (options?.timeoutMs === 0) return Promise.reject(new TimeoutError(0));
		return this.#enqueue(data, to, options);
	}

	/** Sends one datagram, or returns false. */
	trySend(data: Uint8Array, to: Destination): boolean {
		if (this.#pending.length > 0) return false;
		const rc = this.#transmit(data, to);
		if (rc < 0 && !isFull(rc)) throw syscallError("sendto", rc, to.target);
		return rc >= 0;
	}

	/** Resolves when no datagram waits. */
	async drain(options: WaitOptions | undefined): Promise<void> {
		if (this.#pending.length === 0) return DONE;
		return await new Promise((resolve, reject) => {
			const release = supervise(options, (error) => {
				this.#idle = this.#idle.filter((each) => each !== onIdle);
				reject(error(0));
			});
			const onIdle = (): void => {
				release?.();
				resolve();
			};
			this.#idle.push(onIdle);
		});
	}

	/** Gives everything up: what waits rejects with `error`. */
	fail(error: Error): void {
		this.#failure ??= error;
		if (this.#pending.length === 0) return;
		this.#stopWaiting();
		const pending = this.#pending;
		this.#pending = [];
		this.droppedCount += pending.length;
		this.queuedBytes = 0;
		for (const each of pending) settle(each, error);
		this.#tellIdle();
	}

	ready(): void {
		const pending = this.#pending;
		let done = 0;
		for (; done < pending.length; done++) {
			const each = pending[done] as Pending;
			const rc = this.#transmit(each.data, each.to);
			if (isFull(rc)) break;
			this.queuedBytes -= each.data.length;
			if (rc < 0) this.droppedCount++;
			settle(each, rc < 0 ? syscallError("sendto", rc, each.to.target) : undefined);
		}
		pending.splice(0, done);
		if (pending.length > 0) this.#await();
		else this.#tellIdle();
	}

	closed(): void {
		this.fail(new ClosedError("The socket"));
	}

	#transmit(data: Uint8Array, { name }: Destination): number {
		const { fd } = this.#descriptor;
		const rc =
			name.length === 0
				? sys.send(fd, data, 0, data.length, 0)
				: sys.sendto(fd, data, 0, data.length, 0, name);
		if (rc >= 0) this.sentCount++;
		return rc;
	}

	#enqueue(data: Uint8Array, to: Destination, options: WaitOptions | undefined): Promise<void> {
		return new Promise((resolve, reject) => {
			const each: Pending = { data, to, resolve, reject, release: undefined };
			this.#pending.push(each);
			this.queuedBytes += data.length;
			each.release = supervise(options, (error) => {
				this.#withdraw(each);
				reject(error(0));
			});
			if (this.#pending.length === 1) this.#await();
		});
	}

	#withdraw(gone: Pending): void {
		this.#pending.splice(this.#pending.indexOf(gone), 1);
		this.queuedBytes -= gone.data.length;
		if (this.#pending.length > 0) return;
		this.#stopWaiting();
		this.#tellIdle();
	}

	#await(): void {
		if (!this.#tellsRoom) {
			this.#timer = setTimeout(() => this.ready(), LIMITS.sendRetryMs);
			return;
		}
		try {
			this.#descriptor.awaitWritable(this);
		} catch (error) {
			this.fail(error as Error);
		}
	}

	#stopWaiting(): void {
		clearTimeout(this.#timer);
		this.#descriptor.cancelWritable();
	}

	#tellIdle(): void {
		const idle = this.#idle;
		this.#idle = [];
		for (const tell of idle) tell();
	}
}

function isFull(rc: number): boolean {
	return rc === EAGAIN || rc === ENOBUFS;
}

function settle({ resolve, reject, release }: Pending, error: Error | undefined): void {
	release?.();
	if (error === undefined) resolve();
	else reject(error);
}
