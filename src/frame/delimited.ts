/** Messages that end with certain bytes. */
import { requireBytesOrText } from "../arguments.ts";
import { InvalidValueError } from "../errors.ts";
import { BacklogDecoder } from "./backlog-decoder.ts";
import { CODEC, type Codec, type CodecOptions, requireMaxBytes, tooLong } from "./codec.ts";

/**
 * Messages of any bytes but `delimiter`, each followed by it.
 *
 * @param delimiter one byte or more, copied; a string stands for its UTF-8 bytes
 * @throws {InvalidValueError} it is empty
 */
export function delimited(
	delimiter: Uint8Array | string,
	options: CodecOptions = {},
): Codec<Uint8Array, Uint8Array | string> {
	const end = requireBytesOrText("delimiter", delimiter).slice();
	if (end.length === 0) {
		throw new InvalidValueError("delimiter", "must have one byte or more", delimiter);
	}
	const maxBytes = requireMaxBytes(options, CODEC);
	return {
		encode: (message) => encodeDelimited(requireBytesOrText("message", message), end, maxBytes),
		decoder: () => new DelimitedDecoder(end, maxBytes),
	};
}

/** Cuts bytes at a delimiter. */
export class DelimitedDecoder extends BacklogDecoder {
	readonly #delimiter: Uint8Array;
	readonly #maxBytes: number;
	// Bytes known to hold no delimiter, nor the beginning of one.
	#searched = 0;

	/** @param maxBytes longest message, without the delimiter */
	constructor(delimiter: Uint8Array, maxBytes: number) {
		super("the delimiter of its last message had come");
		this.#delimiter = delimiter;
		this.#maxBytes = maxBytes;
	}

	next(): Uint8Array | undefined {
		const { length } = this.backlog;
		if (length === 0) return undefined;
		const size = this.#delimiter.length;
		const found = this.backlog.indexOf(this.#delimiter, this.#searched);
		if (found < 0) {
			this.#searched = Math.max(0, length - size + 1);
			this.#checkLength(this.#searched);
			return undefined;
		}
		this.#checkLength(found);
		const message = this.backlog.take(0, found);
		this.backlog.take(0, size);
		this.#searched = 0;
		return message;
	}

	/** Takes what no delimiter ends. */
	takeRest(): Uint8Array {
		const { length } = this.backlog;
		this.#checkLength(length);
		this.#searched = 0;
		return this.backlog.take(0, length);
	}

	// Nothing is taken: asked again, it fails again.
	#checkLength(bytes: number): void {
		if (bytes > this.#maxBytes) throw tooLong(bytes, this.#maxBytes);
	}
}

/** The message and its delimiter in one piece. */
export function encodeDelimited(
	message: Uint8Array,
	delimiter: Uint8Array,
	maxBytes: number,
): Uint8Array {
	if (message.length > maxBytes) throw tooLong(message.length, maxBytes);
	const bytes = Buffer.allocUnsafe(message.length + delimiter.length);
	bytes.set(message);
	bytes.set(delimiter, message.length);
	// Also across the seam: "ba" before the delimiter "aa" would be read as "b".
	if (bytes.indexOf(delimiter) !== message.length) {
		throw new InvalidValueError("message", "must not contain the delimiter", message);
	}
	return bytes;
}
