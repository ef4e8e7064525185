/** The two halves of a stream as Web Streams. */
import type {
	ReadableByteStreamController,
	UnderlyingByteSource,
	UnderlyingSink,
} from "node:stream/web";
import { LIMITS } from "../limits.ts";
import type { ByteStream } from "../stream/contract.ts";

/** A stream as the web has it: what `pipeTo`, `pipeThrough`, `Response` and `Request` take. */
export interface WebStreamPair {
	/** A byte stream: readers may bring their own memory (`getReader({ mode: "byob" })`). */
	readonly readable: ReadableStream<Uint8Array>;
	/** Takes bytes, and text as UTF-8. */
	readonly writable: WritableStream<Uint8Array | ArrayBuffer | string>;
}

/**
 * Gives the halves of a stream as Web Streams.
 *
 * Reading: nothing is read from the socket before somebody asks, and a reader that brings memory has it filled without a copy. Writing: a
 * write is taken when the stream has room, so that `writer.ready` and `pipeTo` wait for the peer. Closing the writable ends writing only;
 * cancelling the readable ends reading only; the stream is closed when both have ended. Aborting the writable aborts the stream.
 *
 * @param stream taken: reading or writing it otherwise takes bytes from these, and closing it ends both
 */
export function toWeb(stream: ByteStream): WebStreamPair {
	const halves = new Halves(stream);
	const readable = new ReadableStream(new Source(stream, halves), { highWaterMark: 0 });
	const writable = new WritableStream(new Sink(stream, halves));
	return { readable, writable };
}

/** Closes the stream once both of its halves have ended. */
class Halves {
	readonly #stream: ByteStream;
	#open = 2;

	constructor(stream: ByteStream) {
		this.#stream = stream;
	}

	async end(): Promise<void> {
		this.#open--;
		if (this.#open === 0) await this.#stream.close();
	}
}

class Source implements UnderlyingByteSource {
	readonly type = "bytes" as const;
	// A reader without memory of its own is given some, so that every read goes straight to its place. Memory that is shared with other
	// chunks could not be handed out: a byte stream takes its chunks' buffers away.
	readonly autoAllocateChunkSize: number = LIMITS.readChunkBytes;
	readonly #stream: ByteStream;
	readonly #halves: Halves;
	readonly #cancelled = new AbortController();

	constructor(stream: ByteStream, halves: Halves) {
		this.#stream = stream;
		this.#halves = halves;
	}

	async pull(controller: ReadableByteStreamController): Promise<void> {
		const request = controller.byobRequest as NonNullable<typeof controller.byobRequest>;
		const view = request.view as unknown as Uint8Array;
		const received = await this.#stream.readInto(view, { signal: this.#cancelled.signal });
		if (received === 0) controller.close();
		request.respond(received);
		if (received === 0) await this.#halves.end();
	}

	async cancel(reason: unknown): Promise<void> {
		this.#cancelled.abort(reason);
		await this.#halves.end();
	}
}

class Sink implements UnderlyingSink<Uint8Array | ArrayBuffer | string> {
	readonly #stream: ByteStream;
	readonly #halves: Halves;

	constructor(stream: ByteStream, halves: Halves) {
		this.#stream = stream;
		this.#halves = halves;
	}

	write(chunk: Uint8Array | ArrayBuffer | string): Promise<void> {
		return this.#stream.write(chunk instanceof ArrayBuffer ? new Uint8Array(chunk) : chunk);
	}

	async close(): Promise<void> {
		await this.#stream.closeWrite();
		await this.#halves.end();
	}

	abort(): void {
		this.#stream.abort();
	}
}
