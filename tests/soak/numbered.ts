/** Numbered datagrams: from its number alone follows what a datagram must look like. */

/** At the end of a run, instead of a number. */
export const END_MARK = 0xffff_ffff;

const HEADER_BYTES = 8;
const USUAL_BYTES_MAX = 1_200;
const LARGE_BYTES_MAX = 60_000;
/** Datagrams in a row whose lengths follow one pattern. */
export const BLOCK: number = 64;
const CHECK = 0x5bd1_e995;

// Of each value of the lowest byte, one datagram to be sent again and again.
const templates = Array.from({ length: 256 }, (_, byte) => Buffer.alloc(USUAL_BYTES_MAX, byte));

/** Mixes the bits of a number. */
function mix(value: number): number {
	const first = Math.imul(value ^ (value >>> 16), 0x45d9_f3b);
	const second = Math.imul(first ^ (first >>> 16), 0x45d9_f3b);
	return (second ^ (second >>> 16)) >>> 0;
}

/** Whether the datagrams of the block with this number are all of the same length. */
export function isUniform(number: number): boolean {
	return mix(number >>> 6) % 4 === 0;
}

/** How long the datagram is, 8..60000 bytes: in runs of equal length, in pairs of two lengths, or at random. */
export function lengthOf(number: number): number {
	const block = number >>> 6;
	const pattern = mix(block) % 4;
	const room = USUAL_BYTES_MAX - HEADER_BYTES;
	if (number % 1_024 === 512)
		return HEADER_BYTES + (mix(number) % (LARGE_BYTES_MAX - HEADER_BYTES));
	if (pattern === 0) return HEADER_BYTES + (mix(block + 1) % room);
	if (pattern === 1) return HEADER_BYTES;
	if (pattern === 2) return HEADER_BYTES + (mix(block + 1 + (number & 1)) % room);
	return HEADER_BYTES + (mix(number) % room);
}

/** The datagram; valid until the next one with the same lowest byte is made. */
export function datagram(number: number): Buffer {
	const length = lengthOf(number);
	const byte = number & 255;
	const data =
		length <= USUAL_BYTES_MAX
			? (templates[byte] as Buffer).subarray(0, length)
			: Buffer.alloc(length, byte);
	data.writeUInt32LE(number, 0);
	data.writeUInt32LE((number ^ CHECK) >>> 0, 4);
	return data;
}

/** The number of a datagram; -1 when it is not exactly as it was sent. */
export function numberOf(memory: Uint8Array, offset: number, length: number): number {
	if (length < HEADER_BYTES) return -1;
	const number = readUint32(memory, offset);
	if (number === END_MARK) return length === HEADER_BYTES ? number : -1;
	if (readUint32(memory, offset + 4) !== (number ^ CHECK) >>> 0) return -1;
	if (length !== lengthOf(number)) return -1;
	// All bytes of a few, and the ends of all.
	const step = number % 64 === 0 ? 1 : Math.max(1, length - HEADER_BYTES - 1);
	for (let i = HEADER_BYTES; i < length; i += step) {
		if (memory[offset + i] !== (number & 255)) return -1;
	}
	return number;
}

/** The number in the first four bytes from `offset` on. */
export function readUint32(bytes: Uint8Array, offset: number): number {
	return (
		((bytes[offset] as number) |
			((bytes[offset + 1] as number) << 8) |
			((bytes[offset + 2] as number) << 16) |
			((bytes[offset + 3] as number) << 24)) >>>
		0
	);
}
