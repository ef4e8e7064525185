/** Multicast: groups to receive from, and how to send to groups; any source (ASM) and chosen sources (SSM). */
import {
	type Known,
	requireBoolean,
	requireInteger,
	requireOptions,
	requireString,
} from "../arguments.ts";
import { ClosedError, check, InvalidAddressError } from "../errors.ts";
import { normalizeHost } from "../socket/host.ts";
import { splitZone } from "../socket/ip.ts";
import { encodeSocketAddress, type SocketAddress } from "../socket/sockaddr.ts";
import type { Socket } from "../socket/socket.ts";
import { zoneIndex } from "../socket/zone.ts";
import {
	IP_MULTICAST_ALL,
	IP_MULTICAST_IF,
	IP_MULTICAST_LOOP,
	IP_MULTICAST_TTL,
	IPPROTO_IP,
	IPPROTO_IPV6,
	IPV6_MULTICAST_ALL,
	IPV6_MULTICAST_HOPS,
	IPV6_MULTICAST_IF,
	IPV6_MULTICAST_LOOP,
	MCAST_JOIN_GROUP,
	MCAST_JOIN_SOURCE_GROUP,
	MCAST_LEAVE_GROUP,
	MCAST_LEAVE_SOURCE_GROUP,
} from "../sys/constants.ts";
import { sys } from "../sys/current.ts";

/** Details of a membership. */
export interface MembershipOptions {
	/** Interface to receive on: its name or index. Default: the zone of the group, or the one that a route to the group would take. */
	readonly interface?: string | number | undefined;
	/** The one sender to receive from; join again for each further one. Default: any sender. RFC 4607. */
	readonly source?: string | undefined;
}

/** A group that was joined. */
export interface Membership {
	/** Numeric address of the group, without zone. */
	readonly group: string;
	/** Index of the interface; 0 when the kernel chose. */
	readonly interfaceIndex: number;
	/** The one sender; undefined for any. */
	readonly source: string | undefined;
}

const KNOWN: Known<MembershipOptions> = {
	interface: true,
	source: true,
};

const INT32_MAX = 0x7fff_ffff;
// struct group_req { uint32_t gr_interface; struct sockaddr_storage gr_group; }, aligned to 8; group_source_req has one storage more.
const GROUP_OFFSET = 8;
const STORAGE_BYTES = 128;

/** The multicast side of a UDP socket: `socket.multicast`. */
export class Multicast {
	readonly #socket: Socket;
	readonly #isIpv6: boolean;
	#memberships: Membership[] = [];

	/** @internal */
	constructor(socket: Socket) {
		this.#socket = socket;
		this.#isIpv6 = socket.family === "inet6";
	}

