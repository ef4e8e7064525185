/**
 * Values of socket options between TypeScript and the bytes of getsockopt(2) and setsockopt(2);
 * little-endian machines.
 */
import { requireBoolean, requireBytes, requireInteger, requireObject } from "../arguments.ts";
import { InvalidTypeError, InvalidValueError, OutOfRangeError } from "../errors.ts";
import { ipv4ToBytes, ipv4ToText, ipv6ToBytes } from "./ip.ts";
import { concatBytes, int32Bytes, readInt32, readUint32, readUint64 } from "./little-endian.ts";
import type { OptionInputOf, OptionType, OptionValues } from "./option-value.ts";
import { decodeTcpInfo, TCP_INFO_BYTES_MAX } from "./tcp-info.ts";

/** Types that no option is set with. */
type ReadOnlyType = "tcp_info" | "ucred" | "uint32s";
/** Types that no option is read as. */
type WriteOnlyType = "ip_mreq_source" | "ip_mreqn" | "ipv6_mreq";

type Encoders = {
	readonly [Type in Exclude<OptionType, ReadOnlyType>]: (value: OptionInputOf<Type>) => Uint8Array;
};
type Decoders = {
	readonly [Type in Exclude<OptionType, WriteOnlyType>]: (bytes: Uint8Array) => OptionValues[Type];
};

const INT_MIN = -0x8000_0000;
const INT_MAX = 0x7fff_ffff;
const UINT32_MAX = 0xffff_ffff;
const UINT64_MAX = 0xffff_ffff_ffff_ffffn;
// IFNAMSIZ, TCP_CA_NAME_MAX and TCP_ULP_NAME_MAX are all 16 with their NUL.
const NAME_BYTES_MAX = 15;

const ENCODERS: Encoders = {
	bool: (value) => int32Bytes(requireBoolean("value", value) ? 1 : 0),
	int: (value) => int32Bytes(requireInteger("value", value, INT_MIN, INT_MAX)),
	count: (value) => int32Bytes(requireInteger("value", value, 0, INT_MAX)),
	byte: (value) => int32Bytes(requireInteger("value", value, 0, 255)),
	hops: (value) => int32Bytes(requireInteger("value", value, -1, 255)),
	uint16: (value) => int32Bytes(requireInteger("value", value, 0, 65_535)),
	uint32: (value) => int32Bytes(requireInteger("value", value, 0, UINT32_MAX)),
	uint32be: (value) => int32Bytes(requireInteger("value", value, 0, UINT32_MAX)).reverse(),
	uint64: encodeUint64,
	linger: encodeLinger,
	timeval: encodeTimeval,
	string: encodeString,
	descriptor: (value) => int32Bytes(requireInteger("value", value, 0, INT_MAX)),
	in_addr: (value) => ipv4("value", value),
	ip_mreqn: encodeIpv4Membership,
	ip_mreq_source: encodeIpv4SourceMembership,
	ipv6_mreq: encodeIpv6Membership,
	bytes: (value) => requireBytes("value", value),
};

const DECODERS: Decoders = {
	bool: (bytes) => readInt32(bytes, 0) !== 0,
	int: (bytes) => readInt32(bytes, 0),
	count: (bytes) => readInt32(bytes, 0),
	byte: (bytes) => readInt32(bytes, 0),
	hops: (bytes) => readInt32(bytes, 0),
	uint16: (bytes) => readInt32(bytes, 0),
	uint32: (bytes) => readUint32(bytes, 0),
	uint32be: (bytes) => readUint32(bytes.slice().reverse(), 0),
	uint64: (bytes) => readUint64(bytes, 0),
	uint32s: decodeUint32s,
	linger: (bytes) => ({ on: readInt32(bytes, 0) !== 0, seconds: readInt32(bytes, 4) }),
	timeval: decodeTimeval,
	string: decodeString,
	ucred: (bytes) => ({
		pid: readInt32(bytes, 0),
		uid: readUint32(bytes, 4),
		gid: readUint32(bytes, 8),
	}),
	descriptor: (bytes) => readInt32(bytes, 0),
	in_addr: (bytes) => ipv4ToText(bytes),
	tcp_info: decodeTcpInfo,
	bytes: (bytes) => bytes,
};

/** Room that reading needs in bytes, where it is more than an int. */
const ROOM_BYTES: { readonly [Type in OptionType]?: number } = {
	uint64: 8,
	// getgroups(2) allows 65536 groups; nobody has a sixteenth of them.
	uint32s: 16_384,
	linger: 8,
	timeval: 16,
	// Security labels and saved headers stay below a page.
	string: 4_096,
	bytes: 4_096,
	ucred: 12,
	tcp_info: TCP_INFO_BYTES_MAX,
};

/** Tells how many bytes getsockopt(2) needs room for, to read an option of this type. */
export function optionRoomBytes(type: OptionType): number {
	return ROOM_BYTES[type] ?? 4;
}

