/**
 * The bytes of one stream on their way from the kernel, and its reads: at most one of them waits, and while a socket is known to be drained
 * no system call asks again.
 */
import {
	ClosedError,
	InvalidValueError,
	type SyscallError,
	syscallError,
	TimeoutError,
} from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Waiter } from "../socket/descriptor.ts";
import { tellDropped, tellError } from "../socket/diagnostics.ts";
import type { Socket } from "../socket/socket.ts";
import { checkWait, supervise, type WaitOptions } from "../socket/wait.ts";
import { MSG_CTRUNC } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { EAGAIN } from "../sys/errno.ts";
import type { Arrivals } from "./arrivals.ts";
import { ByteReader, busy } from "./byte-reader.ts";
import { Rejection } from "./rejection.ts";
import { Slab } from "./slab.ts";

// Below this much room fresh memory is cheaper than the many short reads that would follow.
const ROOM_MIN_BYTES = LIMITS.readChunkBytes / 4;

const KEEP_BYTES = "must keep its bytes until its read has settled";

const slab = new Slab(2 * LIMITS.readChunkBytes);

/** The stream that reads belong to. */
export interface Reading {
	/** Whether it was closed, which it is told before its socket is. */
	readonly closed: boolean;
	/** Called when a read begins to wait: what is held back leaves now. */
	flushHeld(): void;
}

/** Reads for one stream. */
export class Receiver extends ByteReader implements Waiter {
	/** Held so that the socket is not collected while somebody waits through this object. */
	readonly socket: Socket;
	/** What comes along with the bytes; undefined when nobody asks for it. */
	readonly arrivals: Arrivals | undefined;
	readonly #stream: Reading;
	// On Unix sockets the kernel tells whether it had to drop descriptors.
	readonly #flags: number;
	#refusedDescriptorsCount = 0;
	// The caller's buffer of the pending read; undefined when it goes to the slab.
	#target: Uint8Array | undefined;
	// Rejects too, by a `Rejection`: the `reject` beside it would hold 64 bytes as long as the read waits, a twentieth of an idle connection.
	#resolve: ((result: never) => void) | undefined;
	#release: (() => void) | undefined;
	#receivedBytes = 0;
	#ended = false;
	#doubt: SyscallError | undefined;
	#failure: Error | undefined;

	constructor(stream: Reading, socket: Socket, isUnix: boolean, arrivals?: Arrivals) {
		super();
		this.#stream = stream;
		this.socket = socket;
		this.#flags = isUnix && arrivals === undefined ? MSG_CTRUNC : 0;
		this.arrivals = arrivals;
	}

	/** How often descriptors were refused that came along with bytes. */
	get refusedDescriptorsCount(): number {
		return this.arrivals?.refusedCount ?? this.#refusedDescriptorsCount;
	}

	/** Whether a read is under way, of one part or of several. */
	get busy(): boolean {
		return this.waiting || this.gathering;
	}

	/** Whether a read waits for the kernel. */
	get waiting(): boolean {
		return this.#resolve !== undefined;
	}

	/** Whether the peer's end has been read. */
	get ended(): boolean {
		return this.#ended;
	}

