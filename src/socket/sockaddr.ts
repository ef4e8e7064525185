/**
 * Socket addresses between objects and the bytes of `struct sockaddr`: Linux layout, little-endian
 * machines, exact lengths. Numeric addresses only: names are resolved, and zones turned into
 * interface indices, before they come here.
 */
import { requireBytes, requireInteger } from "../arguments.ts";
import {
	InvalidAddressError,
	InvalidTypeError,
	InvalidValueError,
	UnsupportedError,
} from "../errors.ts";
import { AF_INET, AF_INET6, AF_UNIX, AF_VSOCK } from "../sys/constants.ts";
import { ipv4ToBytes, ipv4ToText, ipv6ToBytes, ipv6ToText } from "./ip.ts";
import { readUint32 } from "./little-endian.ts";
import {
	checkAbstractName,
	checkUnixPath,
	decodeName,
	encodeAbstractName,
	encodeUnixPath,
} from "./unix-name.ts";

/** IPv4 address. */
export interface InetAddress {
	readonly family: "inet";
	/** Four dotted decimals. */
	readonly host: string;
	/** 0..65535; 0 lets the kernel choose on bind. */
	readonly port: number;
}

/** IPv6 address. */
export interface Inet6Address {
	readonly family: "inet6";
	/** RFC 4291 text without zone; canonical (RFC 5952) when it comes from the kernel. */
	readonly host: string;
	/** 0..65535; 0 lets the kernel choose on bind. */
	readonly port: number;
	/** Interface index of a link-local address, 0..4294967295; absent for 0. */
	readonly scope?: number;
	/** Traffic class and flow label as one number, 0..4294967295; absent for 0. */
	readonly flow?: number;
}

/** Address of a socket file. */
export interface UnixPathAddress {
	readonly family: "unix";
	/** 1 to 107 bytes in UTF-8, without NUL. */
	readonly path: string;
	/** The exact bytes when they are no valid UTF-8; they decide, and `path` only resembles them. */
	readonly bytes?: Uint8Array;
}

/** Address in Linux's abstract namespace, which has no file and ends with its socket. */
export interface UnixAbstractAddress {
	readonly family: "unix";
	/** 1 to 107 bytes in UTF-8, without the leading NUL; NULs inside belong to the name. */
	readonly abstract: string;
	/** The exact bytes when they are no valid UTF-8; they decide. */
	readonly bytes?: Uint8Array;
}

/**
 * No name: what an unbound Unix socket has; on bind the kernel picks an abstract name (autobind).
 */
export interface UnixUnnamedAddress {
	readonly family: "unix";
}

/** Address between a virtual machine and its host. */
export interface VsockAddress {
	readonly family: "vsock";
	/** Context id, 0..4294967295: 2 is the host, 4294967295 any. */
	readonly cid: number;
	/** 0..4294967295; 4294967295 lets the kernel choose on bind. */
	readonly port: number;
}

/** What the man pages call sockaddr. */
export type SocketAddress =
	| InetAddress
	| Inet6Address
	| UnixPathAddress
	| UnixAbstractAddress
	| UnixUnnamedAddress
	| VsockAddress;

/** Room for any address that the kernel returns: `sizeof(struct sockaddr_storage)`. */
export const SOCKADDR_BYTES_MAX = 128;

const INT_MAX = 0x7fff_ffff;
const INET_BYTES = 16;
const INET6_BYTES = 28;
const VSOCK_BYTES = 16;
const UINT32_MAX = 0xffff_ffff;

/**
 * Encodes an address as exactly the bytes that bind(2), connect(2) and sendto(2) expect.
 *
 * @throws {InvalidTypeError} a field has the wrong type
 * @throws {InvalidAddressError} the host is not numeric, or the name does not fit
 * @throws {OutOfRangeError} port, scope, flow or cid is out of range
 * @see ip(7), ipv6(7), unix(7), vsock(7)
 */
export function encodeSocketAddress(address: SocketAddress): Uint8Array {
	switch (address?.family) {
		case "inet":
			return encodeInet(address);
		case "inet6":
			return encodeInet6(address);
		case "unix":
			return encodeUnix(address);
		case "vsock":
			return encodeVsock(address);
		default:
			throw new InvalidTypeError(
				"address",
				'an object whose family is "inet", "inet6", "unix" or "vsock"',
				address,
			);
	}
}

/**
 * Decodes the first `length` bytes as the kernel returned them; reads nothing beyond.
 *
 * A length below 2 is the unnamed Unix address: that is how recvfrom(2) reports an unbound sender.
 *
 * @param length as the kernel told it, which may be less or more than `bytes.length`; by default that
 * @throws {InvalidValueError} the bytes are too short for their family
 * @throws {UnsupportedError} the family is none of ours
 */
