/**
 * IPv4 and IPv6 addresses between text and bytes: RFC 4291 section 2.2 in, RFC 5952 out.
 * Strict like inet_pton(3): no leading zeros, no short IPv4 forms, no brackets, no zone.
 */

/** Family of a numeric host, as in `AF_INET` and `AF_INET6`. */
export type IpFamily = "inet" | "inet6";

const IPV4_CHARACTERS_MAX = 15;
const IPV6_CHARACTERS_MAX = 45;

const ZERO = 0x30;

/** Reads four dotted decimals into 4 bytes; undefined when the text is no IPv4 address. */
export function ipv4ToBytes(text: string): Uint8Array | undefined {
	const bytes = new Uint8Array(4);
	return text.length <= IPV4_CHARACTERS_MAX && readIpv4(text, bytes, 0) ? bytes : undefined;
}

/** Writes the 4 bytes at `offset` as dotted decimals. */
export function ipv4ToText(bytes: Uint8Array, offset = 0): string {
	return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
}

/** Reads an IPv6 address without zone into 16 bytes; undefined when the text is none. */
export function ipv6ToBytes(text: string): Uint8Array | undefined {
	if (text.length > IPV6_CHARACTERS_MAX) return undefined;
	const bytes = new Uint8Array(16);
	const gap = text.indexOf("::");
	if (gap < 0) return readGroups(text, bytes, true) === 16 ? bytes : undefined;
	const tail = new Uint8Array(16);
	const before = gap === 0 ? 0 : readGroups(text.slice(0, gap), bytes, false);
	const after = gap + 2 === text.length ? 0 : readGroups(text.slice(gap + 2), tail, true);
	// "::" stands for one group or more; RFC 4291 section 2.2.
	if (before < 0 || after < 0 || before + after > 14) return undefined;
	bytes.set(tail.subarray(0, after), 16 - after);
	return bytes;
}

/** Writes the 16 bytes at `offset` in the one canonical form of RFC 5952. */
export function ipv6ToText(bytes: Uint8Array, offset = 0): string {
	const groups: number[] = [];
	for (let i = 0; i < 16; i += 2) {
		groups.push(((bytes[offset + i] ?? 0) << 8) | (bytes[offset + i + 1] ?? 0));
	}
	const [start, length] = longestZeros(groups);
	// RFC 5952 section 5: IPv4-mapped addresses keep their dots.
	if (start === 0 && length === 5 && groups[5] === 0xffff) {
		return `::ffff:${ipv4ToText(bytes, offset + 12)}`;
	}
	if (length < 2) return groupsToText(groups);
	return `${groupsToText(groups.slice(0, start))}::${groupsToText(groups.slice(start + length))}`;
}

/** Parts of a host that may carry a zone, as in `fe80::1%eth0`. */
export interface ZonedHost {
	readonly host: string;
	/** Interface name or index after the first `%`; undefined when there is no `%`. */
	readonly zone?: string;
}

/** Splits `fe80::1%eth0` at its `%`; checks neither part. */
export function splitZone(text: string): ZonedHost {
	const at = text.indexOf("%");
	return at < 0 ? { host: text } : { host: text.slice(0, at), zone: text.slice(at + 1) };
}

function readIpv4(text: string, target: Uint8Array, offset: number): boolean {
	const parts = text.split(".");
	if (parts.length !== 4) return false;
	for (const [i, part] of parts.entries()) {
		const value = readDecimal(part);
		if (value > 255) return false;
		target[offset + i] = value;
	}
	return true;
}

// Returns more than 255 for what is no decimal of one to three digits without leading zero.
function readDecimal(part: string): number {
	if (part.length === 0 || part.length > 3) return 256;
	if (part.length > 1 && part.charCodeAt(0) === ZERO) return 256;
	let value = 0;
	for (let i = 0; i < part.length; i++) {
		const digit = part.charCodeAt(i) - ZERO;
		if (digit < 0 || digit > 9) return 256;
		value = value * 10 + digit;
	}
	return value;
}

// Returns the number of bytes filled, or -1; only the last part may be dotted.
function readGroups(text: string, target: Uint8Array, mayEndDotted: boolean): number {
	const parts = text.split(":");
	let used = 0;
	for (const [i, part] of parts.entries()) {
		if (part.includes(".")) {
			const isLast = mayEndDotted && i === parts.length - 1;
			return isLast && used <= 12 && readIpv4(part, target, used) ? used + 4 : -1;
		}
		if (used === 16 || !isGroup(part)) return -1;
		const group = Number.parseInt(part, 16);
		target[used++] = group >> 8;
		target[used++] = group & 0xff;
	}
	return used;
}

function isGroup(part: string): boolean {
	if (part.length === 0 || part.length > 4) return false;
	for (let i = 0; i < part.length; i++) {
		const unit = part.charCodeAt(i);
		const lower = unit | 0x20;
		if (!((unit >= ZERO && unit <= 57) || (lower >= 97 && lower <= 102))) return false;
	}
	return true;
}

function longestZeros(groups: readonly number[]): [start: number, length: number] {
	let start = 0;
	let length = 0;
	for (let i = 0; i < groups.length; i++) {
		let end = i;
		while (groups[end] === 0) end++;
		if (end - i > length) {
			start = i;
			length = end - i;
		}
		if (end > i) i = end;
	}
	return [start, length];
}

function groupsToText(groups: readonly number[]): string {
	return groups.map((group) => group.toString(16)).join(":");
}