	/** Ends reading: a pending read rejects with `error`, and so do all that come. */
	fail(error: Error): void {
		if (this.#failure !== undefined) return;
		this.#break(error);
		if (this.#resolve === undefined) return;
		this.socket.descriptor.cancelReadable();
		this.#settle(error);
	}

	/**
	 * Says that a send has failed. The kernel tells a reset once, to whoever asks first, and then lets reads find a clean end: that would
	 * pass off bytes lost on the way as never sent. EPIPE is no such case: the peer's end had arrived before, and so had its bytes.
	 */
	doubtEnd(error: SyscallError): void {
		if (error.code !== "EPIPE" && !this.#ended) this.#doubt = error;
	}

	/** Ends the pending read, if there is one, because this side closes. An error costs a stack trace, so none is made for nobody. */
	close(): void {
		this.arrivals?.close();
		if (this.#resolve === undefined) return;
		this.socket.descriptor.cancelReadable();
		this.#settle(new ClosedError("The stream"));
	}

	ready(): void {
		if (this.#target?.length === 0) {
			this.#settle(new InvalidValueError("target", KEEP_BYTES, "transferred or shrunk"));
			return;
		}
		let received: number;
		try {
			received = this.#receive(this.#target);
		} catch (error) {
			this.#settle(error as Error);
			return;
		}
		if (received === EAGAIN) this.#waitAgain();
		else if (received < 0) this.fail(syscallError("recv", received));
		else this.#settle(undefined, this.#result(this.#target, received));
	}

	closed(): void {
		this.arrivals?.close();
		this.fail(new ClosedError("The stream"));
	}

	protected override get arrivedBytes(): number {
		return this.#receivedBytes;
	}

	protected override pull(options: WaitOptions | undefined): Promise<Uint8Array | null> {
		return this.#begin<Uint8Array | null>(undefined, options);
	}

	protected override pullInto(
		target: Uint8Array,
		options: WaitOptions | undefined,
	): Promise<number> {
		return this.#begin<number>(target, options);
	}

	protected override checkReadable(): void {
		if (this.#stream.closed) throw new ClosedError("The stream");
	}

	// `T` is what the caller knows by whether it gave a target.
	#begin<T>(target: Uint8Array | undefined, options: WaitOptions | undefined): Promise<T> {
		try {
			if (this.#stream.closed) throw new ClosedError("The stream");
			if (options !== undefined) checkWait(options);
			if (this.#resolve !== undefined) throw busy();
			if (this.#failure !== undefined) throw this.#failure;
			// Who does not wait has no event to rely on: ask, although the socket was drained when it was read last.
			if (options?.timeoutMs === 0) this.socket.descriptor.readCredit ||= 1;
			const received = this.#receive(target);
			if (received >= 0) return Promise.resolve(this.#result(target, received) as T);
			if (received !== EAGAIN) {
				throw this.#break(syscallError("recv", received));
			}
			if (options?.timeoutMs === 0) throw new TimeoutError(0);
			this.socket.descriptor.awaitReadable(this);
		} catch (error) {
			return Promise.reject(error);
		}
		this.#target = target;
		const result = new Promise<T>((resolve) => {
			this.#resolve = resolve;
			if (options !== undefined) this.#supervise(options);
		});
		this.#stream.flushHeld();
		return result;
	}

	#waitAgain(): void {
		try {
			this.socket.descriptor.awaitReadable(this);
		} catch (error) {
			this.fail(error as Error);
		}
	}

	#supervise(options: WaitOptions): void {
		this.#release = supervise(options, (error) => {
			this.socket.descriptor.cancelReadable();
			this.#settle(error(0));
		});
	}

	#break(error: Error): Error {
		this.#failure = error;
		tellError(this.socket, "read", error);
		return error;
	}

	// Throws when what came along cannot be taken; reading has failed then.
	#receiveAll(arrivals: Arrivals, target: Uint8Array): number {
		try {
			const refusedBefore = arrivals.refusedCount;
			const received = arrivals.receive(this.socket.descriptor.fd, target, this.#receivedBytes);
			tellDropped(this.socket, "descriptors", arrivals.refusedCount - refusedBefore);
			return received;
		} catch (error) {
			throw this.#break(error as Error);
		}
	}

	#receive(target: Uint8Array | undefined): number {
		if (this.#ended) return 0;
		const { descriptor } = this.socket;
		if (descriptor.readCredit === 0) return EAGAIN;
		descriptor.readCredit--;
		if (target === undefined) slab.reserve(ROOM_MIN_BYTES);
		const memory = target ?? slab.memory;
		const start = target === undefined ? slab.used : 0;
		const room = target?.length ?? Math.min(memory.length - start, LIMITS.readChunkBytes);
		const received =
			this.arrivals === undefined
				? sys.recv(descriptor.fd, memory, start, room, this.#flags)
				: this.#receiveAll(this.arrivals, memory.subarray(start, start + room));
		if (received > 0) {
			this.#receivedBytes += received;
			if (this.#flags !== 0 && ((sys.out[2] as number) & MSG_CTRUNC) !== 0) {
				this.#refusedDescriptorsCount++;
				tellDropped(this.socket, "descriptors", 1);
			}
			// A short read has emptied the queue: the next one waits for an event instead of asking.
			if (received < room) descriptor.readCredit = 0;
		} else if (received === 0) {
			if (this.#doubt !== undefined) return this.#doubt.errno;
			this.#ended = true;
		} else descriptor.readCredit = 0;
		return received;
	}

	#result(target: Uint8Array | undefined, received: number): unknown {
		if (target !== undefined) return received;
		return received === 0 ? null : slab.take(received);
	}

	#settle(error: Error | undefined, result?: unknown): void {
		const resolve = this.#resolve;
		const release = this.#release;
		this.#resolve = undefined;
		this.#target = undefined;
		if (release !== undefined) {
			this.#release = undefined;
			release();
		}
		if (error === undefined) resolve?.(result as never);
		else resolve?.(new Rejection(error) as never);
	}
}
