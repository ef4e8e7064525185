/** Reading a PROXY header from a stream, and not a byte more. */
import { type Known, requireOptions } from "../arguments.ts";
import { EndOfStreamError, FramingError, InvalidTypeError, LimitError } from "../errors.ts";
import { countDown, type WaitOptions } from "../socket/wait.ts";
import type { ByteSource } from "../stream/contract.ts";
import { decodeLine, encodeLine, LINE_BYTES_MAX, LINE_START } from "./header-v1.ts";
import { decodeBinary, encodeBinary, FIXED_BYTES, restBytes, SIGNATURE } from "./header-v2.ts";
import type { ProxyHeader, ProxyHeaderInit } from "./proxy-header.ts";

const INIT: Known<ProxyHeaderInit> = {
	version: true,
	source: true,
	destination: true,
	extensions: true,
};

/**
 * Encodes a header, to be written before everything else.
 *
 * @throws {InvalidValueError} the addresses are of different families, or extensions are given in version 1
 * @throws {LimitError} more than 65535 bytes
 */
export function encodeProxyHeader(init: ProxyHeaderInit): Uint8Array {
	requireOptions(init, INIT, "init");
	return init.version === 1 ? encodeLine(init) : encodeBinary(init);
}

/**
 * Reads the header of either version that a connection must begin with; what follows it is left to read.
 *
 * Never call it for peers that are no proxies of yours: whoever may send a header may call himself anybody.
 *
 * @throws {FramingError} the stream begins with something else, or the header is malformed: abort it
 * @throws {EndOfStreamError} the stream ended before
 * @throws as `read`
 */
export async function readProxyHeader(
	source: ByteSource,
	options?: WaitOptions,
): Promise<ProxyHeader> {
	if (typeof (source as Partial<ByteSource> | null)?.readExactly !== "function") {
		throw new InvalidTypeError("source", "a Stream", source);
	}
	const remaining = countDown(options);
	// Shorter than the shortest line, so that nothing behind it is read.
	const start = await source.readExactly(SIGNATURE.length, remaining());
	if (Buffer.compare(start, SIGNATURE) === 0) {
		const more = await source.readExactly(FIXED_BYTES - SIGNATURE.length, remaining());
		const fixed = Buffer.concat([start, more]);
		const rest = await source.readExactly(restBytes(fixed), remaining());
		return decodeBinary(fixed, Buffer.from(rest.buffer, rest.byteOffset, rest.length));
	}
	const text = Buffer.from(start).toString("latin1");
	if (!text.startsWith(LINE_START)) {
		throw new FramingError("the stream does not begin with a header of the PROXY protocol");
	}
	return decodeLine(text + (await readRest(source, remaining())));
}

async function readRest(source: ByteSource, options: WaitOptions | undefined): Promise<string> {
	const maxBytes = LINE_BYTES_MAX - SIGNATURE.length;
	try {
		const rest = await source.readUntil("\r\n", { ...options, maxBytes });
		if (rest === null) throw new EndOfStreamError(SIGNATURE.length, "its header was complete");
		return Buffer.from(rest).toString("latin1");
	} catch (error) {
		if (!(error instanceof LimitError)) throw error;
		throw new FramingError("the line of the PROXY protocol is longer than 107 bytes", {
			cause: error,
		});
	}
}
