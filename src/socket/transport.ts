/**
 * What each transport of an address means to the kernel, and the way between addresses and
 * sockaddr.
 */
import { InvalidAddressError } from "../errors.ts";
import type {
	Address,
	AddressOf,
	IpTransport,
	Transport,
	UnixAddress,
	VsockTransport,
} from "./address.ts";
import { formatAddress } from "./address.ts";
import { hostFamily } from "./host.ts";
import { splitZone } from "./ip.ts";
import type { SocketFamily, SocketType } from "./kind.ts";
import type { SocketAddress } from "./sockaddr.ts";

/** Transports that have a socket of their own; `fd:` and `systemd:` stand for one that exists, `tcp+srv:` for several. */
export type SocketTransport = Exclude<Transport, "tcp+srv" | "fd" | "systemd">;

/** What socket(2) is called with. */
export interface TransportKind {
	/** Families in order of preference. */
	readonly families: readonly SocketFamily[];
	readonly type: SocketType;
}

const IP: readonly SocketFamily[] = ["inet6", "inet"];
const UNIX: readonly SocketFamily[] = ["unix"];
const VSOCK: readonly SocketFamily[] = ["vsock"];

/** Families and socket type of every transport. */
export const TRANSPORTS: { readonly [Name in SocketTransport]: TransportKind } = {
	tcp: { families: IP, type: "stream" },
	udp: { families: IP, type: "dgram" },
	unix: { families: UNIX, type: "stream" },
	"unix-dgram": { families: UNIX, type: "dgram" },
	"unix-seqpacket": { families: UNIX, type: "seqpacket" },
	vsock: { families: VSOCK, type: "stream" },
	"vsock-dgram": { families: VSOCK, type: "dgram" },
	"vsock-seqpacket": { families: VSOCK, type: "seqpacket" },
};

/** Finds the transport of a socket's family and type. */
export function transportOf(family: SocketFamily, type: SocketType): SocketTransport | undefined {
	for (const [name, kind] of Object.entries(TRANSPORTS)) {
		if (kind.type === type && kind.families.includes(family)) return name as SocketTransport;
	}
	return undefined;
}

// How a socket of both families writes IPv4; RFC 4291 section 2.5.5.2.
const MAPPED = "::ffff:";

function isMapped(host: string): boolean {
	return host.startsWith(MAPPED) && host.includes(".");
}

/** Turns a zone (interface name or index) into an interface index; throws when there is none. */
export type ZoneIndex = (zone: string) => number;

/**
 * Turns an address in canonical form into a sockaddr. `*` becomes `::`; a dual-stack socket then
 * takes both families.
 *
 * @param zoneIndex finds the index of a named zone; without it only zones in decimal are possible
 * @throws {InvalidAddressError} the host is a name and must be resolved first; a zone has no index;
 *   `tcp+srv:`, `fd:` or `systemd:`
 */
export function toSocketAddress(address: Address, zoneIndex?: ZoneIndex): SocketAddress {
	switch (address.transport) {
		case "tcp":
		case "udp":
			return hostSocketAddress(address.host, address.port, zoneIndex, address);
		case "vsock":
		case "vsock-dgram":
		case "vsock-seqpacket":
			return { family: "vsock", cid: address.cid, port: address.port };
		case "tcp+srv":
			throw new InvalidAddressError(
				formatAddress(address),
				"it names a service, which others serve; write the address of a socket: tcp://HOST:PORT",
			);
		case "fd":
		case "systemd":
			throw new InvalidAddressError(
				formatAddress(address),
				"it stands for a socket that is open already, and has no place to bind or connect to",
			);
		default: {
			const { transport: _, ...name } = address;
			return { family: "unix", ...name };
		}
	}
}

/**
 * Turns a sockaddr into an address of the given transport; the scope becomes a zone in decimal, the
 * flow label is left out, and IPv4 on a socket of both families is told as IPv4.
 *
 * @throws {InvalidAddressError} the address is of another family than the transport
 */
export function fromSocketAddress<T extends SocketTransport>(
	transport: T,
	address: SocketAddress,
): AddressOf<T>;
export function fromSocketAddress(transport: SocketTransport, address: SocketAddress): Address {
	const { families } = TRANSPORTS[transport];
	if (!families.includes(address.family)) {
		throw new InvalidAddressError(
			address,
			`${transport} has addresses of family ${families.join(" or ")}`,
		);
	}
	switch (address.family) {
		case "inet":
			return { transport: transport as IpTransport, host: address.host, port: address.port };
		case "inet6": {
			if (isMapped(address.host)) {
				const host = address.host.slice(MAPPED.length);
				return { transport: transport as IpTransport, host, port: address.port };
			}
			const host = address.scope ? `${address.host}%${address.scope}` : address.host;
			return { transport: transport as IpTransport, host, port: address.port };
		}
		case "vsock":
			return { transport: transport as VsockTransport, cid: address.cid, port: address.port };
		default: {
			const { family: _, ...name } = address;
			return { transport, ...name } as UnixAddress;
		}
	}
}

function hostSocketAddress(
	host: string,
	port: number,
	zoneIndex: ZoneIndex | undefined,
	input: Address,
): SocketAddress {
	if (host === "*") return { family: "inet6", host: "::", port };
	const family = hostFamily(host);
	if (family === undefined) {
		throw new InvalidAddressError(input, "the host is a name; resolve it first, by lookup()");
	}
	if (family === "inet") return { family, host, port };
	const { host: bare, zone } = splitZone(host);
	if (zone === undefined) return { family, host: bare, port };
	return { family, host: bare, port, scope: scopeOf(zone, zoneIndex, input) };
}

function scopeOf(zone: string, zoneIndex: ZoneIndex | undefined, input: Address): number {
	const isDecimal = /^[1-9]\d{0,9}$/.test(zone) && Number(zone) <= 0xffff_ffff;
	if (isDecimal) return Number(zone);
	if (zoneIndex !== undefined) return zoneIndex(zone);
	throw new InvalidAddressError(input, "the zone is the name of an interface; give its index");
}