/**
 * Encodes a value for setsockopt(2).
 *
 * @throws {InvalidTypeError} the value has the wrong type
 * @throws {OutOfRangeError} it is out of the range of the type
 * @throws {InvalidValueError} it is a text that does not fit, or the type is only read
 */
export function encodeOption<Type extends OptionType>(
	type: Type,
	value: OptionInputOf<Type>,
): Uint8Array {
	const encode = (ENCODERS as Readonly<Record<string, (value: never) => Uint8Array>>)[type];
	if (encode === undefined) throw new InvalidValueError("type", "must be one that is set", type);
	return encode(value as never);
}

/**
 * Decodes what getsockopt(2) filled; what it left out counts as 0.
 *
 * @throws {InvalidValueError} the type is only set
 */
export function decodeOption<Type extends OptionType>(
	type: Type,
	bytes: Uint8Array,
): OptionValues[Type] {
	const decode = (DECODERS as Readonly<Record<string, (bytes: Uint8Array) => unknown>>)[type];
	if (decode === undefined) throw new InvalidValueError("type", "must be one that is read", type);
	return decode(bytes) as OptionValues[Type];
}

function encodeUint64(value: bigint | number): Uint8Array {
	const range = `an integer from 0 to ${UINT64_MAX}, as bigint where it exceeds 2^53 - 1`;
	if (typeof value !== "bigint" && typeof value !== "number") {
		throw new InvalidTypeError("value", range, value);
	}
	const isExact = typeof value === "bigint" || Number.isSafeInteger(value);
	if (!isExact || value < 0 || value > UINT64_MAX) throw new OutOfRangeError("value", range, value);
	const bytes = new Uint8Array(8);
	new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
	return bytes;
}

function decodeUint32s(bytes: Uint8Array): readonly number[] {
	const values: number[] = [];
	for (let i = 0; i + 4 <= bytes.length; i += 4) values.push(readUint32(bytes, i));
	return values;
}

function encodeLinger(value: OptionValues["linger"]): Uint8Array {
	requireObject("value", value);
	const isOn = requireBoolean("on", value.on);
	return concatBytes(
		int32Bytes(isOn ? 1 : 0),
		int32Bytes(requireInteger("seconds", value.seconds, 0, 65_535)),
	);
}

function encodeTimeval(value: number): Uint8Array {
	const max = INT_MAX * 1_000;
	const range = `a number of milliseconds from 0 to ${max}`;
	if (typeof value !== "number") throw new InvalidTypeError("value", range, value);
	if (!(value >= 0 && value <= max)) throw new OutOfRangeError("value", range, value);
	// Rounded up, as 0 means for ever.
	const us = Math.ceil(value * 1_000);
	const bytes = new Uint8Array(16);
	const view = new DataView(bytes.buffer);
	view.setUint32(0, Math.floor(us / 1_000_000), true);
	view.setUint32(8, us % 1_000_000, true);
	return bytes;
}

function decodeTimeval(bytes: Uint8Array): number {
	return Number(readUint64(bytes, 0)) * 1_000 + readInt32(bytes, 8) / 1_000;
}

function encodeString(value: string): Uint8Array {
	if (typeof value !== "string") throw new InvalidTypeError("value", "a string", value);
	const text = new TextEncoder().encode(value);
	if (text.length > NAME_BYTES_MAX || text.includes(0)) {
		throw new InvalidValueError(
			"value",
			`must be ${NAME_BYTES_MAX} bytes at most without NUL`,
			value,
		);
	}
	const bytes = new Uint8Array(text.length + 1);
	bytes.set(text);
	return bytes;
}

function decodeString(bytes: Uint8Array): string {
	const end = bytes.indexOf(0);
	return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function encodeIpv4Membership(value: OptionValues["ip_mreqn"]): Uint8Array {
	requireObject("value", value);
	const index = requireInteger("index", value.index ?? 0, 0, INT_MAX);
	const source = ipv4("interface", value.interface ?? "0.0.0.0");
	return concatBytes(ipv4("group", value.group), source, int32Bytes(index));
}

function encodeIpv4SourceMembership(value: OptionValues["ip_mreq_source"]): Uint8Array {
	requireObject("value", value);
	const local = ipv4("interface", value.interface ?? "0.0.0.0");
	return concatBytes(ipv4("group", value.group), local, ipv4("source", value.source));
}

function encodeIpv6Membership(value: OptionValues["ipv6_mreq"]): Uint8Array {
	requireObject("value", value);
	const { group } = value;
	if (typeof group !== "string") throw new InvalidTypeError("group", "an IPv6 address", group);
	const bytes = ipv6ToBytes(group);
	if (bytes === undefined) throw new InvalidValueError("group", "must be an IPv6 address", group);
	return concatBytes(bytes, int32Bytes(requireInteger("index", value.index ?? 0, 0, INT_MAX)));
}

function ipv4(name: string, value: unknown): Uint8Array {
	if (typeof value !== "string") throw new InvalidTypeError(name, "an IPv4 address", value);
	const bytes = ipv4ToBytes(value);
	if (bytes === undefined) throw new InvalidValueError(name, "must be an IPv4 address", value);
	return bytes;
}
