/**
 * Names in Unix addresses between text and bytes: never cut, never padded, refused with the reason.
 * Linux allows 108 bytes in `sun_path`; a path keeps one for its NUL, an abstract name starts with
 * one.
 */
import { InvalidAddressError, InvalidTypeError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

const encoder = new TextEncoder();
// A name may begin with a byte order mark, which belongs to it.
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lossyDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Encodes the path of a socket file, without its closing NUL.
 *
 * @param input what an error quotes: the address that the path is part of
 * @param allowed bytes: 107 for an address of the kernel, more where it is reached in another way
 * @throws {InvalidTypeError} `path` is no string
 * @throws {InvalidAddressError} it is empty, has a NUL, is no valid Unicode, or exceeds `allowed`
 * @see unix(7)
 */
export function encodeUnixPath(
	path: unknown,
	input: unknown = path,
	allowed: number = LIMITS.unixPathBytes,
): Uint8Array {
	const bytes = encodeName("path", path, input);
	checkUnixPath(bytes, input, allowed);
	return bytes;
}

/**
 * Encodes an abstract name, without its leading NUL. NULs inside are part of the name.
 *
 * @param input what an error quotes: the address that the name is part of
 * @throws {InvalidTypeError} `name` is no string
 * @throws {InvalidAddressError} it is empty, is no valid Unicode, or exceeds 107 bytes
 * @see unix(7)
 */
export function encodeAbstractName(name: unknown, input: unknown = name): Uint8Array {
	const bytes = encodeName("abstract", name, input);
	checkAbstractName(bytes, input);
	return bytes;
}

/**
 * Checks the bytes of a path; `input` is what an error quotes.
 *
 * @throws {InvalidAddressError} they are no usable path
 */
export function checkUnixPath(
	bytes: Uint8Array,
	input: unknown,
	allowed: number = LIMITS.unixPathBytes,
): void {
	if (bytes.length === 0) {
		throw new InvalidAddressError(input, "the path is empty; give the path of a socket file");
	}
	if (bytes.includes(0)) {
		throw new InvalidAddressError(
			input,
			`the path has a NUL at byte ${bytes.indexOf(0)}; remove it, or use an abstract name`,
		);
	}
	if (bytes.length > allowed) {
		throw new InvalidAddressError(
			input,
			`the path has ${bytes.length} bytes, but ${holder(allowed)} ${allowed}; ` +
				"use a shorter directory, a path relative to the working directory, or an abstract name",
		);
	}
}

/**
 * Checks the bytes of an abstract name; `input` is what an error quotes.
 *
 * @throws {InvalidAddressError} they are no usable name
 */
export function checkAbstractName(bytes: Uint8Array, input: unknown): void {
	const allowed = LIMITS.unixAbstractBytes;
	if (bytes.length === 0) {
		throw new InvalidAddressError(input, "the abstract name is empty; give at least one byte");
	}
	if (bytes.length > allowed) {
		throw new InvalidAddressError(
			input,
			`the name has ${bytes.length} bytes, but an abstract address holds ${allowed}; shorten it`,
		);
	}
}

/** A name as text, with its bytes when they are no valid UTF-8 and the text only resembles them. */
export interface DecodedName {
	readonly text: string;
	readonly bytes?: Uint8Array;
}

/** Decodes the bytes of a path or an abstract name; copies the bytes when it has to keep them. */
export function decodeName(bytes: Uint8Array): DecodedName {
	try {
		return { text: strictDecoder.decode(bytes) };
	} catch {
		return { text: lossyDecoder.decode(bytes), bytes: bytes.slice() };
	}
}

function holder(allowed: number): string {
	return allowed === LIMITS.unixPathBytes ? "a Unix address holds" : "Linux takes paths of";
}

function encodeName(field: string, text: unknown, input: unknown): Uint8Array {
	if (typeof text !== "string") throw new InvalidTypeError(field, "a string", text);
	// Encoding would put U+FFFD in place of a lone surrogate, and so name another socket.
	if (/\p{Surrogate}/u.test(text)) {
		throw new InvalidAddressError(input, `${field} has a lone surrogate; give valid Unicode`);
	}
	return encoder.encode(text);
}
