/** Messages on their way to the kernel: sent at once while it takes them, in order of the calls when it is full. */
import { ClosedError, syscallError, TimeoutError } from "../errors.ts";
import type { Descriptor, Waiter } from "../socket/descriptor.ts";
import type { Socket } from "../socket/socket.ts";
import type { WaitOptions } from "../socket/wait.ts";
import { afterSend } from "../stream/turn-budget.ts";
import { sys } from "../sys/current.ts";
import { EAGAIN, EINVAL, EMSGSIZE, ENOBUFS, ENOMEM } from "../sys/errno.ts";
import { EmptyWaiters, PendingSends, PendingTotal } from "./pending-sends.ts";

/** Failures that concern one message, not the connection. */
const PASSING = new Set([EMSGSIZE, ENOBUFS, ENOMEM, EINVAL]);

/** Sends messages for one descriptor. */
export class PacketQueue implements Waiter {
	/** Messages that the kernel has taken. */
	sentCount = 0;
	/** Held so that the socket is not collected while somebody waits through this object. */
	readonly socket: Socket;
	readonly #descriptor: Descriptor;
	readonly #total = new PendingTotal();
	readonly #pending = new PendingSends<undefined>(this.#total);
	readonly #waiters = new EmptyWaiters();
	#failure: Error | undefined;

	constructor(socket: Socket) {
		this.socket = socket;
		this.#descriptor = socket.descriptor;
	}

	/** Bytes of the messages that wait. */
	get queuedBytes(): number {
		return this.#total.bytes;
	}

	/** Sends one message; see `PacketSink.send`. */
	send(data: Uint8Array, options: WaitOptions | undefined): Promise<void> {
		if (this.#failure !== undefined) return Promise.reject(this.#failure);
		if (this.#pending.count === 0) {
			const rc = sys.send(this.#descriptor.fd, data, 0, data.length, 0);
			if (rc >= 0) {
				this.sentCount++;
				return afterSend();
			}
			if (rc !== EAGAIN) return Promise.reject(this.#failed(rc));
		}
		if (options?.timeoutMs === 0) return Promise.reject(new TimeoutError(0));
		const sending = this.#pending.push(data, undefined, options, () => this.#withdrawn());
		if (this.#pending.count === 1) this.#await();
		return sending;
	}

	/** Resolves when no message waits, however each of them fared. */
	async drain(options: WaitOptions | undefined): Promise<void> {
		if (this.#pending.count > 0) await this.#waiters.wait(options);
	}

	/** Gives everything up: what waits rejects with `error`, and so does what comes. */
	fail(error: Error): void {
		this.#failure ??= error;
		if (this.#pending.count === 0) return;
		this.#descriptor.cancelWritable();
		this.#pending.failAll(this.#failure);
		this.#waiters.tell();
	}

	ready(): void {
		for (let next = this.#pending.first; next !== undefined; next = this.#pending.first) {
			const { data } = next;
			const rc = sys.send(this.#descriptor.fd, data, 0, data.length, 0);
			if (rc === EAGAIN) {
				this.#await();
				return;
			}
			if (rc >= 0) this.sentCount++;
			this.#pending.settleFirst(rc < 0 ? this.#failed(rc) : undefined);
		}
		this.#waiters.tell();
	}

	closed(): void {
		this.fail(new ClosedError("The connection"));
	}

	#withdrawn(): void {
		if (this.#pending.count > 0) return;
		this.#descriptor.cancelWritable();
		this.#waiters.tell();
	}

	#await(): void {
		try {
			this.#descriptor.awaitWritable(this);
		} catch (error) {
			this.fail(error as Error);
		}
	}

	#failed(rc: number): Error {
		const error = syscallError("send", rc);
		if (!PASSING.has(rc)) this.#failure ??= error;
		return error;
	}
}
