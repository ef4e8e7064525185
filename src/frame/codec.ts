/**
 * Bytes to messages and back. TCP and Unix streams carry bytes: what one write sent may arrive in any number of reads. A codec says where a
 * message ends.
 */
import { type Known, requireInteger, requireOptions } from "../arguments.ts";
import { LimitError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/** Longest message that any codec can be told to allow. */
const FRAME_BYTES_MAX = 1_073_741_824;

/** Options of every codec. */
export interface CodecOptions {
	/** Longest message, 1..1073741824 bytes, so that a peer cannot make us store without end. Default 1048576. */
	readonly maxBytes?: number | undefined;
}

/** A way to mark where messages end. Holds no state: any number of streams can use it at once. */
export interface Codec<Message, Input = Message> {
	/**
	 * The bytes of one message, ready to be written.
	 *
	 * @returns memory of its own
	 * @throws {LimitError} the message is longer than the codec allows
	 * @throws {InvalidValueError} the message contains what would end it
	 */
	encode(message: Input): Uint8Array;
	/** Begins to read one stream. */
	decoder(): Decoder<Message>;
}

/** The reading of one stream. What has thrown goes on throwing: where the next message begins is not known any more. */
export interface Decoder<Message> {
	/** Bytes that belong to no complete message yet. */
	readonly pendingBytes: number;

	/**
	 * Takes what arrived.
	 *
	 * @param chunk taken: messages are views of it where they can be
	 */
	push(chunk: Uint8Array): void;

	/**
	 * The next message that is complete, or undefined.
	 *
	 * @throws {LimitError} a message is longer than the codec allows; told as soon as that is certain
	 * @throws {FramingError} the bytes are no messages of this codec
	 */
	next(): Message | undefined;

	/**
	 * Says that no more bytes come, after the messages have been taken.
	 *
	 * @returns a last message that the end completes, where the codec has such
	 * @throws {EndOfStreamError} the bytes end inside a message
	 */
	end(): Message | undefined;
}

/** @internal What every codec knows. */
export const CODEC: Known<CodecOptions> = { maxBytes: true };

/** @internal The limit of a codec, checked, with the names of all its options. */
export function requireMaxBytes<O extends CodecOptions>(options: O, known: Known<O>): number {
	const { maxBytes } = requireOptions(options, known);
	return requireInteger("maxBytes", maxBytes ?? LIMITS.frameBytes, 1, FRAME_BYTES_MAX);
}

/** @internal The error of a message beyond the limit. */
export function tooLong(actual: number, allowed: number): LimitError {
	return new LimitError("frameBytes", actual, allowed, "raise maxBytes, or send it in parts");
}
