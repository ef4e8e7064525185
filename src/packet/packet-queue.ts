/** Messages on their way to the kernel: sent at once while it takes them, in order of the calls when it is full. */
import { ClosedError, syscallError, TimeoutError } from "../errors.ts";
import type { Descriptor, Waiter } from "../socket/descriptor.ts";
import { tellError } from "../socket/diagnostics.ts";
import type { Passage } from "../socket/passage.ts";
import type { Socket } from "../socket/socket.ts";
import type { WaitOptions } from "../socket/wait.ts";
import { afterSend } from "../stream/turn-budget.ts";
import { sys } from "../sys/current.ts";
import {
	EACCES,
	EAGAIN,
	EBADF,
	EINVAL,
	EMSGSIZE,
	ENOBUFS,
	ENOMEM,
	EPERM,
	ESRCH,
	ETOOMANYREFS,
} from "../sys/errno.ts";
import { EmptyWaiters, PendingSends, PendingTotal } from "./pending-sends.ts";

/** Failures that concern one message, not the connection. */
const PASSING = new Set([EMSGSIZE, ENOBUFS, ENOMEM, EINVAL]);
/** Failures that concern what goes along with one message. */
const PASSING_ALONG = new Set([EACCES, EBADF, EPERM, ESRCH, ETOOMANYREFS]);

/** Sends messages for one descriptor. */
export class PacketQueue implements Waiter {
	/** Messages that the kernel has taken. */
	sentCount = 0;
	/** Bytes of them. */
	sentBytes = 0;
	/** Held so that the socket is not collected while somebody waits through this object. */
	readonly socket: Socket;
	readonly #descriptor: Descriptor;
	readonly #total = new PendingTotal();
	readonly #pending = new PendingSends<Passage | undefined>(this.#total);
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
				this.#count(data);
				return afterSend();
			}
			if (rc !== EAGAIN) return Promise.reject(this.#failed(rc, undefined));
		}
		if (options?.timeoutMs === 0) return Promise.reject(new TimeoutError(0));
		const sending = this.#pending.push(data, undefined, options, () => this.#withdrawn());
		if (this.#pending.count === 1) this.#await();
		return sending;
	}

	/** Sends one message with what goes along. @param passage taken: closed when it has left or will not */
	async sendWith(
		data: Uint8Array,
		passage: Passage,
		options: WaitOptions | undefined,
	): Promise<void> {
		try {
			if (this.trySend(data, passage)) {
				passage.close();
				await afterSend();
				return;
			}
			if (options?.timeoutMs === 0) throw new TimeoutError(0);
			passage.hold();
			const sending = this.#pending.push(data, passage, options, () => this.#withdrawn());
			if (this.#pending.count === 1) this.#await();
			await sending;
		} finally {
			passage.close();
		}
	}

	/** Sends one message now, or returns false. @param passage borrowed */
	trySend(data: Uint8Array, passage: Passage | undefined): boolean {
		if (this.#failure !== undefined) throw this.#failure;
		if (this.#pending.count > 0) return false;
		const rc = this.#transmit(data, passage);
		if (rc === EAGAIN) return false;
		if (rc < 0) throw this.#failed(rc, passage);
		this.#count(data);
		return true;
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
			const { data, to: passage } = next;
			const rc = this.#transmit(data, passage);
			if (rc === EAGAIN) {
				this.#await();
				return;
			}
			if (rc >= 0) this.#count(data);
			this.#pending.settleFirst(rc < 0 ? this.#failed(rc, passage) : undefined);
		}
		this.#waiters.tell();
	}

	closed(): void {
		this.fail(new ClosedError("The connection"));
	}

	#count(data: Uint8Array): void {
		this.sentCount++;
		this.sentBytes += data.length;
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

	#transmit(data: Uint8Array, passage: Passage | undefined): number {
		const { fd } = this.#descriptor;
		if (passage === undefined) return sys.send(fd, data, 0, data.length, 0);
		return sys.sendmsg(fd, [data], null, passage.control, 0);
	}

	#failed(rc: number, passage: Passage | undefined): Error {
		const error = syscallError(passage === undefined ? "send" : "sendmsg", rc);
		const isPassing = PASSING.has(rc) || (passage !== undefined && PASSING_ALONG.has(rc));
		if (!isPassing && this.#failure === undefined) {
			this.#failure = error;
			tellError(this.socket, "send", error);
		}
		return error;
	}
}
