/** Where messages end on standard input and output, which are streams of bytes. */
import {
	type Codec,
	type Decoder,
	delimited,
	lengthPrefixed,
	netstrings,
} from "../../frame/index.ts";
import { LIMITS } from "../../index.ts";
import { UsageError } from "../exit-code.ts";

/** What `--message` can be. */
export const FRAMINGS = ["lines", "length", "netstring", "whole"] as const;
/** A way to mark messages. */
export type Framing = (typeof FRAMINGS)[number];

/** Longest message to take from standard input. */
const MESSAGE_BYTES_MAX = 67_108_864;
const LINE_FEED = 0x0a;
const NEWLINE = Uint8Array.of(LINE_FEED);
const CARRIAGE_RETURN_NEWLINE = Uint8Array.of(0x0d, LINE_FEED);

/**
 * Reads the value of `--message`.
 *
 * @throws {UsageError} there is no such framing
 */
export function readFraming(text: string): Framing {
	const framing = FRAMINGS.find((name) => name === text);
	if (framing !== undefined) return framing;
	throw new UsageError(`--message: there is no "${text}"; choose from ${FRAMINGS.join(", ")}`);
}

/** Cuts what comes from standard input into messages. */
export function messageDecoder(framing: Framing): Decoder<Uint8Array> {
	return framing === "whole" ? new WholeDecoder() : codecOf(framing).decoder();
}

/** Writes a message as it goes to standard output. */
export function encodeMessage(framing: Framing, message: Uint8Array): Uint8Array {
	if (framing === "whole") return message;
	if (framing !== "lines") return codecOf(framing).encode(message);
	return message.at(-1) === LINE_FEED ? message : Buffer.concat([message, NEWLINE]);
}

/** Makes line feeds that have no carriage return before them CRLF. */
export function toCrlf(chunk: Uint8Array, endsWithReturn: boolean): Uint8Array {
	const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("latin1");
	const start = endsWithReturn && text.startsWith("\n") ? 1 : 0;
	return Buffer.from(text.slice(0, start) + text.slice(start).replace(/\r?\n/g, "\r\n"), "latin1");
}

/** Ends a message by CRLF. */
export function withCrlf(message: Uint8Array): Uint8Array {
	return Buffer.concat([message, CARRIAGE_RETURN_NEWLINE]);
}

function codecOf(framing: Exclude<Framing, "whole">): Codec<Uint8Array, Uint8Array | string> {
	const options = { maxBytes: MESSAGE_BYTES_MAX };
	if (framing === "length") return lengthPrefixed(options);
	return framing === "netstring" ? netstrings(options) : delimited(NEWLINE, options);
}

// Everything is one message, and nothing is none.
class WholeDecoder implements Decoder<Uint8Array> {
	readonly #chunks: Uint8Array[] = [];
	pendingBytes = 0;

	push(chunk: Uint8Array): void {
		this.pendingBytes += chunk.length;
		if (this.pendingBytes > MESSAGE_BYTES_MAX) {
			throw new UsageError(
				`--message whole takes up to ${MESSAGE_BYTES_MAX} bytes; the library sends no message beyond ${LIMITS.messageBytes} by default`,
			);
		}
		this.#chunks.push(chunk);
	}

	next(): undefined {}

	end(): Uint8Array | undefined {
		return this.pendingBytes === 0 ? undefined : Buffer.concat(this.#chunks);
	}
}
