/**
 * Addresses as people write them, as text or as objects: parsed, checked, and always returned as
 * canonical objects.
 *
 * Forms: `tcp://HOST:PORT` `udp://HOST:PORT` `tcp+srv://SERVICE` `vsock://CID:PORT` `unix:PATH`
 * `unix:@NAME` `fd:NUMBER` `systemd:NAME`. HOST is IPv4, IPv6 in brackets (with a zone: `[fe80::1%eth0]`), a
 * name, or `*` for every local address.
 */
import { requireObject, requireString } from "../arguments.ts";
import { InvalidAddressError } from "../errors.ts";
import { likelyMeant, withSlashes } from "./address-hint.ts";
import {
	checkAbstract,
	checkActivationName,
	checkObject,
	checkPath,
	DESCRIPTOR_MAX,
	isNumber,
	noTransport,
	PORT_MAX,
	UINT32_MAX,
} from "./address-object.ts";
import { normalizeHost } from "./host.ts";
import { checkServiceName } from "./service-name.ts";

/** Byte streams and datagrams over IP. */
export type IpTransport = "tcp" | "udp";
/** Sockets of this machine; `unix` is the byte stream. */
export type UnixTransport = "unix" | "unix-dgram" | "unix-seqpacket";
/** Sockets between a virtual machine and its host; `vsock` is the byte stream. */
export type VsockTransport = "vsock" | "vsock-dgram" | "vsock-seqpacket";

interface HostPort {
	/**
	 * Numeric host (IPv6 without brackets, perhaps with `%zone`), a name, or `*` for every local
	 * address.
	 */
	readonly host: string;
	/** 0..65535; 0 lets the kernel choose on listen. */
	readonly port: number;
}

/** `tcp://HOST:PORT`. */
export interface TcpAddress extends HostPort {
	readonly transport: "tcp";
}

/** `udp://HOST:PORT`. */
export interface UdpAddress extends HostPort {
	readonly transport: "udp";
}

/** An address of IP. */
export type HostAddress = TcpAddress | UdpAddress;

/** `tcp+srv://_SERVICE._tcp.DOMAIN`: a service whose hosts and ports its domain tells; RFC 2782. */
export interface ServiceAddress {
	readonly transport: "tcp+srv";
	/** In lower case: `_pg._tcp.example.org`. */
	readonly service: string;
}

/** `unix:PATH`: a socket file. */
export interface PathAddress<T extends UnixTransport> {
	readonly transport: T;
	/**
	 * 1 to 4095 bytes in UTF-8, taken as it is: no percent-decoding. Relative to the working
	 * directory. Beyond 107 bytes it is reached through /proc/self/fd; to bind one, its last part
	 * must not exceed 80 bytes.
	 */
	readonly path: string;
	/** The exact bytes when they are no valid UTF-8; they decide. */
	readonly bytes?: Uint8Array;
}

/** `unix:@NAME`: a name in Linux's abstract namespace. */
export interface AbstractAddress<T extends UnixTransport> {
	readonly transport: T;
	/** 1 to 107 bytes in UTF-8; NULs belong to the name. */
	readonly abstract: string;
	/** The exact bytes when they are no valid UTF-8; they decide. */
	readonly bytes?: Uint8Array;
}

/**
 * A Unix socket without a name, as most clients have; to bind to it lets the kernel choose an
 * abstract name.
 */
export interface UnnamedAddress<T extends UnixTransport> {
	readonly transport: T;
}

/** A Unix socket's address: `"path" in address` tells a file, `"abstract" in address` an abstract name. */
export type UnixAddress<T extends UnixTransport = UnixTransport> = T extends UnixTransport
	? PathAddress<T> | AbstractAddress<T> | UnnamedAddress<T>
	: never;

/** `vsock://CID:PORT`; `*` as CID is any. */
export interface VsockAddress<T extends VsockTransport> {
	readonly transport: T;
	/** Context id, 0..4294967295: 2 is the host, 4294967295 any. */
	readonly cid: number;
	/** 0..4294967295; 4294967295 lets the kernel choose on listen. */
	readonly port: number;
}

/** `fd:NUMBER`: a descriptor that this process has inherited. */
export interface DescriptorAddress {
	readonly transport: "fd";
	/** 0..2147483647. */
	readonly fd: number;
}

/** `systemd:NAME`: a descriptor passed by socket activation under this name; sd_listen_fds(3). */
export interface ActivationAddress {
	readonly transport: "systemd";
	/** 1 to 255 printable ASCII characters without colon. */
	readonly name: string;
}

