/**
 * The writes of one stream on their way to the kernel: when they leave, who waits for that, and who is told when it fails. Whoever writes
 * past the high-water mark is asked to wait until the kernel has taken everything.
 */
import { requireBytesOrText } from "../arguments.ts";
import {
	ClosedError,
	InvalidValueError,
	type SocketError,
	syscallError,
	TimeoutError,
} from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Waiter } from "../socket/descriptor.ts";
import { tellError } from "../socket/diagnostics.ts";
import type { Passage } from "../socket/passage.ts";
import { supervise, type WaitOptions } from "../socket/wait.ts";
import { EAGAIN, EINVAL, EPERM, ESRCH, ETOOMANYREFS } from "../sys/errno.ts";
import { createDrain, type Drain, refuseMore, rejectQuietly } from "./drain.ts";
import { type Flushable, noteWrite, scheduleFlush, unscheduleFlush } from "./flush-scheduler.ts";
import { LOST, lendOutgoing, type OutgoingBytes, returnOutgoing } from "./outgoing-bytes.ts";
import type { Receiver } from "./receiver.ts";
import { afterSend, DONE } from "./turn-budget.ts";

const KEEP_BYTES = "must keep its bytes until its write has settled";
// Of sendmsg(2), and about what goes along with the bytes: the connection is none the worse for it.
const REFUSALS = new Set([EINVAL, EPERM, ESRCH, ETOOMANYREFS]);

/** Writes for one descriptor. */
export class WriteQueue implements Waiter, Flushable {
	// It has the socket too, and so keeps it from being collected while somebody waits through this object.
	readonly #receiver: Receiver;
	// Undefined while nothing is queued.
	#bytes: OutgoingBytes | undefined;
	#takenBytes = 0;
	#scheduled = false;
	#blocked = false;
	#drain: Drain | undefined;
	#failure: Error | undefined;
	#failureTold = false;

	/** @param receiver told when a send finds the connection broken */
	constructor(receiver: Receiver) {
		this.#receiver = receiver;
	}

	/** Bytes taken from callers. */
	get takenBytes(): number {
		return this.#takenBytes;
	}

	/** Bytes that the kernel has not taken yet. */
	get queuedBytes(): number {
		return this.#bytes?.length ?? 0;
	}

	/** Whether it has failed, or was given up. */
	get failed(): boolean {
		return this.#failure !== undefined;
	}

