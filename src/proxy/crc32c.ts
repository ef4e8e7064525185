/** CRC-32C, the checksum of iSCSI: RFC 3720 appendix B.4. Bit by bit, for headers of some hundred bytes. */

const POLYNOMIAL = 0x82f6_3b78;

/** The checksum of `bytes`. */
export function checksum(bytes: Uint8Array): number {
	let crc = 0xffff_ffff;
	for (const byte of bytes) {
		crc ^= byte;
		for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
	}
	return ~crc >>> 0;
}
