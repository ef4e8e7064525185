/** Integers in C structures of little-endian machines. What lies beyond the bytes counts as 0. */

/** The int of an option that is on. */
export const ENABLE: Uint8Array = new Uint8Array([1, 0, 0, 0]);

/** Reads an int, -2147483648..2147483647. */
export function readInt32(bytes: Uint8Array, offset: number): number {
	const high = ((bytes[offset + 3] ?? 0) << 8) | (bytes[offset + 2] ?? 0);
	return (high << 16) | ((bytes[offset + 1] ?? 0) << 8) | (bytes[offset] ?? 0);
}

/** Reads an unsigned int, 0..4294967295. */
export function readUint32(bytes: Uint8Array, offset: number): number {
	return readInt32(bytes, offset) >>> 0;
}

/** Reads an unsigned 64-bit integer. */
export function readUint64(bytes: Uint8Array, offset: number): bigint {
	const high = BigInt(readUint32(bytes, offset + 4));
	return (high << 32n) | BigInt(readUint32(bytes, offset));
}

/** Makes the 4 bytes of an int or unsigned int. */
export function int32Bytes(value: number): Uint8Array {
	return Uint8Array.of(value, value >> 8, value >> 16, value >> 24);
}

/** Puts bytes one after the other. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
	return Uint8Array.from(parts.flatMap((part) => [...part]));
}
