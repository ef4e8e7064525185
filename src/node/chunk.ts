/** What `Writable` hands on of a write. */
import { LIMITS } from "../limits.ts";

/** One write. */
export interface Chunk {
	readonly chunk: Uint8Array | string;
	readonly encoding: BufferEncoding;
}

/** Whether a stream copies it: of a text the most bytes are reckoned with that it can become. */
export function isCopied(data: Uint8Array | string): boolean {
	return data.length * (typeof data === "string" ? 3 : 1) <= LIMITS.writeCopyBytes;
}

/** What a stream takes: bytes, or text in UTF-8. */
export function bytesOf(chunk: Uint8Array | string, encoding: BufferEncoding): Uint8Array | string {
	if (typeof chunk !== "string" || encoding === "utf8" || encoding === "utf-8") return chunk;
	return Buffer.from(chunk, encoding);
}
