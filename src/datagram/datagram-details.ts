/** What the kernel can tell of each datagram besides its bytes and its sender: asked for per socket, paid for only then. */
import { requireBoolean, requireOptions } from "../arguments.ts";
import { InvalidValueError } from "../errors.ts";
import { ENABLE } from "../socket/little-endian.ts";
import { decodeMetadata, type PacketDestination } from "../socket/metadata.ts";
import type { Socket } from "../socket/socket.ts";
import {
	IP_PKTINFO,
	IP_RECVTOS,
	IP_RECVTTL,
	IPPROTO_IP,
	IPPROTO_IPV6,
	IPV6_RECVHOPLIMIT,
	IPV6_RECVPKTINFO,
	IPV6_RECVTCLASS,
	SO_RXQ_OVFL,
	SO_TIMESTAMPNS,
	SOL_SOCKET,
} from "../sys/constants.ts";

/** Which details to receive; each is off by default. */
export interface DetailSwitches {
	/** `destination`; IP_PKTINFO of ip(7), IPV6_RECVPKTINFO of ipv6(7). UDP only. */
	readonly destination?: boolean | undefined;
	/** `hopLimit`; IP_RECVTTL, IPV6_RECVHOPLIMIT. UDP only. */
	readonly hopLimit?: boolean | undefined;
	/** `ecn` and `dscp`; IP_RECVTOS, IPV6_RECVTCLASS. UDP only. */
	readonly trafficClass?: boolean | undefined;
	/** `timestampNs`; SO_TIMESTAMPNS of socket(7). */
	readonly timestamp?: boolean | undefined;
	/** `missedCount`; SO_RXQ_OVFL of socket(7). UDP only. */
	readonly missedCount?: boolean | undefined;
}

/** The details of a datagram, as far as they were asked for and the kernel told them. */
export interface DatagramDetails {
	/** Where it was sent to: the address in its header, and the interface that it came in by. To be answered from: the `source` of `send`. */
	readonly destination?: PacketDestination;
	/** TTL or hop limit that it arrived with, 0..255. */
	readonly hopLimit?: number;
	/** Explicit congestion notification, 0..3: 0 not capable, 1 and 2 capable, 3 congestion met; RFC 3168 section 5. */
	readonly ecn?: number;
	/** Differentiated services code point, 0..63; RFC 2474. */
	readonly dscp?: number;
	/** When the kernel received it, in nanoseconds since 1970. */
	readonly timestampNs?: bigint;
	/**
	 * Datagrams that the kernel dropped because this socket's queue was full, since it was made, modulo 2^32; absent before the first. Those that
	 * it had glued together count as one: exact with `offload: false`, a lower bound otherwise.
	 */
	readonly missedCount?: number;
}

type Option = readonly [level: number, name: number];

// On an IPv6 socket the options of IPv4 are for what comes from IPv4 peers.
const OPTIONS: Readonly<Record<keyof DetailSwitches, { inet: Option[]; inet6: Option[] }>> = {
	destination: {
		inet: [[IPPROTO_IP, IP_PKTINFO]],
		inet6: [[IPPROTO_IPV6, IPV6_RECVPKTINFO]],
	},
	hopLimit: {
		inet: [[IPPROTO_IP, IP_RECVTTL]],
		inet6: [
			[IPPROTO_IPV6, IPV6_RECVHOPLIMIT],
			[IPPROTO_IP, IP_RECVTTL],
		],
	},
	trafficClass: {
		inet: [[IPPROTO_IP, IP_RECVTOS]],
		inet6: [
			[IPPROTO_IPV6, IPV6_RECVTCLASS],
			[IPPROTO_IP, IP_RECVTOS],
		],
	},
	timestamp: { inet: [[SOL_SOCKET, SO_TIMESTAMPNS]], inet6: [[SOL_SOCKET, SO_TIMESTAMPNS]] },
	missedCount: { inet: [[SOL_SOCKET, SO_RXQ_OVFL]], inet6: [[SOL_SOCKET, SO_RXQ_OVFL]] },
};

// More than all of them take together: 40 + 24 + 24 + 32 + 24, and 24 for the stride of GRO.
const UDP_CONTROL_BYTES = 256;
// Exactly a timestamp, so that no descriptor which a peer sends along can get into this process.
const UNIX_CONTROL_BYTES = 32;

/**
 * Has the kernel tell the details asked for.
 *
 * @returns room for their control messages in bytes; 0 when there are none
 * @throws {InvalidValueError} no UDP socket, which has timestamps only
 */
export function enableDetails(socket: Socket, switches: DetailSwitches | undefined): number {
	if (switches === undefined) return 0;
	requireOptions<DetailSwitches>(switches, OPTIONS, "details");
	const { family } = socket;
	const isIp = family === "inet" || family === "inet6";
	let isAny = false;
	for (const name of Object.keys(OPTIONS) as (keyof DetailSwitches)[]) {
		if (!requireBoolean(`details.${name}`, switches[name] ?? false)) continue;
		if (!isIp && name !== "timestamp") {
			throw new InvalidValueError(`details.${name}`, "is something that only UDP has", true);
		}
		for (const [level, option] of OPTIONS[name][family === "inet6" ? "inet6" : "inet"]) {
			socket.setsockopt(level, option, ENABLE);
		}
		isAny = true;
	}
	if (!isAny) return 0;
	return isIp ? UDP_CONTROL_BYTES : UNIX_CONTROL_BYTES;
}

/** Reads the details from the control messages of a datagram. */
export function decodeDetails(control: Uint8Array): DatagramDetails {
	const { destination, hopLimit, trafficClass, timestampNs, droppedCount } =
		decodeMetadata(control);
	return {
		...(destination !== undefined && { destination }),
		...(hopLimit !== undefined && { hopLimit }),
		...(trafficClass !== undefined && { ecn: trafficClass & 3, dscp: trafficClass >> 2 }),
		...(timestampNs !== undefined && { timestampNs }),
		...(droppedCount !== undefined && { missedCount: droppedCount }),
	};
}
