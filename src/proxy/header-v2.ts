/** Version 2 of the PROXY protocol: twelve bytes that no other protocol begins with, kinds, lengths, addresses, extensions. */
import { requireBytes, requireInteger } from "../arguments.ts";
import { FramingError, InvalidValueError, LimitError } from "../errors.ts";
import type { Address } from "../socket/address.ts";
import { ipv4ToBytes, ipv4ToText, ipv6ToBytes, ipv6ToText } from "../socket/ip.ts";
import { checksum } from "./crc32c.ts";
import {
	bareHost,
	ipEnds,
	type ProxyExtension,
	type ProxyHeader,
	type ProxyHeaderInit,
} from "./proxy-header.ts";

/** What a header begins with; section 2.2. */
export const SIGNATURE: Uint8Array = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
/** Signature, version and command, family and transport, length of the rest. */
export const FIXED_BYTES = 16;

const REST_BYTES_MAX = 65_535;
const LOCAL = 0x20;
const PROXY = 0x21;
const STREAM = 1;
const DATAGRAM = 2;
const INET = 0x10;
const INET6 = 0x20;
const UNIX = 0x30;
const UNIX_PATH_BYTES = 108;
const EXTENSION_HEAD_BYTES = 3;
const TYPE_CHECKSUM = 0x03;

/** Writes the header. */
export function encodeBinary(init: ProxyHeaderInit): Uint8Array {
	const [kind, addresses] = encodeEnds(init);
	const rest = Buffer.concat([addresses, ...(init.extensions ?? []).map(encodeExtension)]);
	if (rest.length > REST_BYTES_MAX) {
		throw new LimitError("proxyHeaderBytes", rest.length, REST_BYTES_MAX, "leave extensions out");
	}
	const command = kind === 0 ? LOCAL : PROXY;
	return Buffer.concat([
		SIGNATURE,
		Buffer.of(command, kind, rest.length >> 8, rest.length & 0xff),
		rest,
	]);
}

/** Length of what follows the fixed part. */
export function restBytes(fixed: Uint8Array): number {
	return ((fixed[14] as number) << 8) | (fixed[15] as number);
}

/**
 * Reads a header.
 *
 * @param fixed the 16 bytes of the fixed part
 * @param rest as many bytes as `restBytes` says
 * @throws {FramingError} it is malformed, or its checksum is wrong
 */
export function decodeBinary(fixed: Uint8Array, rest: Buffer): ProxyHeader {
	const command = fixed[12] as number;
	const kind = fixed[13] as number;
	if (command !== LOCAL && command !== PROXY) throw malformed("its version or command is unknown");
	const [size, ends] = decodeEnds(kind, rest);
	const extensions = decodeExtensions(rest, size);
	checkSum(fixed, rest, size);
	// The proxy speaks for itself: whatever addresses say has to be ignored; section 2.2.
	const [source, destination] = command === LOCAL ? [] : ends;
	return { version: 2, source, destination, extensions };
}

function encodeEnds(init: ProxyHeaderInit): [kind: number, bytes: Buffer] {
	const ends = ipEnds(init);
	if (ends !== undefined) {
		const { isIpv4, source, destination } = ends;
		const toBytes = isIpv4 ? ipv4ToBytes : ipv6ToBytes;
		const [from, to] = [toBytes(bareHost(source)), toBytes(bareHost(destination))];
		if (from === undefined || to === undefined) {
			throw new InvalidValueError("source", "and destination must be numeric addresses", source);
		}
		const ports = Buffer.alloc(4);
		ports.writeUInt16BE(source.port, 0);
		ports.writeUInt16BE(destination.port, 2);
		const transport = source.transport === "udp" ? DATAGRAM : STREAM;
		return [(isIpv4 ? INET : INET6) | transport, Buffer.concat([from, to, ports])];
	}
	const { source, destination } = init;
	if (source === undefined || !source.transport.startsWith("unix")) return [0, Buffer.alloc(0)];
	const bytes = Buffer.alloc(2 * UNIX_PATH_BYTES);
	bytes.set(unixName(source));
	if (destination !== undefined) bytes.set(unixName(destination), UNIX_PATH_BYTES);
	return [UNIX | (source.transport === "unix-dgram" ? DATAGRAM : STREAM), bytes];
}

