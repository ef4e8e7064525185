/** How large a packet may be on its way: what the kernel does about it, and what it has found out. */
import { requireOneOf } from "../arguments.ts";
import { check } from "../errors.ts";
import type { Socket } from "../socket/socket.ts";
import {
	IP_MTU,
	IP_MTU_DISCOVER,
	IP_PMTUDISC_DO,
	IP_PMTUDISC_DONT,
	IP_PMTUDISC_PROBE,
	IP_PMTUDISC_WANT,
	IPPROTO_IP,
	IPPROTO_IPV6,
	IPV6_MTU,
	IPV6_MTU_DISCOVER,
} from "../sys/constants.ts";
import { sys } from "../sys/current.ts";

/** `"dont"`: routers may fragment. `"want"`: fragment here by what is known of the path. `"do"`: never fragment, fail with EMSGSIZE. `"probe"`: never fragment, send all the same. */
export type MtuDiscovery = "dont" | "want" | "do" | "probe";

const VALUES: Readonly<Record<MtuDiscovery, number>> = {
	dont: IP_PMTUDISC_DONT,
	want: IP_PMTUDISC_WANT,
	do: IP_PMTUDISC_DO,
	probe: IP_PMTUDISC_PROBE,
};

/** Sets IP_MTU_DISCOVER and IPV6_MTU_DISCOVER; ip(7), ipv6(7). */
export function setMtuDiscovery(socket: Socket, mode: MtuDiscovery): void {
	requireOneOf("mtuDiscovery", mode, Object.keys(VALUES) as MtuDiscovery[]);
	const value = new Uint8Array(Int32Array.of(VALUES[mode]).buffer);
	const isIpv6 = socket.family === "inet6";
	if (isIpv6) socket.setsockopt(IPPROTO_IPV6, IPV6_MTU_DISCOVER, value);
	// On an IPv6 socket for what is sent to IPv4.
	const rc = sys.setsockopt(socket.openFd(), IPPROTO_IP, IP_MTU_DISCOVER, value);
	if (!isIpv6) check(rc, "setsockopt");
}

/**
 * The largest packet, headers included, that is known to get to the peer.
 *
 * @throws {SyscallError} ENOTCONN: the socket has no peer
 */
export function getPathMtu(socket: Socket, isIpv4: boolean): number {
	const value = isIpv4
		? socket.getsockopt(IPPROTO_IP, IP_MTU, 4)
		: socket.getsockopt(IPPROTO_IPV6, IPV6_MTU, 4);
	return new DataView(value.buffer).getInt32(0, true);
}
