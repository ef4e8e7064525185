/** Lines of UTF-8 text. */
import { type Known, requireOneOf } from "../arguments.ts";
import { FramingError, InvalidValueError } from "../errors.ts";
import { CODEC, type Codec, type CodecOptions, type Decoder, requireMaxBytes } from "./codec.ts";
import { DelimitedDecoder, encodeDelimited } from "./delimited.ts";

/** Options of `lines`. */
export interface LinesOptions extends CodecOptions {
	/** What ends the lines that are sent; those that come may end either way. Default `"\n"`. */
	readonly ending?: "\n" | "\r\n" | undefined;
	/** Whether a line that is no UTF-8 ends the reading with an error (the default), or is read with U+FFFD for what is wrong. */
	readonly invalid?: "error" | "replace" | undefined;
}

const KNOWN: Known<LinesOptions> = {
	...CODEC,
	ending: true,
	invalid: true,
};

const NEWLINE = Uint8Array.of(0x0a);
const CARRIAGE_RETURN = 0x0d;
const REPLACEMENT = "\ufffd";
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Lines of UTF-8 text, without their endings. The end of the stream ends a last line too.
 *
 * Encoding a line that contains a line feed, or ends with a carriage return, throws `InvalidValueError`.
 *
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an option is wrong, or unknown
 */
export function lines(options: LinesOptions = {}): Codec<string> {
	const maxBytes = requireMaxBytes(options, KNOWN);
	const ending = Buffer.from(requireOneOf("ending", options.ending ?? "\n", ["\n", "\r\n"]));
	const isStrict =
		requireOneOf("invalid", options.invalid ?? "error", ["error", "replace"]) === "error";
	return {
		encode(line) {
			if (typeof line !== "string" || line.endsWith("\r") || line.includes("\n")) {
				throw new InvalidValueError(
					"message",
					"must be a string without a line feed, and not end with a carriage return",
					line,
				);
			}
			return encodeDelimited(Buffer.from(line), ending, maxBytes);
		},
		decoder: () => new LineDecoder(maxBytes, isStrict),
	};
}

class LineDecoder implements Decoder<string> {
	readonly #messages: DelimitedDecoder;
	readonly #isStrict: boolean;
	#failure: Error | undefined;

	constructor(maxBytes: number, isStrict: boolean) {
		this.#messages = new DelimitedDecoder(NEWLINE, maxBytes);
		this.#isStrict = isStrict;
	}

	get pendingBytes(): number {
		return this.#messages.pendingBytes;
	}

	push(chunk: Uint8Array): void {
		this.#messages.push(chunk);
	}

	next(): string | undefined {
		if (this.#failure !== undefined) throw this.#failure;
		const bytes = this.#messages.next();
		return bytes === undefined ? undefined : this.#toText(bytes);
	}

	end(): string | undefined {
		if (this.#failure !== undefined) throw this.#failure;
		return this.pendingBytes === 0 ? undefined : this.#toText(this.#messages.takeRest());
	}

	#toText(bytes: Uint8Array): string {
		const last = bytes.length - 1;
		const end = bytes[last] === CARRIAGE_RETURN ? last : bytes.length;
		const text = Buffer.from(bytes.buffer, bytes.byteOffset, end).toString();
		// A strict decoder costs several times as much: asked only where the quick one may have replaced something.
		if (this.#isStrict && text.includes(REPLACEMENT)) this.#requireText(bytes);
		return text;
	}

	#requireText(bytes: Uint8Array): void {
		try {
			strict.decode(bytes);
		} catch (cause) {
			this.#failure = new FramingError(
				'a line is no valid UTF-8; read it as bytes by delimited(), or give invalid: "replace"',
				{ cause },
			);
			throw this.#failure;
		}
	}
}