function unixName(address: Address): Uint8Array {
	if ("path" in address) return Buffer.from(address.path).subarray(0, UNIX_PATH_BYTES);
	return "abstract" in address ? Buffer.from(`\0${address.abstract}`) : new Uint8Array(0);
}

function encodeExtension({ type, value }: ProxyExtension): Buffer {
	const bytes = requireBytes("value", value);
	requireInteger("value.length", bytes.length, 0, REST_BYTES_MAX);
	requireInteger("type", type, 0, 255);
	return Buffer.concat([Buffer.of(type, bytes.length >> 8, bytes.length & 0xff), bytes]);
}

type Ends = readonly [source?: Address, destination?: Address];

function decodeEnds(kind: number, rest: Buffer): [size: number, ends: Ends] {
	const family = kind & 0xf0;
	const isDatagram = (kind & 0x0f) === DATAGRAM;
	if (kind === 0) return [0, []];
	if ((kind & 0x0f) !== STREAM && !isDatagram) throw malformed("its transport is unknown");
	if (family === INET) return [requireSize(rest, 12), ipPair(rest, 4, isDatagram)];
	if (family === INET6) return [requireSize(rest, 36), ipPair(rest, 16, isDatagram)];
	if (family === UNIX) return [requireSize(rest, 2 * UNIX_PATH_BYTES), unixPair(rest, isDatagram)];
	throw malformed("its address family is unknown");
}

function ipPair(rest: Buffer, size: number, isDatagram: boolean): Ends {
	const transport = isDatagram ? "udp" : "tcp";
	const toText = size === 4 ? ipv4ToText : ipv6ToText;
	return [0, 1].map((i) => ({
		transport,
		host: toText(rest, i * size),
		port: rest.readUInt16BE(2 * size + 2 * i),
	})) as unknown as Ends;
}

function unixPair(rest: Buffer, isDatagram: boolean): Ends {
	const transport = isDatagram ? "unix-dgram" : "unix";
	return [0, 1].map((i) => {
		const name = rest.subarray(i * UNIX_PATH_BYTES, (i + 1) * UNIX_PATH_BYTES);
		const isAbstract = name[0] === 0;
		const end = name.indexOf(0, isAbstract ? 1 : 0);
		const text = name.toString("utf8", isAbstract ? 1 : 0, end < 0 ? name.length : end);
		if (text === "") return { transport };
		return isAbstract ? { transport, abstract: text } : { transport, path: text };
	}) as unknown as Ends;
}

function requireSize(rest: Buffer, bytes: number): number {
	if (rest.length < bytes) throw malformed("it is shorter than its addresses");
	return bytes;
}

function decodeExtensions(rest: Buffer, start: number): ProxyExtension[] {
	const extensions: ProxyExtension[] = [];
	let offset = start;
	while (offset < rest.length) {
		const valueStart = offset + EXTENSION_HEAD_BYTES;
		const end = valueStart > rest.length ? Number.NaN : valueStart + rest.readUInt16BE(offset + 1);
		if (!(end <= rest.length)) throw malformed("an extension exceeds it");
		extensions.push({ type: rest[offset] as number, value: rest.subarray(valueStart, end) });
		offset = end;
	}
	return extensions;
}

// Over the whole header, with the checksum itself as zeros; section 2.2.3.
function checkSum(fixed: Uint8Array, rest: Buffer, start: number): void {
	const found = decodeExtensions(rest, start).find(({ type }) => type === TYPE_CHECKSUM);
	if (found === undefined) return;
	const at = found.value.byteOffset - rest.byteOffset;
	const whole = Buffer.concat([fixed, rest]);
	if (found.value.length !== 4) throw malformed("its checksum is not 4 bytes long");
	whole.fill(0, FIXED_BYTES + at, FIXED_BYTES + at + 4);
	if (checksum(whole) !== rest.readUInt32BE(at)) throw malformed("its checksum is wrong");
}

function malformed(reason: string): FramingError {
	return new FramingError(`the binary header of the PROXY protocol is malformed: ${reason}`);
}