	/** The groups joined and not left, in order. */
	get memberships(): readonly Membership[] {
		return [...this.#memberships];
	}

	/**
	 * Joins a group. From the first one on the socket gets what is sent to the groups it joined, and not what is sent to those that other
	 * sockets of this machine joined, as Linux would have it.
	 *
	 * @param group numeric address, 224.0.0.0/4 or ff00::/8, perhaps with the interface as its zone: `ff02::fb%eth0`
	 * @throws {InvalidAddressError} no multicast address, or of a family that the socket does not have
	 * @throws {SyscallError} EADDRINUSE: joined already. ENODEV: no such interface, or no route. ENOBUFS: more than net.ipv4.igmp_max_memberships
	 * @see ip(7), ipv6(7), RFC 3678
	 */
	join(group: string, options: MembershipOptions = {}): void {
		const membership = this.#membership(group, options);
		const isIpv4 = !membership.group.includes(":");
		// An IPv6 socket has the option for IPv4 groups too; old kernels lack the one for IPv6.
		if (isIpv4) sys.setsockopt(this.#openFd(), IPPROTO_IP, IP_MULTICAST_ALL, int32(0));
		else sys.setsockopt(this.#openFd(), IPPROTO_IPV6, IPV6_MULTICAST_ALL, int32(0));
		this.#change(membership, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP);
		this.#memberships.push(membership);
	}

	/**
	 * Leaves a group that was joined with the same options.
	 *
	 * @throws {SyscallError} EADDRNOTAVAIL: it was not joined
	 */
	leave(group: string, options: MembershipOptions = {}): void {
		const membership = this.#membership(group, options);
		this.#change(membership, MCAST_LEAVE_GROUP, MCAST_LEAVE_SOURCE_GROUP);
		this.#memberships = this.#memberships.filter((each) => !isSame(each, membership));
	}

	/**
	 * Interface to send to groups by, its name or index; 0 lets routes decide, which is the default. IP_MULTICAST_IF, IPV6_MULTICAST_IF
	 *
	 * @throws {InvalidTypeError | InvalidAddressError | OutOfRangeError} it is no interface
	 * @throws {SyscallError} EADDRNOTAVAIL, ENODEV: there is none of this index
	 * @throws {ClosedError} the socket is closed
	 * @see ip(7), ipv6(7)
	 */
	setInterface(name: string | number): void {
		const index = indexOf(name);
		// struct ip_mreqn { group, local address, interface index }
		const mreqn = new Uint8Array(12);
		mreqn.set(int32(index), 8);
		this.#set([IP_MULTICAST_IF, mreqn], [IPV6_MULTICAST_IF, int32(index)]);
	}

	/**
	 * How far datagrams to groups go, 0..255: 0 stays on this machine, 1, the default, in its network. The kernel heeds 0 only
	 * while this machine has a member of the group itself. IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS
	 *
	 * @throws {OutOfRangeError} `hops` is outside of that
	 * @throws {ClosedError} the socket is closed
	 * @see ip(7), ipv6(7)
	 */
	setHopLimit(hops: number): void {
		const value = int32(requireInteger("hops", hops, 0, 255));
		this.#set([IP_MULTICAST_TTL, value], [IPV6_MULTICAST_HOPS, value]);
	}

	/**
	 * Whether members on this machine get what this socket sends; they do by default. IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP
	 *
	 * @throws {InvalidTypeError} `active` is no boolean
	 * @throws {ClosedError} the socket is closed
	 * @see ip(7), ipv6(7)
	 */
	setLoop(active: boolean): void {
		const value = int32(requireBoolean("active", active) ? 1 : 0);
		this.#set([IP_MULTICAST_LOOP, value], [IPV6_MULTICAST_LOOP, value]);
	}

	#openFd(): number {
		if (this.#socket.closed) throw new ClosedError("The socket");
		return this.#socket.fd;
	}

	#set(ipv4: [name: number, value: Uint8Array], ipv6: [name: number, value: Uint8Array]): void {
		if (this.#isIpv6) {
			check(sys.setsockopt(this.#openFd(), IPPROTO_IPV6, ...ipv6), "setsockopt");
		}
		const rc = sys.setsockopt(this.#openFd(), IPPROTO_IP, ...ipv4);
		// On an IPv6 socket this is for IPv4 groups, which it need not have.
		if (!this.#isIpv6) check(rc, "setsockopt");
	}

	#membership(input: string, options: MembershipOptions): Membership {
		requireOptions(options, KNOWN);
		const { host: group, zone } = splitZone(normalizeHost(input, input));
		if (!isMulticast(group) || (group.includes(":") && !this.#isIpv6)) {
			const family = this.#isIpv6 ? "224.0.0.0/4 or ff00::/8" : "224.0.0.0/4";
			throw new InvalidAddressError(input, `this socket can join groups of ${family}`);
		}
		return {
			group,
			interfaceIndex: indexOf(options.interface ?? zone ?? 0),
			source: sourceFor(group, options.source),
		};
	}

	#change({ group, interfaceIndex, source }: Membership, any: number, one: number): void {
		const storages = source === undefined ? 1 : 2;
		const request = new Uint8Array(GROUP_OFFSET + storages * STORAGE_BYTES);
		request.set(int32(interfaceIndex));
		request.set(encodeHost(group), GROUP_OFFSET);
		if (source !== undefined) request.set(encodeHost(source), GROUP_OFFSET + STORAGE_BYTES);
		const level = group.includes(":") ? IPPROTO_IPV6 : IPPROTO_IP;
		const rc = sys.setsockopt(this.#openFd(), level, source === undefined ? any : one, request);
		check(rc, "setsockopt", { address: group });
	}
}

function isSame(left: Membership, right: Membership): boolean {
	return (
		left.group === right.group &&
		left.interfaceIndex === right.interfaceIndex &&
		left.source === right.source
	);
}

function sourceFor(group: string, input: string | undefined): string | undefined {
	if (input === undefined) return undefined;
	const { host } = splitZone(normalizeHost(input, input));
	if (host.includes(":") !== group.includes(":")) {
		throw new InvalidAddressError(input, "the source must be of the family of its group");
	}
	return host;
}

function isMulticast(host: string): boolean {
	if (host.includes(":")) return host.startsWith("ff");
	const first = Number(host.split(".", 1)[0]);
	return /^\d+\.\d+\.\d+\.\d+$/.test(host) && first >= 224 && first <= 239;
}

function indexOf(name: string | number): number {
	const text = typeof name === "number" ? name : requireString("interface", name);
	if (typeof text === "string" && !/^\d+$/.test(text)) return zoneIndex(text);
	return requireInteger("interface", Number(text), 0, INT32_MAX);
}

// Throws for a name: a source must be numeric.
function encodeHost(host: string): Uint8Array {
	const address: SocketAddress = host.includes(":")
		? { family: "inet6", host, port: 0 }
		: { family: "inet", host, port: 0 };
	return encodeSocketAddress(address);
}

function int32(value: number): Uint8Array {
	return new Uint8Array(Int32Array.of(value).buffer);
}
