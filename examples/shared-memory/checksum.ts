/** Reads all of it, and comes to the same number for the same bytes. */
export function checksum(bytes: Uint8Array): number {
	const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
	let sum = 0;
	for (const word of words) sum = (Math.imul(sum, 31) + word) | 0;
	return sum;
}