	/** A failure that no caller has been told of; told by this. */
	takeUntoldFailure(): Error | undefined {
		if (this.#failureTold) return undefined;
		this.#failureTold = this.#failure !== undefined;
		return this.#failure;
	}

	/** Takes bytes; see `ByteSink.write`. */
	push(data: Uint8Array | string, options: WaitOptions | undefined): Promise<void> {
		if (this.#failure !== undefined) return this.#refuse(this.#failure);
		if (typeof data === "string") return this.#pushText(data, options);
		// An empty view is looked at more closely, for its buffer may be detached.
		const bytes =
			data instanceof Uint8Array && data.length > 0 ? data : requireBytesOrText("data", data);
		if (bytes.length > LIMITS.writeCopyBytes) return this.#pushLarge(bytes, options);
		if (this.queuedBytes > LIMITS.writeQueueBytes) return refuseMore(this.queuedBytes);
		this.#open().copy(bytes);
		return this.#taken(bytes.length, options);
	}

	/**
	 * Takes bytes with what goes along with the first of them; they leave by a call of their own, in the order of all writes.
	 *
	 * @param passage taken: closed when it has left or will not, unless this throws
	 * @throws {InvalidValueError} there is no byte to go along with
	 */
	pushWith(
		data: Uint8Array | string,
		passage: Passage,
		options: WaitOptions | undefined,
	): Promise<void> {
		const given = requireBytesOrText("data", data);
		if (given.length === 0) {
			throw new InvalidValueError("data", "must have a byte for descriptors to go with", data);
		}
		if (this.#failure !== undefined || this.queuedBytes > LIMITS.writeQueueBytes) {
			passage.close();
			return this.#failure === undefined
				? refuseMore(this.queuedBytes)
				: this.#refuse(this.#failure);
		}
		const isSmall = given.length <= LIMITS.writeCopyBytes;
		const piece = isSmall ? Uint8Array.from(given) : given.subarray();
		this.#open().borrow(piece, passage);
		this.#takenBytes += piece.length;
		const refusal = this.#send(piece) ?? this.#holdPassage(piece);
		if (refusal === undefined) return this.#settleNow(options, piece.length, piece);
		this.#regain(piece.length, piece);
		return rejectQuietly(refusal);
	}

	/** Resolves when nothing is queued. */
	flush(options: WaitOptions | undefined): Promise<void> {
		if (this.#failure !== undefined) return this.#refuse(this.#failure);
		this.#send();
		return this.#settleNow(options);
	}

	/** Gives everything up: what waits rejects with `error`, and so does what comes. */
	fail(error: Error): void {
		if (this.#failure !== undefined) return;
		this.#failure = error;
		tellError(this.#receiver.socket, "write", error);
		// Nothing is lost, so nobody need be told, when nothing was queued.
		this.#failureTold = this.queuedBytes === 0;
		this.#release();
		if (this.#blocked) this.#receiver.socket.descriptor.cancelWritable();
		this.#blocked = false;
		this.#settle(error);
	}

	/** Gives up what is queued because this side closes. */
	close(): void {
		if (this.queuedBytes > 0 || this.#drain !== undefined) {
			this.fail(new ClosedError("The stream"));
		}
	}

	/** Sends what is held back, for the program begins to wait for an answer. */
	flushHeld(): void {
		if (!this.#scheduled) return;
		unscheduleFlush(this);
		this.flushNow();
	}

	flushNow(): void {
		this.#scheduled = false;
		this.#send();
	}

	ready(): void {
		this.#blocked = false;
		this.#send();
	}

	closed(): void {
		this.#blocked = false;
		this.fail(new ClosedError("The stream"));
	}

	#pushText(text: string, options: WaitOptions | undefined): Promise<void> {
		// Three bytes are the most that one UTF-16 unit becomes; RFC 3629 section 3.
		const most = text.length * 3;
		if (most > LIMITS.writeCopyBytes) return this.#pushLarge(Buffer.from(text), options);
		if (this.queuedBytes > LIMITS.writeQueueBytes) return refuseMore(this.queuedBytes);
		return this.#taken(this.#open().copyText(text, most), options);
	}

	#pushLarge(data: Uint8Array, options: WaitOptions | undefined): Promise<void> {
		if (this.queuedBytes > LIMITS.writeQueueBytes) return refuseMore(this.queuedBytes);
		// A write that may be withdrawn must be told from others of the same buffer.
		const piece = options === undefined ? data : data.subarray();
		this.#open().borrow(piece);
		this.#takenBytes += piece.length;
		this.#send();
		return this.#settleNow(options, piece.length, piece);
	}

	#taken(bytes: number, options: WaitOptions | undefined): Promise<void> {
		// Nobody has answered yet what was not even sent.
		if (this.#takenBytes === 0) this.#receiver.socket.descriptor.readCredit = 0;
		this.#takenBytes += bytes;
		if (this.queuedBytes < LIMITS.writeHighWaterBytes) {
			if (this.#scheduled) noteWrite();
			else if (!this.#blocked) {
				this.#scheduled = true;
				scheduleFlush(this);
			}
			return DONE;
		}
		this.#send();
		return this.#settleNow(options, bytes);
	}

	// What has to wait must not depend on the caller's descriptors.
	#holdPassage(piece: Uint8Array): Error | undefined {
		try {
			this.#bytes?.passageOf(piece)?.hold();
			return undefined;
		} catch (error) {
			return error as Error;
		}
	}

	// Returns why what goes along with `fresh`, which was queued just now, is refused: that concerns its write alone.
	#send(fresh?: Uint8Array): Error | undefined {
		while (this.queuedBytes > 0 && !this.#blocked) {
			const queue = this.#open();
			const sent = queue.send(this.#receiver.socket.descriptor.fd);
			if (sent === LOST) {
				this.fail(new InvalidValueError("data", KEEP_BYTES, "transferred or shrunk"));
				return undefined;
			}
			if (sent < 0 && sent !== EAGAIN) {
				if (fresh !== undefined && REFUSALS.has(sent) && queue.isNext(fresh)) {
					return syscallError("sendmsg", sent);
				}
				const failure = syscallError("send", sent);
				this.#receiver.doubtEnd(failure);
				this.fail(failure);
				return undefined;
			}
			// A short count says that the socket's buffer is full.
			if (queue.length > 0) this.#block();
		}
		if (this.queuedBytes > 0) return undefined;
		this.#release();
		if (this.#drain !== undefined) this.#settle(undefined);
		return undefined;
	}

	#open(): OutgoingBytes {
		this.#bytes ??= lendOutgoing();
		return this.#bytes;
	}

	#release(): void {
		if (this.#bytes === undefined) return;
		returnOutgoing(this.#bytes);
		this.#bytes = undefined;
	}

	#block(): void {
		this.#blocked = true;
		try {
			this.#receiver.socket.descriptor.awaitWritable(this);
		} catch (error) {
			this.#blocked = false;
			this.fail(error as Error);
		}
	}

	// `bytes` are those of the write that asks, `borrowed` is its buffer where that was not copied.
	#settleNow(options: WaitOptions | undefined, bytes = 0, borrowed?: Uint8Array): Promise<void> {
		if (this.#failure !== undefined) return this.#refuse(this.#failure);
		if (this.queuedBytes === 0) return afterSend();
		if (this.#drain === undefined) this.#drain = createDrain();
		return options === undefined
			? this.#drain.promise
			: this.#superviseDrain(this.#drain.promise, options, bytes, borrowed);
	}

	#superviseDrain(
		drained: Promise<void>,
		options: WaitOptions,
		bytes: number,
		borrowed: Uint8Array | undefined,
	): Promise<void> {
		if (options.timeoutMs === 0) {
			return Promise.reject(new TimeoutError(0, this.#regain(bytes, borrowed)));
		}
		return new Promise((resolve, reject) => {
			const release = supervise(options, (error) => {
				reject(error(this.#regain(bytes, borrowed)));
			});
			drained.then(
				() => {
					release?.();
					resolve();
				},
				(error: SocketError) => {
					release?.();
					reject(error);
				},
			);
		});
	}

	// Gives a caller's buffer back; returns how many of its bytes are sent or will be.
	#regain(bytes: number, borrowed: Uint8Array | undefined): number {
		if (borrowed === undefined || this.#bytes?.regain(borrowed) !== true) return bytes;
		this.#takenBytes -= bytes;
		if (this.queuedBytes === 0) this.#unblock();
		return 0;
	}

	// Nothing is left to wait for.
	#unblock(): void {
		if (this.#blocked) this.#receiver.socket.descriptor.cancelWritable();
		this.#blocked = false;
		this.#settle(undefined);
	}

	#settle(error: Error | undefined): void {
		const drain = this.#drain;
		if (drain === undefined) return;
		this.#drain = undefined;
		if (error === undefined) drain.resolve();
		else {
			this.#failureTold = true;
			drain.reject(error);
		}
	}

	#refuse(failure: Error): Promise<void> {
		this.#failureTold = true;
		return rejectQuietly(failure);
	}
}
