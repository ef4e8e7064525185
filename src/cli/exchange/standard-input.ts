/** Standard input, read chunk by chunk by one connection after another: what nobody has taken is there for the next one. */
import type { Readable } from "node:stream";

/** Standard input. */
export class StandardInput {
	readonly #stream: Readable & { readonly isTTY?: boolean };
	#iterator: AsyncIterator<Buffer> | undefined;
	#next: Promise<Buffer | null> | undefined;
	#isOver = false;

	constructor(stream: Readable & { readonly isTTY?: boolean } = process.stdin) {
		this.#stream = stream;
	}

	/** Whether a person types it. */
	get isTerminal(): boolean {
		return this.#stream.isTTY === true;
	}

	/** The next chunk, or null at the end: the same one until `take`. */
	peek(): Promise<Buffer | null> {
		this.#next ??= this.#read();
		return this.#next;
	}

	/** Says that what `peek` gave has been used. */
	take(): void {
		if (!this.#isOver) this.#next = undefined;
	}

	/** Reads no more, so that the process can end. */
	stop(): void {
		this.#isOver = true;
		this.#next = Promise.resolve(null);
		this.#stream.destroy();
	}

	async #read(): Promise<Buffer | null> {
		this.#iterator ??= this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
		try {
			const { done, value } = await this.#iterator.next();
			if (done !== true) return value;
		} catch (error) {
			// Stopped while it waited.
			if (!this.#stream.destroyed || (error as { code?: string }).code === "EISDIR") throw error;
		}
		this.#isOver = true;
		return null;
	}
}
