/** The same bytes as a Buffer, which searches for several bytes at once; no copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
	if (Buffer.isBuffer(bytes)) return bytes;
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