/** The address of each transport. */
export interface Addresses {
	readonly tcp: TcpAddress;
	readonly udp: UdpAddress;
	readonly unix: UnixAddress<"unix">;
	readonly "unix-dgram": UnixAddress<"unix-dgram">;
	readonly "unix-seqpacket": UnixAddress<"unix-seqpacket">;
	readonly vsock: VsockAddress<"vsock">;
	readonly "vsock-dgram": VsockAddress<"vsock-dgram">;
	readonly "vsock-seqpacket": VsockAddress<"vsock-seqpacket">;
	readonly "tcp+srv": ServiceAddress;
	readonly fd: DescriptorAddress;
	readonly systemd: ActivationAddress;
}

/** First word of an address. */
export type Transport = keyof Addresses;

/** Any address, as an object: its `transport` tells which. */
export type Address = Addresses[Transport];

/** The address of one of these transports, as an object. */
export type AddressOf<T extends Transport> = Addresses[T];

/** An address of one of these transports, as text or as an object. */
export type AddressInput<T extends Transport> =
	| `${T}:${string}`
	| (AddressOf<T> & { readonly transport: T });

const WORDS: readonly Transport[] = [
	"tcp",
	"udp",
	"tcp+srv",
	"unix",
	"unix-dgram",
	"unix-seqpacket",
	"vsock",
	"vsock-dgram",
	"vsock-seqpacket",
	"fd",
	"systemd",
];
const NO_TRANSPORT =
	"it does not begin with a transport; the forms are tcp://HOST:PORT, udp://HOST:PORT, unix:PATH, unix:@NAME, unix-dgram:PATH, " +
	"unix-seqpacket:PATH, vsock://CID:PORT, tcp+srv://_SERVICE._tcp.DOMAIN, fd:NUMBER or systemd:NAME";

/**
 * Reads an address from text, or checks one given as an object; returns it in canonical form.
 *
 * @throws {InvalidAddressError} the text has none of the forms, or a host, path or name cannot be
 *   used
 * @throws {InvalidTypeError} the input or a field of the object has the wrong type
 * @throws {OutOfRangeError} a number in the object is out of range
 */
export function parseAddress<T extends Transport>(input: AddressInput<T>): AddressOf<T>;
export function parseAddress(input: string | Address): Address;
export function parseAddress(input: string | Address): Address {
	if (typeof input === "string") return parseText(input);
	return checkObject(input);
}

/**
 * Writes an address as the text that `parseAddress` reads.
 *
 * An unnamed Unix address becomes `unix:`, which parses to nothing; bytes that are no UTF-8 are
 * shown as well as text can.
 *
 * @throws {InvalidTypeError} it is no address object
 */
export function formatAddress(address: Address): string {
	requireObject("address", address);
	const { transport } = address;
	switch (transport) {
		case "tcp":
		case "udp":
			return `${transport}://${bracket(address.host)}:${address.port}`;
		case "tcp+srv":
			return `tcp+srv://${address.service}`;
		case "vsock":
		case "vsock-dgram":
		case "vsock-seqpacket":
			return `${transport}://${address.cid === UINT32_MAX ? "*" : address.cid}:${address.port}`;
		case "fd":
			return `fd:${address.fd}`;
		case "systemd":
			return `systemd:${address.name}`;
		case "unix":
		case "unix-dgram":
		case "unix-seqpacket":
			return `${transport}:${formatUnixName(address)}`;
		default:
			throw noTransport(address);
	}
}

/**
 * Tells whether two addresses are the same place, however they are written: `[0:0::1]` is `[::1]`,
 * `@a` as a file is `./@a`.
 *
 * Names are compared as text and not resolved. Unnamed addresses are never the same.
 *
 * @throws as `parseAddress`
 */
export function sameAddress(left: string | Address, right: string | Address): boolean {
	const [first, second] = [parseAddress(left), parseAddress(right)];
	if (formatAddress(first) !== formatAddress(second)) return false;
	const [bytes, others] = [exactBytes(first), exactBytes(second)];
	if (bytes === undefined || others === undefined) return bytes === others && !isUnnamed(first);
	return bytes.length === others.length && bytes.every((byte, i) => byte === others[i]);
}

