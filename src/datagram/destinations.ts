/**
 * Where datagrams are sent: addresses as callers write them, turned into the names that system calls take. What was turned once is found
 * again by its text or host, in a cache of bounded size.
 */
import { requireObject } from "../arguments.ts";
import { InvalidAddressError, SyscallError, type SyscallTarget } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { type Address, parseAddress } from "../socket/address.ts";
import type { SocketFamily } from "../socket/kind.ts";
import { isLongPath } from "../socket/long-path.ts";
import type { Passage } from "../socket/passage.ts";
import {
	encodeSocketAddress,
	type SocketAddress,
	type UnixPathAddress,
} from "../socket/sockaddr.ts";
import type { Socket } from "../socket/socket.ts";
import { targetOf } from "../socket/target.ts";
import { toSocketAddress } from "../socket/transport.ts";
import { zoneIndex } from "../socket/zone.ts";
import { ENOTCONN } from "../sys/errno.ts";
import type { DatagramTransport } from "./datagram-contract.ts";
import { RecentMap } from "./recent-map.ts";

/** One place to send to. */
export interface Destination {
	/** struct sockaddr, exact length; empty for the peer of a connected socket. The same array means the same place. */
	readonly name: Uint8Array;
	/** Most bytes that a datagram to it can have, as far as is known. */
	readonly maxBytes: number;
	/** The path, when it is too long for `name`, which is empty then: it is reached anew for each call. */
	readonly longPath: UnixPathAddress | undefined;
	/** How errors call it. */
	readonly target: SyscallTarget;
	/** Port of an IP address, -1 otherwise. */
	readonly port: number;
	/** Whether it is reached by IPv4, be it from an IPv6 socket. */
	readonly isIpv4: boolean;
	/** Control messages to send along; undefined for none. The same array means the same messages. */
	readonly control: Uint8Array | undefined;
	/** What goes along with one datagram, which leaves by a call of its own; undefined for a place that is sent to again. */
	readonly passage: Passage | undefined;
	/** Whether `sendUnfragmented` has to send to it: what control messages cannot say. */
	readonly isUnfragmented: boolean;
}

// A generation of the cache; two of them are kept, so that what is in use survives.
const GENERATION_COUNT = 2_048;
const NO_NAME = new Uint8Array(0);
const IPV4_MAPPED = "::ffff:";

/** The destinations of one socket. */
export class Destinations {
	readonly #transport: DatagramTransport;
	readonly #family: SocketFamily;
	// Separate, so that no host can be mistaken for a text.
	readonly #byText = new RecentMap<Destination>(GENERATION_COUNT);
	readonly #byName = new RecentMap<Destination>(GENERATION_COUNT);
	readonly #byAbstract = new RecentMap<Destination>(GENERATION_COUNT);

	constructor(transport: DatagramTransport, family: SocketFamily) {
		this.#transport = transport;
		this.#family = family;
	}

	/**
	 * Finds the destination that an address stands for.
	 *
	 * @throws {InvalidAddressError} it is malformed, a name, or of another transport or family
	 */
	find(to: string | Address): Destination {
		if (typeof to === "string") return this.#byText.get(to) ?? this.#byText.put(to, this.#make(to));
		requireObject("to", to);
		if ("bytes" in to || to.transport !== this.#transport) return this.#make(to);
		if ("host" in to) return this.#findHost(to.host, to.port, to);
		if ("path" in to) return this.#byName.get(to.path) ?? this.#byName.put(to.path, this.#make(to));
		if (!("abstract" in to)) return this.#make(to);
		const { abstract } = to;
		return this.#byAbstract.get(abstract) ?? this.#byAbstract.put(abstract, this.#make(to));
	}

	/** Makes the destination that stands for the peer of a connected socket. */
	static ofPeer(peer: SocketAddress): Destination {
		return { ...destinationOf(peer), name: NO_NAME, longPath: undefined };
	}

	// A host keeps its latest port: a server's clients are on many hosts, a client talks to few ports.
	#findHost(host: string, port: number, to: Address): Destination {
		const found = this.#byName.get(host);
		if (found !== undefined && found.port === port) return found;
		return this.#byName.put(host, this.#make(to));
	}

	#make(to: string | Address): Destination {
		const address = parseAddress(to);
		if (address.transport !== this.#transport) {
			throw new InvalidAddressError(to, `this socket sends to ${this.#transport} addresses`);
		}
		if ("host" in address && (address.host === "*" || address.port === 0)) {
			throw new InvalidAddressError(to, "a destination needs one host and a port from 1 to 65535");
		}
		return destinationOf(suitedTo(this.#family, toSocketAddress(address, zoneIndex), to));
	}
}

/**
 * Turns an address into one of the socket's family where that is possible: IPv4 over an IPv6 socket is written as `::ffff:1.2.3.4`.
 *
 * @throws {InvalidAddressError} it is not possible
 */
export function suitedTo(
	family: SocketFamily,
	address: SocketAddress,
	input: unknown,
): SocketAddress {
	if (address.family === family) {
		if (family === "unix" && !("path" in address || "abstract" in address)) {
			throw new InvalidAddressError(
				input,
				"an unnamed socket cannot be sent to; have it bind a name",
			);
		}
		return address;
	}
	if (address.family === "inet" && family === "inet6") {
		return { family, host: `${IPV4_MAPPED}${address.host}`, port: address.port };
	}
	if (address.family === "inet6" && family === "inet" && isMapped(address.host)) {
		return { family, host: address.host.slice(IPV4_MAPPED.length), port: address.port };
	}
	throw new InvalidAddressError(input, `this socket is of family ${family}`);
}

function destinationOf(address: SocketAddress): Destination {
	const maxBytes = maxBytesTo(address);
	const isLong = address.family === "unix" && "path" in address && isLongPath(address);
	const longPath = isLong ? address : undefined;
	return {
		name: longPath === undefined ? encodeSocketAddress(address) : NO_NAME,
		longPath,
		maxBytes,
		target: targetOf(address),
		port: address.family === "inet" || address.family === "inet6" ? address.port : -1,
		isIpv4: maxBytes === LIMITS.udpPayloadBytesIpv4,
		control: undefined,
		passage: undefined,
		isUnfragmented: false,
	};
}

function maxBytesTo(address: SocketAddress): number {
	if (address.family === "inet") return LIMITS.udpPayloadBytesIpv4;
	if (address.family !== "inet6") return Number.MAX_SAFE_INTEGER;
	return isMapped(address.host) ? LIMITS.udpPayloadBytesIpv4 : LIMITS.udpPayloadBytesIpv6;
}

// Of a host in canonical form; RFC 5952 section 5.
function isMapped(host: string): boolean {
	return host.startsWith(IPV4_MAPPED) && host.includes(".");
}

/** The peer of a connected socket; undefined for others. */
export function peerOf(socket: Socket): SocketAddress | undefined {
	try {
		return socket.getpeername();
	} catch (error) {
		if (error instanceof SyscallError && error.errno === ENOTCONN) return undefined;
		throw error;
	}
}
