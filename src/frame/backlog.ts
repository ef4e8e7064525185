/**
 * Bytes that wait for the rest of their message. A chunk that arrives at an empty backlog is used as it is; only what a message leaves over
 * is copied, into memory that doubles, so that a message which comes byte by byte costs no more than a few copies of it.
 */
import { asBuffer } from "../as-buffer.ts";

const EMPTY = new Uint8Array(0);
const GROWN_BYTES_MIN = 1_024;

/** A queue of bytes, read from the front. */
export class Backlog {
	#bytes: Uint8Array = EMPTY;
	#start = 0;
	#end = 0;
	// Whether the memory behind `#end` is ours to write to.
	#isOwn = false;

	/** How many bytes there are. */
	get length(): number {
		return this.#end - this.#start;
	}

	/** Appends. @param chunk taken when nothing is there, else copied */
	push(chunk: Uint8Array): void {
		if (this.#start === this.#end) {
			this.#bytes = chunk;
			this.#start = 0;
			this.#end = chunk.length;
			this.#isOwn = false;
			return;
		}
		if (!this.#isOwn || this.#bytes.length - this.#end < chunk.length) this.#grow(chunk.length);
		this.#bytes.set(chunk, this.#end);
		this.#end += chunk.length;
	}

	/** The byte at `index`, which is less than the length. */
	at(index: number): number {
		return this.#bytes[this.#start + index] as number;
	}

	/** Where `bytes` begin, from `from` on, or -1. */
	indexOf(bytes: Uint8Array, from: number): number {
		const start = this.#start + from;
		// Behind the end is memory that was never written, up to as much as there is before it.
		const there = this.#isOwn ? this.#bytes.subarray(0, this.#end) : this.#bytes;
		const found =
			bytes.length === 1
				? there.indexOf(bytes[0] as number, start)
				: asBuffer(there).indexOf(bytes, start);
		return found < 0 ? -1 : found - this.#start;
	}

	/** Removes `skipped` bytes and the `length` after them. Returns a view of the latter; it stays as it is. */
	take(skipped: number, length: number): Uint8Array {
		const view = this.#view(skipped, skipped + length);
		this.#start += skipped + length;
		return view;
	}

	#view(start: number, end: number): Uint8Array {
		return this.#bytes.subarray(this.#start + start, this.#start + end);
	}

	// Never in place: views of what was there have been given away.
	#grow(more: number): void {
		const { length } = this;
		const size = Math.max(GROWN_BYTES_MIN, 2 * (length + more));
		const grown = Buffer.allocUnsafeSlow(size);
		grown.set(this.#view(0, length));
		this.#bytes = grown;
		this.#start = 0;
		this.#end = length;
		this.#isOwn = true;
	}
}
