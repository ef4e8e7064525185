/** Messages on their way to the kernel: sent at once while it takes them, in order of the calls when it is full. */
import { ClosedError, InvalidValueError, syscallError, TimeoutError } from "../errors.ts";
import type { Descriptor, Waiter } from "../socket/descriptor.ts";
import type { Socket } from "../socket/socket.ts";
import { supervise, type WaitOptions } from "../socket/wait.ts";
import { sys } from "../sys/current.ts";
import { EAGAIN, EINVAL, EMSGSIZE, ENOBUFS, ENOMEM } from "../sys/errno.ts";
import { afterSend, DONE } from "./turn-budget.ts";

/** Failures that concern one message, not the connection. */
const PASSING = new Set([EMSGSIZE, ENOBUFS, ENOMEM, EINVAL]);

const KEEP_BYTES = "must keep its bytes until its message is sent";

interface Pending {
	readonly data: Uint8Array;
	readonly bytes: number;
	readonly resolve: () => void;
	readonly reject: (error: Error) => void;
	release: (() => void) | undefined;
}

/** Sends messages for one descriptor. */
export class PacketQueue implements Waiter {
	/** Messages that the kernel has taken. */
	sentCount = 0;
	/** Bytes of the messages that wait. */
	queuedBytes = 0;
	/** Held so that the socket is not collected while somebody waits through this object. */
	readonly socket: Socket;
	readonly #descriptor: Descriptor;
	#pending: Pending[] = [];
	#idle: (() => void)[] = [];
	#failure: Error | undefined;

	constructor(socket: Socket) {
		this.socket = socket;
		this.#descriptor = socket.descriptor;
	}

	/** Sends one message; see `PacketSink.send`. */
	send(data: Uint8Array, options: WaitOptions | undefined): Promise<void> {
		if (this.#failure !== undefined) return Promise.reject(this.#failure);
		if (this.#pending.length === 0) {
			const rc = sys.send(this.#descriptor.fd, data, 0, data.length, 0);
			if (rc >= 0) {
				this.sentCount++;
				return afterSend();
			}
			if (rc !== EAGAIN) return Promise.reject(this.#failed(rc));
		}
		if (options?.timeoutMs === 0) return Promise.reject(new TimeoutError(0));
		return this.#enqueue(data, options);
	}

	/** Resolves when no message waits, however each of them fared. */
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

	/** Gives everything up: what waits rejects with `error`, and so does what comes. */
	fail(error: Error): void {
		this.#failure ??= error;
		if (this.#pending.length === 0) return;
		this.#descriptor.cancelWritable();
		const pending = this.#pending;
		this.#pending = [];
		this.queuedBytes = 0;
		for (const each of pending) settle(each, this.#failure);
		this.#tellIdle();
	}

	ready(): void {
		const pending = this.#pending;
		let done = 0;
		let rc = 0;
		for (; done < pending.length; done++) {
			const each = pending[done] as Pending;
			// Without its buffer a message would go as another one.
			const isWhole = each.data.length === each.bytes;
			rc = isWhole ? sys.send(this.#descriptor.fd, each.data, 0, each.bytes, 0) : 0;
			if (rc === EAGAIN) break;
			this.queuedBytes -= each.bytes;
			if (!isWhole)
				settle(each, new InvalidValueError("data", KEEP_BYTES, "transferred or shrunk"));
			else if (rc < 0) settle(each, this.#failed(rc));
			else {
				this.sentCount++;
				settle(each, undefined);
			}
		}
		pending.splice(0, done);
		if (pending.length > 0) this.#await();
		else this.#tellIdle();
	}

	closed(): void {
		this.fail(new ClosedError("The connection"));
	}

	#enqueue(data: Uint8Array, options: WaitOptions | undefined): Promise<void> {
		return new Promise((resolve, reject) => {
			const bytes = data.length;
			const each: Pending = { data, bytes, resolve, reject, release: undefined };
			this.#pending.push(each);
			this.queuedBytes += bytes;
			each.release = supervise(options, (error) => {
				this.#withdraw(each);
				reject(error(0));
			});
			if (this.#pending.length === 1) this.#await();
		});
	}

	#withdraw(gone: Pending): void {
		this.#pending.splice(this.#pending.indexOf(gone), 1);
		this.queuedBytes -= gone.bytes;
		if (this.#pending.length > 0) return;
		this.#descriptor.cancelWritable();
		this.#tellIdle();
	}

	#await(): void {
		try {
			this.#descriptor.awaitWritable(this);
		} catch (error) {
			this.fail(error as Error);
		}
	}

	#tellIdle(): void {
		const idle = this.#idle;
		this.#idle = [];
		for (const tell of idle) tell();
	}

	#failed(rc: number): Error {
		const error = syscallError("send", rc);
		if (!PASSING.has(rc)) this.#failure ??= error;
		return error;
	}
}

function settle({ resolve, reject, release }: Pending, error: Error | undefined): void {
	release?.();
	if (error === undefined) resolve();
	else reject(error);
}
