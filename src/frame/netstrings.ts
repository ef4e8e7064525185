/** Netstrings: `5:hello,`. */
import { requireBytesOrText } from "../arguments.ts";
import { FramingError } from "../errors.ts";
import { BacklogDecoder } from "./backlog-decoder.ts";
import { CODEC, type Codec, type CodecOptions, requireMaxBytes, tooLong } from "./codec.ts";

const COLON = 0x3a;
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * Messages of any bytes as netstrings: the length in decimal digits, a colon, the bytes, a comma.
 *
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an option is wrong, or unknown
 * @see https://cr.yp.to/proto/netstrings.txt
 */
export function netstrings(options: CodecOptions = {}): Codec<Uint8Array, Uint8Array | string> {
	const maxBytes = requireMaxBytes(options, CODEC);
	return {
		encode(message) {
			const payload = requireBytesOrText("message", message);
			if (payload.length > maxBytes) throw tooLong(payload.length, maxBytes);
			return Buffer.concat([Buffer.from(`${payload.length}:`), payload, Buffer.of(COMMA)]);
		},
		decoder: () => new NetstringDecoder(maxBytes),
	};
}

class NetstringDecoder extends BacklogDecoder {
	readonly #maxBytes: number;
	// Of the message under way, once its colon has come.
	#length = -1;
	#prefixBytes = 0;

	constructor(maxBytes: number) {
		super("the last netstring was complete");
		this.#maxBytes = maxBytes;
	}

	next(): Uint8Array | undefined {
		if (this.#length < 0) this.#readPrefix();
		const end = this.#prefixBytes + this.#length;
		if (this.#length < 0 || this.backlog.length <= end) return undefined;
		if (this.backlog.at(end) !== COMMA) {
			throw new FramingError(`no comma follows the ${this.#length} bytes of a netstring`);
		}
		const message = this.backlog.take(this.#prefixBytes, this.#length);
		this.backlog.take(1, 0);
		this.#length = -1;
		return message;
	}

	// Reads again from the first digit each time: there are ten at the most.
	#readPrefix(): void {
		const backlog = this.backlog;
		let value = 0;
		for (let i = 0; i < backlog.length; i++) {
			const byte = backlog.at(i);
			if (byte === COLON && i > 0) {
				this.#length = value;
				this.#prefixBytes = i + 1;
				return;
			}
			const isLeadingZero = i === 1 && value === 0;
			if (byte < ZERO || byte > NINE || isLeadingZero) {
				throw new FramingError(
					"a netstring must begin with its length, without leading zeros, and a colon",
				);
			}
			value = value * 10 + byte - ZERO;
			if (value > this.#maxBytes) throw tooLong(value, this.#maxBytes);
		}
	}
}
