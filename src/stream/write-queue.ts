/**
 * The bytes of one stream on their way to the kernel. Small writes are copied side by side into a slab and leave as one send; large ones
 * are passed by reference. Whoever writes past the high-water mark is asked to wait until the kernel has taken everything.
 */
import { requireBytes } from "../arguments.ts";
import {
	ClosedError,
	InvalidValueError,
	type SocketError,
	syscallError,
	TimeoutError,
} from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Descriptor, Waiter } from "../socket/descriptor.ts";
import { turnNumber } from "../socket/readiness.ts";
import type { Socket } from "../socket/socket.ts";
import { supervise, type WaitOptions } from "../socket/wait.ts";
import { BUFFERS_MAX } from "../sys/contract.ts";
import { sys } from "../sys/current.ts";
import { EAGAIN } from "../sys/errno.ts";
import { type Flushable, noteWrite, scheduleFlush, unscheduleFlush } from "./flush-scheduler.ts";
import { Slab } from "./slab.ts";

/** The answer to a write that need not wait; shared by all. */
const ROOM: Promise<void> = Promise.resolve();

// Sends in one turn of the event loop after which a writer is made to let others have theirs; 64 full ones are 4 MiB.
const SENDS_PER_TURN = 64;

let sendTurn = 0;
let sendCount = 0;

const slab = new Slab(2 * LIMITS.writeHighWaterBytes);

interface Drain {
	readonly promise: Promise<void>;
	readonly resolve: () => void;
	readonly reject: (error: Error) => void;
}

function ignore(): void {}

/** In place of a count: bytes that were lent have gone meanwhile. */
const LOST = Number.NEGATIVE_INFINITY;
const KEEP_BYTES = "must keep its bytes until its write has settled";

/** Writes for one descriptor. */
export class WriteQueue implements Waiter, Flushable {
	/** Held so that the socket is not collected while somebody waits through this object. */
	readonly socket: Socket;
	readonly #descriptor: Descriptor;
	// Pieces in order of sending, followed by the tail, which still grows in place.
	#pieces: Uint8Array[] | undefined;
	#tail: Buffer | undefined;
	#tailStart = 0;
	#tailEnd = 0;
	#queuedBytes = 0;
	#takenBytes = 0;
	#scheduled = false;
	#blocked = false;
	#drain: Drain | undefined;
	#failure: Error | undefined;
	#failureTold = false;

	constructor(socket: Socket) {
		this.socket = socket;
		this.#descriptor = socket.descriptor;
	}

	/** Bytes taken from callers. */
	get takenBytes(): number {
		return this.#takenBytes;
	}

	/** Bytes that the kernel has not taken yet. */
	get queuedBytes(): number {
		return this.#queuedBytes;
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
		const bytes = data instanceof Uint8Array && data.length > 0 ? data : requireBytes("data", data);
		if (bytes.length > LIMITS.writeCopyBytes) return this.#pushLarge(bytes, options);
		this.#grow(bytes.length).set(bytes, slab.used);
		return this.#grown(bytes.length, options);
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
		// Nothing is lost, so nobody need be told, when nothing was queued.
		this.#failureTold = this.#queuedBytes === 0;
		this.#pieces = undefined;
		this.#tail = undefined;
		this.#queuedBytes = 0;
		if (this.#blocked) this.#descriptor.cancelWritable();
		this.#blocked = false;
		this.#settle(error);
	}

	/** Gives up what is queued because this side closes. */
	close(): void {
		if (this.#queuedBytes > 0 || this.#drain !== undefined)
			this.fail(new ClosedError("The stream"));
	}

	/** Sends at once what is held back for the end of the tick: to be called when the program begins to wait for an answer. */
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
		const bytes = this.#grow(most).write(text, slab.used);
		return this.#grown(bytes, options);
	}

	#pushLarge(data: Uint8Array, options: WaitOptions | undefined): Promise<void> {
		this.#seal();
		this.#pieces ??= [];
		// A write that may be withdrawn must be told from others of the same buffer.
		const piece = options === undefined ? data : data.subarray();
		this.#pieces.push(piece);
		this.#queuedBytes += piece.length;
		this.#takenBytes += piece.length;
		this.#send();
		return this.#settleNow(options, piece.length, piece);
	}

