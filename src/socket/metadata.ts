/** What comes along with a received message, decoded from its control messages. */
import {
	IP_PKTINFO,
	IP_RECVORIGDSTADDR,
	IP_TOS,
	IP_TTL,
	IPPROTO_IP,
	IPPROTO_IPV6,
	IPPROTO_TCP,
	IPPROTO_UDP,
	IPV6_HOPLIMIT,
	IPV6_PKTINFO,
	IPV6_RECVORIGDSTADDR,
	IPV6_TCLASS,
	SCM_CREDENTIALS,
	SCM_PIDFD,
	SCM_RIGHTS,
	SCM_SECURITY,
	SCM_TIMESTAMP,
	SCM_TIMESTAMPING,
	SCM_TIMESTAMPNS,
	SO_MARK,
	SO_RXQ_OVFL,
	SOL_SOCKET,
	TCP_INQ,
	UDP_GRO,
} from "../sys/constants.ts";
import { type ControlMessage, controlMessages } from "./control.ts";
import { ipv4ToText, ipv6ToText } from "./ip.ts";
import { decodeOption } from "./option-codec.ts";
import type { PeerCredentials } from "./option-value.ts";
import { decodeSocketAddress, type SocketAddress } from "./sockaddr.ts";

/** Where a datagram was sent to: IP_PKTINFO of ip(7), IPV6_RECVPKTINFO of ipv6(7). */
export interface PacketDestination {
	/** Address in the header of the packet. */
	readonly host: string;
	/** Index of the interface that it came in by. */
	readonly interfaceIndex: number;
}

/** Everything known about a received message; what the kernel did not tell is absent. */
export interface Metadata {
	/** Received descriptors, close-on-exec: the caller must close every one. */
	readonly descriptors: number[];
	/** Messages of other kinds, as they came; their data are views. */
	readonly others: ControlMessage[];
	/** Who sent it; SO_PASSCRED. */
	credentials?: PeerCredentials;
	/** A pidfd of the sender, for the caller to close; SO_PASSPIDFD. */
	pidfd?: number;
	/** Security label of the sender; SO_PASSSEC. */
	securityLabel?: string;
	/** Time of receipt in nanoseconds since 1970; SO_TIMESTAMPNS, SO_TIMESTAMP or SO_TIMESTAMPING. */
	timestampNs?: bigint;
	/** Time of receipt by the clock of the network card; SO_TIMESTAMPING. */
	hardwareTimestampNs?: bigint;
	/** The data are datagrams of this size, the last one perhaps shorter; UDP_GRO. */
	segmentBytes?: number;
	/** Datagrams dropped since the socket was made, modulo 2^32; SO_RXQ_OVFL. */
	droppedCount?: number;
	/** TTL or hop limit; IP_RECVTTL, IPV6_RECVHOPLIMIT. */
	hopLimit?: number;
	/** TOS byte or traffic class; IP_RECVTOS, IPV6_RECVTCLASS. */
	trafficClass?: number;
	destination?: PacketDestination;
	/** Destination before it was redirected; IP_RECVORIGDSTADDR. */
	originalDestination?: SocketAddress;
	/** Mark of the packet; SO_RCVMARK. */
	mark?: number;
	/** Bytes left to read; TCP_INQ. */
	unreadBytes?: number;
}

/** Writes into `metadata` what `data` say. */
type Decoder = (metadata: Metadata, data: Uint8Array) => void;

const DECODERS: ReadonlyMap<string, readonly [leastBytes: number, decode: Decoder]> = new Map<
	string,
	readonly [number, Decoder]
>([[key(SOL_SOCKET, SCM_RIGHTS), [0, addDescriptors]]]);