export function decodeSocketAddress(input: Uint8Array, length?: number): SocketAddress {
	const bytes = requireBytes("bytes", input);
	const most = bytes.length;
	const size =
		length === undefined ? most : Math.min(requireInteger("length", length, 0, INT_MAX), most);
	if (size < 2) return { family: "unix" };
	const family = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
	switch (family) {
		case AF_INET:
			checkSize(size, 8);
			return { family: "inet", host: ipv4ToText(bytes, 4), port: portAt2(bytes) };
		case AF_INET6:
			checkSize(size, 24);
			return decodeInet6(bytes, size);
		case AF_UNIX:
			return decodeUnix(bytes.subarray(2, size));
		case AF_VSOCK:
			checkSize(size, 12);
			return { family: "vsock", cid: readUint32(bytes, 8), port: readUint32(bytes, 4) };
		default:
			throw new UnsupportedError(
				`address family ${family}`,
				"the library knows inet, inet6, unix and vsock; use the system calls for others",
			);
	}
}

function encodeInet(address: InetAddress): Uint8Array {
	const host = ipv4ToBytes(requireHost(address.host));
	if (host === undefined) {
		throw new InvalidAddressError(address.host, "family inet needs four decimals, as in 127.0.0.1");
	}
	const bytes = new Uint8Array(INET_BYTES);
	bytes[0] = AF_INET;
	putPort(bytes, address.port);
	bytes.set(host, 4);
	return bytes;
}

function encodeInet6(address: Inet6Address): Uint8Array {
	const text = requireHost(address.host);
	const host = ipv6ToBytes(text);
	if (host === undefined) {
		const advice = text.includes("%")
			? "the zone goes into scope, as the index of the interface"
			: "family inet6 needs IPv6 text without brackets, as in ::1";
		throw new InvalidAddressError(text, advice);
	}
	const bytes = new Uint8Array(INET6_BYTES);
	bytes[0] = AF_INET6;
	putPort(bytes, address.port);
	const view = new DataView(bytes.buffer);
	view.setUint32(4, requireInteger("flow", address.flow ?? 0, 0, UINT32_MAX));
	bytes.set(host, 8);
	view.setUint32(24, requireInteger("scope", address.scope ?? 0, 0, UINT32_MAX), true);
	return bytes;
}

function decodeInet6(bytes: Uint8Array, size: number): Inet6Address {
	const host = ipv6ToText(bytes, 8);
	const port = portAt2(bytes);
	const flow = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4);
	const scope = size < INET6_BYTES ? 0 : readUint32(bytes, 24);
	if (flow === 0 && scope === 0) return { family: "inet6", host, port };
	return { family: "inet6", host, port, ...(scope && { scope }), ...(flow && { flow }) };
}

function encodeUnix(
	address: UnixPathAddress | UnixAbstractAddress | UnixUnnamedAddress,
): Uint8Array {
	const hasPath = "path" in address;
	const hasAbstract = "abstract" in address;
	if (hasPath && hasAbstract) {
		throw new InvalidAddressError(address, "give either path or abstract, not both");
	}
	if (!hasPath && !hasAbstract) return unixBytes(0);
	if (hasPath) {
		const path = exactBytes(address) ?? encodeUnixPath(address.path);
		checkUnixPath(path, address.path);
		const bytes = unixBytes(path.length + 1);
		bytes.set(path, 2);
		return bytes;
	}
	const name = exactBytes(address) ?? encodeAbstractName(address.abstract);
	checkAbstractName(name, address.abstract);
	const bytes = unixBytes(1 + name.length);
	bytes.set(name, 3);
	return bytes;
}

function exactBytes(address: UnixPathAddress | UnixAbstractAddress): Uint8Array | undefined {
	return address.bytes === undefined ? undefined : requireBytes("bytes", address.bytes);
}

function unixBytes(pathBytes: number): Uint8Array {
	const bytes = new Uint8Array(2 + pathBytes);
	bytes[0] = AF_UNIX;
	return bytes;
}

// `name` is sun_path as far as the kernel filled it: nothing, NUL and a name, or a path that ends
// at its NUL, or without one when all 108 bytes are used.
function decodeUnix(name: Uint8Array): SocketAddress {
	if (name.length === 0) return { family: "unix" };
	const isAbstract = name[0] === 0;
	const end = isAbstract ? -1 : name.indexOf(0);
	const { text, bytes } = decodeName(
		name.subarray(isAbstract ? 1 : 0, end < 0 ? name.length : end),
	);
	const exact = bytes === undefined ? {} : { bytes };
	return isAbstract
		? { family: "unix", abstract: text, ...exact }
		: { family: "unix", path: text, ...exact };
}

function encodeVsock(address: VsockAddress): Uint8Array {
	const bytes = new Uint8Array(VSOCK_BYTES);
	bytes[0] = AF_VSOCK;
	const view = new DataView(bytes.buffer);
	view.setUint32(4, requireInteger("port", address.port, 0, UINT32_MAX), true);
	view.setUint32(8, requireInteger("cid", address.cid, 0, UINT32_MAX), true);
	return bytes;
}

function requireHost(host: unknown): string {
	if (typeof host !== "string") throw new InvalidTypeError("host", "a string", host);
	return host;
}

function checkSize(size: number, least: number): void {
	if (size < least) {
		throw new InvalidValueError("length", `must be ${least} or more for this family`, size);
	}
}

function putPort(bytes: Uint8Array, value: number): void {
	const port = requireInteger("port", value, 0, 65_535);
	bytes[2] = port >> 8;
	bytes[3] = port & 0xff;
}

function portAt2(bytes: Uint8Array): number {
	return ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
}
