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
 * cancelling the readable ends reading only; the stream is closed when both have ended, or failed. Aborting the writable aborts the stream.
 *
 * @param stream taken: reading or writing it otherwise takes bytes from these, and closing it ends both
 */
export function toWeb(stream: ByteStream): WebStreamPair {
	const halves = new Halves(stream);
	const readable = new ReadableStream(new Source(stream, halves), { highWaterMark: 0 });
	const writable = new WritableStream(new Sink(stream, halves));
	return { readable, writable };
}

type Half = "reading" | "writing";

/** Closes the stream once both of its halves have ended. */
class Halves {
	readonly #stream: ByteStream;
	readonly #open = new Set<Half>(["reading", "writing"]);
	// What was written last has not left: the peer must not take that for the end.
	#isCut = false;

	constructor(stream: ByteStream) {
		this.#stream = stream;
	}

	async end(half: Half): Promise<void> {
		if (!this.#open.delete(half) || this.#open.size > 0) return;
		if (this.#isCut) this.#stream.abort();
		else await this.#stream.close();
	}

	/** Ends a half that has failed, whose Web Stream asks for nothing any more. Throws the error. */
	fail(half: Half, error: unknown): never {
		this.#isCut ||= half === "writing";
		// Nobody is interested in how that ends: the failure is told.
		this.end(half).catch(() => {});
		throw error;
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
		const received = await this.#stream
			.readInto(view, { signal: this.#cancelled.signal })
			.catch((error: unknown) => this.#halves.fail("reading", error));
		if (received === 0) controller.close();
		request.respond(received);
		if (received === 0) await this.#halves.end("reading");
	}

	async cancel(reason: unknown): Promise<void> {
		this.#cancelled.abort(reason);
		await this.#halves.end("reading");
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
		return this.#stream
			.write(chunk instanceof ArrayBuffer ? new Uint8Array(chunk) : chunk)
			.catch((error: unknown) => this.#halves.fail("writing", error));
	}

	async close(): Promise<void> {
		await this.#stream.closeWrite().catch((error: unknown) => this.#halves.fail("writing", error));
		await this.#halves.end("writing");
	}

	// By the signal, which does not wait for a write that the peer does not take.
	start(controller: WritableStreamDefaultController): void {
		const { signal } = controller as unknown as { readonly signal: AbortSignal };
		signal.addEventListener("abort", () => this.#stream.abort());
	}
}
