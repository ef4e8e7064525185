/** Messages that begin with their length. */
import { type Known, requireBoolean, requireBytesOrText, requireInteger } from "../arguments.ts";
import { BacklogDecoder } from "./backlog-decoder.ts";
import { CODEC, type Codec, type CodecOptions, requireMaxBytes, tooLong } from "./codec.ts";

/** Options of `lengthPrefixed`. */
export interface LengthPrefixedOptions extends CodecOptions {
	/** Bytes of the length, 1..6. Default 4. */
	readonly prefixBytes?: number | undefined;
	/** Whether the length comes with its lowest byte first. Default false: network byte order. */
	readonly littleEndian?: boolean | undefined;
}

const KNOWN: Known<LengthPrefixedOptions> = {
	...CODEC,
	prefixBytes: true,
	littleEndian: true,
};

/**
 * Messages of any bytes, each after its length, an unsigned integer that does not count itself.
 *
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an option is wrong, or unknown
 */
export function lengthPrefixed(
	options: LengthPrefixedOptions = {},
): Codec<Uint8Array, Uint8Array | string> {
	const maxBytes = requireMaxBytes(options, KNOWN);
	const prefixBytes = requireInteger("prefixBytes", options.prefixBytes ?? 4, 1, 6);
	const littleEndian = requireBoolean("littleEndian", options.littleEndian ?? false);
	const allowed = Math.min(maxBytes, 2 ** (8 * prefixBytes) - 1);
	return {
		encode(message) {
			const payload = requireBytesOrText("message", message);
			if (payload.length > allowed) throw tooLong(payload.length, allowed);
			const bytes = Buffer.allocUnsafe(prefixBytes + payload.length);
			if (littleEndian) bytes.writeUIntLE(payload.length, 0, prefixBytes);
			else bytes.writeUIntBE(payload.length, 0, prefixBytes);
			bytes.set(payload, prefixBytes);
			return bytes;
		},
		decoder: () => new LengthPrefixedDecoder(prefixBytes, littleEndian, allowed),
	};
}

class LengthPrefixedDecoder extends BacklogDecoder {
	readonly #prefixBytes: number;
	readonly #littleEndian: boolean;
	readonly #maxBytes: number;

	constructor(prefixBytes: number, littleEndian: boolean, maxBytes: number) {
		super("the last message was complete");
		this.#prefixBytes = prefixBytes;
		this.#littleEndian = littleEndian;
		this.#maxBytes = maxBytes;
	}

	next(): Uint8Array | undefined {
		const available = this.backlog.length - this.#prefixBytes;
		if (available < 0) return undefined;
		const length = this.#length();
		if (length > this.#maxBytes) throw tooLong(length, this.#maxBytes);
		return length > available ? undefined : this.backlog.take(this.#prefixBytes, length);
	}

	#length(): number {
		let length = 0;
		for (let i = 0; i < this.#prefixBytes; i++) {
			const index = this.#littleEndian ? this.#prefixBytes - 1 - i : i;
			length = length * 256 + this.backlog.at(index);
		}
		return length;
	}
}