	// Room at the slab's end, as a continuation of the tail where that is possible.
	#grow(bytes: number): Buffer {
		slab.reserve(bytes);
		if (this.#tail !== slab.memory || this.#tailEnd !== slab.used) {
			this.#seal();
			this.#tail = slab.memory;
			this.#tailStart = slab.used;
		}
		return slab.memory;
	}

	#grown(bytes: number, options: WaitOptions | undefined): Promise<void> {
		slab.used += bytes;
		this.#tailEnd = slab.used;
		this.#queuedBytes += bytes;
		this.#takenBytes += bytes;
		if (this.#queuedBytes < LIMITS.writeHighWaterBytes) {
			if (this.#scheduled) noteWrite();
			else if (!this.#blocked) {
				this.#scheduled = true;
				scheduleFlush(this);
			}
			return ROOM;
		}
		this.#send();
		return this.#settleNow(options, bytes);
	}

	#seal(): void {
		if (this.#tail === undefined) return;
		if (this.#tailEnd > this.#tailStart) {
			this.#pieces ??= [];
			this.#pieces.push(this.#tail.subarray(this.#tailStart, this.#tailEnd));
		}
		this.#tail = undefined;
	}

	#send(): void {
		while (this.#queuedBytes > 0 && !this.#blocked) {
			const sent = this.#pieces === undefined ? this.#sendTail() : this.#sendPieces(this.#pieces);
			if (sent === LOST) {
				this.fail(new InvalidValueError("data", KEEP_BYTES, "transferred or shrunk"));
				return;
			}
			if (sent < 0 && sent !== EAGAIN) {
				this.fail(syscallError("send", sent));
				return;
			}
			if (sent > 0) this.#queuedBytes -= sent;
			// A short count says that the socket's buffer is full.
			if (this.#queuedBytes > 0 && this.#failure === undefined) this.#block();
		}
		if (this.#queuedBytes === 0 && this.#drain !== undefined) this.#settle(undefined);
	}

	#sendTail(): number {
		const tail = this.#tail;
		if (tail === undefined) return LOST;
		const sent = sys.send(
			this.#descriptor.fd,
			tail,
			this.#tailStart,
			this.#tailEnd - this.#tailStart,
			0,
		);
		if (sent <= 0) return sent;
		this.#tailStart += sent;
		if (this.#tailStart === this.#tailEnd) {
			// The latest bytes of the slab: gone, so the next writer can have their place.
			if (tail === slab.memory && this.#tailEnd === slab.used) slab.used -= sent;
			this.#tail = undefined;
		}
		return sent;
	}

	#sendPieces(pieces: Uint8Array[]): number {
		this.#seal();
		const first = pieces[0] as Uint8Array;
		const fd = this.#descriptor.fd;
		const gathered = pieces.length > BUFFERS_MAX ? pieces.slice(0, BUFFERS_MAX) : pieces;
		let wanted = 0;
		for (const { length } of gathered) {
			if (length === 0) return LOST;
			wanted += length;
		}
		const sent =
			pieces.length === 1
				? sys.send(fd, first, 0, first.length, 0)
				: sys.sendmsg(fd, gathered, null, null, 0);
		if (sent > 0) this.#dropSent(pieces, sent);
		// More pieces than one call takes are no sign of a full buffer: go on at once.
		if (sent === wanted && this.#pieces !== undefined) {
			this.#queuedBytes -= sent;
			return this.#sendPieces(this.#pieces);
		}
		return sent;
	}

	#dropSent(pieces: Uint8Array[], sent: number): void {
		let left = sent;
		let index = 0;
		while (index < pieces.length) {
			const piece = pieces[index] as Uint8Array;
			if (piece.length > left) break;
			left -= piece.length;
			index++;
		}
		if (index === pieces.length) {
			this.#pieces = undefined;
			return;
		}
		if (index > 0) pieces.splice(0, index);
		if (left > 0) pieces[0] = (pieces[0] as Uint8Array).subarray(left);
	}

	#block(): void {
		this.#blocked = true;
		try {
			this.#descriptor.awaitWritable(this);
		} catch (error) {
			this.#blocked = false;
			this.fail(error as Error);
		}
	}

	// `bytes` are those of the write that asks, `borrowed` is its buffer where that was not copied.
	#settleNow(options: WaitOptions | undefined, bytes = 0, borrowed?: Uint8Array): Promise<void> {
		if (this.#failure !== undefined) return this.#refuse(this.#failure);
		if (this.#queuedBytes === 0) return nextTurnIfGreedy();
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

	// Ends the loan of a caller's buffer: unsent bytes are withdrawn if none has left, and copied otherwise, since half of a write would
	// corrupt the stream. Returns how many of its bytes are sent or will be.
	#regain(bytes: number, borrowed: Uint8Array | undefined): number {
		if (borrowed === undefined || this.#pieces === undefined) return bytes;
		const whole = this.#pieces.indexOf(borrowed);
		if (whole >= 0) {
			this.#pieces.splice(whole, 1);
			if (this.#pieces.length === 0) this.#pieces = undefined;
			this.#queuedBytes -= bytes;
			this.#takenBytes -= bytes;
			if (this.#queuedBytes === 0) this.#unblock();
			return 0;
		}
		const part = this.#pieces[0] as Uint8Array;
		if (part.buffer === borrowed.buffer) this.#pieces[0] = Uint8Array.prototype.slice.call(part);
		return bytes;
	}

	// Nothing is left to wait for.
	#unblock(): void {
		if (this.#blocked) this.#descriptor.cancelWritable();
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
		const refusal = Promise.reject(failure);
		refusal.catch(ignore);
		return refusal;
	}
}

// Without a pause a writer whose peer keeps up would never let a timer fire.
function nextTurnIfGreedy(): Promise<void> {
	const turn = turnNumber();
	if (turn !== sendTurn) {
		sendTurn = turn;
		sendCount = 0;
	}
	if (++sendCount < SENDS_PER_TURN) return ROOM;
	sendCount = 0;
	return new Promise((resolve) => setImmediate(resolve));
}

// A caller who does not await a write learns of the failure from the next call: that must not end the process.
function createDrain(): Drain {
	let resolve!: () => void;
	let reject!: (error: Error) => void;
	const promise = new Promise<void>((onResolve, onReject) => {
		resolve = onResolve;
		reject = onReject;
	});
	promise.catch(ignore);
	return { promise, resolve, reject };
}
