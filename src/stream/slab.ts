/**
 * Shared memory for many small pieces: bytes are taken from the front, and what was taken last can be given back. One slab a thread serves
 * all sockets, so that an idle connection holds none.
 */

/** A run of memory that is handed out from front to back. */
export class Slab {
	/** The memory; another one after each `renew`. */
	memory: Buffer;
	/** Bytes handed out. */
	used = 0;
	readonly #sizeBytes: number;

	constructor(sizeBytes: number) {
		this.#sizeBytes = sizeBytes;
		this.memory = Buffer.alloc(0);
	}

	/** Makes sure that at least `bytes` are free, in new memory if need be; the old lives on in the views of it. */
	reserve(bytes: number): void {
		if (this.memory.length - this.used >= bytes) return;
		this.memory = Buffer.allocUnsafeSlow(Math.max(this.#sizeBytes, bytes));
		this.used = 0;
	}

	/** The next `bytes` as a view of their own. */
	take(bytes: number): Buffer {
		const start = this.used;
		this.used = start + bytes;
		return this.memory.subarray(start, this.used);
	}
}
