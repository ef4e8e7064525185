/** Standard input, read chunk by chunk by one connection after another: what nobody has taken is there for the next one. */
import { fstatSync } from "node:fs";
import type { Readable } from "node:stream";
import { EndOfStreamError, LimitError } from "../../index.ts";
import { CutError } from "../exit-code.ts";
import type { Ending } from "./ending.ts";

const STANDARD_INPUT = 0;
// After the peer's end, input that is silent for so long is not waited for.
const SILENCE_MS = 50;

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

	/**
	 * The next chunk, or null at the end: the same one until `take`.
	 *
	 * @throws {CutError} it cannot be read
	 */
	peek(): Promise<Buffer | null> {
		this.#next ??= this.#read();
		return this.#next;
	}

	/**
	 * The same, beside a peer: after the peer's end, input that is silent is not waited for.
	 *
	 * @param keep whether it is waited for all the same
	 * @returns undefined when the peer has ended and there is nothing to wait for
	 * @throws {CutError} it cannot be read
	 */
	async peekBeside(peerEnd: Ending, keep: boolean): Promise<Buffer | null | undefined> {
		if (keep) return await this.peek();
		if (!peerEnd.isOver) {
			const chunk = await peerEnd.before(this.peek());
			if (chunk !== undefined) return chunk;
		}
		return await peerEnd.before(this.peek(), this.isTerminal ? 0 : SILENCE_MS);
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
		try {
			this.#iterator ??= this.#open();
			const { done, value } = await this.#iterator.next();
			if (done !== true) return value;
		} catch (error) {
			// Stopped while it waited.
			if (!this.#isOver) throw unreadable(error as Error);
		}
		this.#isOver = true;
		return null;
	}

	#open(): AsyncIterator<Buffer> {
		// For which Node has an empty stream.
		if (this.#stream === process.stdin && fstatSync(STANDARD_INPUT).isDirectory()) {
			throw new Error("it is a directory");
		}
		return this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
	}
}

/** Says that standard input is what data was cut by. */
export function unreadable(cause: Error): CutError {
	return new CutError(`data was cut: standard input: ${reasonOf(cause)}`, { cause });
}

// As seen by whoever gave it to us, and not by whoever calls a decoder.
function reasonOf(error: Error): string {
	if (error instanceof EndOfStreamError) return "it ends before its last message is complete";
	if (!(error instanceof LimitError)) return error.message;
	return `a message of ${error.actual} bytes or more is in it, and ${error.allowed} bytes are allowed`;
}