function parseText(text: string): Address {
	const colon = text.indexOf(":");
	const transport = text.slice(0, Math.max(colon, 0));
	const rest = text.slice(colon + 1);
	switch (transport) {
		case "tcp":
		case "udp":
			return { transport, ...parseHostPort(rest, transport, text) };
		case "tcp+srv":
			return { transport, service: parseService(rest, text) };
		case "unix":
		case "unix-dgram":
		case "unix-seqpacket":
			return parseUnix(transport, rest, text);
		case "vsock":
		case "vsock-dgram":
		case "vsock-seqpacket":
			return { transport, ...parseCidPort(rest, transport, text) };
		case "fd":
			return { transport, fd: parseDescriptor(rest, text) };
		case "systemd":
			return { transport, name: checkActivationName(rest, text) };
		default:
			throw new InvalidAddressError(text, addressHint(text) ?? NO_TRANSPORT);
	}
}

/**
 * What to write instead of a text that has none of the forms.
 *
 * @internal
 */
export function addressHint(text: string): string | undefined {
	return likelyMeant(text, WORDS);
}

function parseHostPort(
	rest: string,
	transport: string,
	text: string,
): { host: string; port: number } {
	const [host, port] = splitPort(rest, `${transport}://HOST:PORT`, text);
	if (host.includes(":") && !host.startsWith("[")) {
		throw new InvalidAddressError(text, "an IPv6 address needs brackets, as in tcp://[::1]:80");
	}
	if (host.includes("@")) {
		throw new InvalidAddressError(
			text,
			`a host has no user before it; write ${transport}://HOST:PORT`,
		);
	}
	if (/[/?#]/.test(port)) {
		throw new InvalidAddressError(text, `the port must be the end; write ${transport}://HOST:PORT`);
	}
	return { host: normalizeHost(host, text), port: parseNumber(port, PORT_MAX, "the port", text) };
}

function parseService(rest: string, text: string): string {
	if (rest.startsWith("//")) return checkServiceName(rest.slice(2), text);
	throw new InvalidAddressError(text, "write tcp+srv://_SERVICE._tcp.DOMAIN");
}

function parseCidPort(
	rest: string,
	transport: string,
	text: string,
): { cid: number; port: number } {
	const [cid, port] = splitPort(rest, `${transport}://CID:PORT`, text);
	return {
		cid: cid === "*" ? UINT32_MAX : parseNumber(cid, UINT32_MAX, "the CID", text),
		port: parseNumber(port, UINT32_MAX, "the port", text),
	};
}

function splitPort(rest: string, form: string, text: string): [host: string, port: string] {
	if (!rest.startsWith("//")) {
		const transport = form.slice(0, form.indexOf(":"));
		throw new InvalidAddressError(text, `write ${withSlashes(transport, rest, form)}`);
	}
	const end = rest.startsWith("//[") ? rest.indexOf("]") + 1 : rest.lastIndexOf(":");
	if (end < 2 || rest[end] !== ":") {
		throw new InvalidAddressError(text, `the port is missing; write ${form}`);
	}
	return [rest.slice(2, end), rest.slice(end + 1)];
}

function parseDescriptor(rest: string, text: string): number {
	if (!rest.startsWith("//")) return parseNumber(rest, DESCRIPTOR_MAX, "the descriptor", text);
	throw new InvalidAddressError(text, "write fd:NUMBER, without slashes");
}

function parseNumber(digits: string, max: number, what: string, text: string): number {
	if (isNumber(digits, max)) return Number(digits);
	throw new InvalidAddressError(text, `${what} must be a decimal number from 0 to ${max}`);
}

function parseUnix(transport: UnixTransport, rest: string, text: string): UnixAddress {
	const isAbstract = rest.startsWith("@");
	const name = isAbstract
		? { abstract: checkAbstract(rest.slice(1), text) }
		: { path: checkPath(rest, text) };
	return { transport, ...name } as UnixAddress;
}

function bracket(host: string): string {
	return requireString("host", host).includes(":") ? `[${host}]` : host;
}

function formatUnixName(address: UnixAddress): string {
	if ("abstract" in address) return `@${address.abstract}`;
	if (!("path" in address)) return "";
	// A file whose name begins with @ must not read as an abstract name.
	return requireString("path", address.path).startsWith("@") ? `./${address.path}` : address.path;
}

function exactBytes(address: Address): Uint8Array | undefined {
	return "bytes" in address ? address.bytes : undefined;
}

function isUnnamed(address: Address): boolean {
	return Object.keys(address).length === 1;
}
