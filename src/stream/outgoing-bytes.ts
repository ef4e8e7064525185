/**
 * The bytes of one stream that the kernel has not taken yet, in order. Small pieces are copied side by side into a slab, so that they leave
 * as one send; large ones are borrowed.
 */
import { LIMITS } from "../limits.ts";
import type { Passage } from "../socket/passage.ts";
import { BUFFERS_MAX } from "../sys/contract.ts";
import { sys } from "../sys/current.ts";
import { Slab } from "./slab.ts";

/** In place of a count: bytes that were lent have gone meanwhile. */
export const LOST: number = Number.NEGATIVE_INFINITY;

const slab = new Slab(2 * LIMITS.writeHighWaterBytes);

// As many streams can write in turn without a new queue being made for each.
const SPARE_MAX = 64;
const spare: OutgoingBytes[] = [];

/** A queue of bytes. */
export class OutgoingBytes {
	// Pieces in order of sending, followed by the tail, which still grows in place.
	#pieces: Uint8Array[] | undefined;
	#tail: Buffer | undefined;
	#tailStart = 0;
	#tailEnd = 0;
	#length = 0;
	// What goes along with the first byte of a piece, which therefore leaves by a call of its own.
	#passages: Map<Uint8Array, Passage> | undefined;

	/** Bytes queued. */
	get length(): number {
		return this.#length;
	}

	/** Appends a copy of the bytes. */
	copy(bytes: Uint8Array): void {
		this.#grow(bytes.length).set(bytes, slab.used);
		this.#grown(bytes.length);
	}

	/** Appends a text as UTF-8, of `most` bytes at the most; returns how many it has become. */
	copyText(text: string, most: number): number {
		const bytes = this.#grow(most).write(text, slab.used);
		this.#grown(bytes);
		return bytes;
	}

	/**
	 * Appends bytes by reference: they must not change until they are sent, or given back by `regain`.
	 *
	 * @param passage leaves with the first of them; taken: it is closed when it has left or will not
	 */
	borrow(bytes: Uint8Array, passage?: Passage): void {
		this.#seal();
		this.#pieces ??= [];
		this.#pieces.push(bytes);
		this.#length += bytes.length;
		if (passage === undefined) return;
		this.#passages ??= new Map();
		this.#passages.set(bytes, passage);
	}

	/** What goes along with the bytes of a piece and has not left yet. */
	passageOf(piece: Uint8Array): Passage | undefined {
		return this.#passages?.get(piece);
	}

	/** Whether these bytes are the next to leave. */
	isNext(piece: Uint8Array): boolean {
		return this.#pieces?.[0] === piece;
	}

	/** Forgets everything. */
	clear(): void {
		if (this.#passages !== undefined) {
			for (const passage of this.#passages.values()) passage.close();
			this.#passages = undefined;
		}
		this.#pieces = undefined;
		this.#tail = undefined;
		this.#length = 0;
	}

	/** Makes one system call, or more where one does not take all pieces. Returns the latest call's result, or LOST. */
	send(fd: number): number {
		const sent =
			this.#pieces === undefined ? this.#sendTail(fd) : this.#sendPieces(fd, this.#pieces);
		if (sent > 0) this.#length -= sent;
		return sent;
	}

	/**
	 * Ends the loan of a caller's buffer: the bytes are withdrawn if none has left, and copied otherwise, since half of a write would
	 * corrupt the stream.
	 *
	 * @returns whether they were withdrawn
	 */
	regain(borrowed: Uint8Array): boolean {
		if (this.#pieces === undefined) return false;
		const whole = this.#pieces.indexOf(borrowed);
		if (whole >= 0) {
			this.#pieces.splice(whole, 1);
			if (this.#pieces.length === 0) this.#pieces = undefined;
			this.#length -= borrowed.length;
			this.#endPassage(borrowed);
			return true;
		}
		const part = this.#pieces[0] as Uint8Array;
		// Not another write of the same buffer: that is known by its piece, and what goes along with it too.
		if (isRest(part, borrowed) && this.#passages?.has(part) !== true) {
			this.#pieces[0] = Uint8Array.prototype.slice.call(part);
		}
		return false;
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

	#grown(bytes: number): void {
		slab.used += bytes;
		this.#tailEnd = slab.used;
		this.#length += bytes;
	}

	#seal(): void {
		if (this.#tail === undefined) return;
		if (this.#tailEnd > this.#tailStart) {
			this.#pieces ??= [];
			this.#pieces.push(this.#tail.subarray(this.#tailStart, this.#tailEnd));
		}
		this.#tail = undefined;
	}

	#sendTail(fd: number): number {
		const tail = this.#tail;
		if (tail === undefined) return LOST;
		const sent = sys.send(fd, tail, this.#tailStart, this.#tailEnd - this.#tailStart, 0);
		if (sent <= 0) return sent;
		this.#tailStart += sent;
		if (this.#tailStart === this.#tailEnd) {
			// The latest bytes of the slab: gone, so the next writer can have their place.
			if (tail === slab.memory && this.#tailEnd === slab.used) slab.used -= sent;
			this.#tail = undefined;
		}
		return sent;
	}

	#sendPieces(fd: number, pieces: Uint8Array[]): number {
		this.#seal();
		const first = pieces[0] as Uint8Array;
		const control = this.#passages?.get(first)?.control ?? null;
		const gathered = this.#together(pieces);
		let wanted = 0;
		for (const { length } of gathered) {
			if (length === 0) return LOST;
			wanted += length;
		}
		const sent =
			pieces.length === 1 && control === null
				? sys.send(fd, first, 0, first.length, 0)
				: sys.sendmsg(fd, gathered, null, control, 0);
		if (sent > 0) {
			if (control !== null) this.#endPassage(first);
			this.#dropSent(pieces, sent);
		}
		// More pieces than one call takes are no sign of a full buffer: go on at once.
		if (sent === wanted && this.#pieces !== undefined) {
			this.#length -= sent;
			return this.#sendPieces(fd, this.#pieces);
		}
		return sent;
	}

	// The pieces that one call can take: what goes along with a piece must not come to lie on the bytes of another.
	#together(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
		const passages = this.#passages;
		let count = Math.min(pieces.length, BUFFERS_MAX);
		if (passages !== undefined) {
			if (passages.has(pieces[0] as Uint8Array)) count = 1;
			const next = pieces.findIndex((piece, i) => i > 0 && passages.has(piece));
			if (next > 0) count = Math.min(count, next);
		}
		return count === pieces.length ? pieces : pieces.slice(0, count);
	}

	#endPassage(piece: Uint8Array): void {
		const passages = this.#passages;
		if (passages === undefined) return;
		passages.get(piece)?.close();
		passages.delete(piece);
		if (passages.size === 0) this.#passages = undefined;
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
}

/** An empty queue, for as long as there is something to send: an idle stream holds none. */
export function lendOutgoing(): OutgoingBytes {
	return spare.pop() ?? new OutgoingBytes();
}

/** Ends the loan of a queue; what is in it is forgotten. */
export function returnOutgoing(queue: OutgoingBytes): void {
	queue.clear();
	if (spare.length < SPARE_MAX) spare.push(queue);
}

// What is left of bytes of which some have been sent.
function isRest(part: Uint8Array, whole: Uint8Array): boolean {
	const end = part.byteOffset + part.length;
	return (
		part.buffer === whole.buffer &&
		end === whole.byteOffset + whole.length &&
		part.length < whole.length
	);
}
