/** Messages over a stream of bytes. */

import { InvalidTypeError, TimeoutError } from "../errors.ts";
import { loopOver, loopTurn } from "../loop.ts";
import { countDown, type WaitOptions } from "../socket/wait.ts";
import type { ByteStream } from "../stream/contract.ts";
import type { Codec, Decoder } from "./codec.ts";

/** A byte stream that is read and written message by message. Made by `framed`. */
export class FramedStream<Message, Input = Message> {
	/** The stream below. Reading from it takes bytes away from the messages. */
	readonly stream: ByteStream;
	readonly #codec: Codec<Message, Input>;
	readonly #decoder: Decoder<Message>;
	#ended = false;

	/** @internal */
	constructor(stream: ByteStream, codec: Codec<Message, Input>) {
		this.stream = stream;
		this.#codec = codec;
		this.#decoder = decoderOf(codec);
	}

	/**
	 * Sends one message. Waits, fails and is counted as the stream's `write`.
	 *
	 * @throws {LimitError | InvalidValueError} the codec cannot send it; nothing was sent
	 */
	async send(message: Input, options?: WaitOptions): Promise<void> {
		await this.stream.write(this.#codec.encode(message), options);
	}

	/**
	 * Receives one message; null at the end.
	 *
	 * @returns where it is bytes: a view that is yours. Its memory is shared with other messages: copy what you keep for long
	 * @throws {FramingError | LimitError} the bytes are no messages of this codec, or too long a one: abort the stream
	 * @throws {EndOfStreamError} the peer ended inside a message
	 * @throws as the stream's `read`; an aborted wait loses nothing
	 */
	async receive(options?: WaitOptions): Promise<Message | null> {
		const remaining = countDown(options);
		for (;;) {
			const message = this.#decoder.next();
			if (message !== undefined) return message;
			if (this.#ended) return this.#decoder.end() ?? null;
			const chunk = await this.#read(remaining(), options?.timeoutMs);
			if (chunk === null) this.#ended = true;
			else this.#decoder.push(chunk);
		}
	}

	/** Ends sending; receiving goes on. As the stream's `closeWrite`. */
	closeWrite(options?: WaitOptions): Promise<void> {
		return this.stream.closeWrite(options);
	}

	/** Closes the stream; as its `close`. */
	close(options?: WaitOptions): Promise<void> {
		return this.stream.close(options);
	}

	/** Closes the stream at once; as its `abort`. */
	abort(): void {
		this.stream.abort();
	}

	/** Receives message after message until the end. Leaving the loop early leaves the stream open. */
	[Symbol.asyncIterator](): AsyncIterableIterator<Message> {
		return loopOver(async () => loopTurn(this.#decoder.next() ?? (await this.receive())));
	}

	/** As `close()`. */
	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #read(options: WaitOptions | undefined, timeoutMs = 0): Promise<Uint8Array | null> {
		try {
			return await this.stream.read(options);
		} catch (error) {
			throw error instanceof TimeoutError ? new TimeoutError(timeoutMs) : error;
		}
	}
}

/**
 * Reads and writes a stream message by message.
 *
 * @param stream any byte stream; not closed when this object is forgotten
 * @param codec says where messages end: `lines()`, `lengthPrefixed()`, `netstrings()`, `delimited(bytes)`, or your own
 * @throws {InvalidTypeError} one of them is something else
 */
export function framed<Message, Input>(
	stream: ByteStream,
	codec: Codec<Message, Input>,
): FramedStream<Message, Input> {
	if (typeof (stream as Partial<ByteStream> | null)?.closeWrite !== "function") {
		throw new InvalidTypeError("stream", "a Stream", stream);
	}
	return new FramedStream(stream, codec);
}

/**
 * Cuts any source of bytes into messages, such as a file or a body of HTTP.
 *
 * @throws {InvalidTypeError} there is no codec
 * @throws as `receive`
 */
export async function* decode<Message>(
	source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
	codec: Codec<Message, never>,
): AsyncGenerator<Message, void, undefined> {
	const decoder = decoderOf(codec);
	for await (const chunk of source) {
		decoder.push(chunk);
		yield* completeMessages(decoder);
	}
	const last = decoder.end();
	if (last !== undefined) yield last;
}

function* completeMessages<Message>(
	decoder: Decoder<Message>,
): Generator<Message, void, undefined> {
	for (;;) {
		const message = decoder.next();
		if (message === undefined) return;
		yield message;
	}
}

function decoderOf<Message>(codec: Codec<Message, never>): Decoder<Message> {
	if (typeof (codec as Partial<Codec<Message, never>> | undefined)?.decoder !== "function") {
		throw new InvalidTypeError("codec", "a codec, such as lines()", codec);
	}
	return codec.decoder();
}
