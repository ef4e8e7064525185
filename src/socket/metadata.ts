/** What comes along with a received message, decoded from its control messages. */
import {
	AF_INET,
	AF_INET6,
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
import { readInt32, readUint32, readUint64 } from "./little-endian.ts";
import { decodeOption } from "./option-codec.ts";
import type { Credentials } from "./option-value.ts";
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
	credentials?: Credentials;
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

/** Writes what the bytes of one message say into `metadata`. */
type Decoder = (metadata: Metadata, data: Uint8Array) => void;

// The least bytes are what the kernel sends; a shorter message is left among the others.
const DECODERS: ReadonlyMap<number, readonly [leastBytes: number, decode: Decoder]> = new Map<
	number,
	readonly [number, Decoder]
>([
	[key(SOL_SOCKET, SCM_RIGHTS), [0, addDescriptors]],
	[key(SOL_SOCKET, SCM_CREDENTIALS), [12, addCredentials]],
	[key(SOL_SOCKET, SCM_PIDFD), [4, addPidfd]],
	[key(SOL_SOCKET, SCM_SECURITY), [0, addSecurityLabel]],
	[key(SOL_SOCKET, SCM_TIMESTAMP), [16, addTimeval]],
	[key(SOL_SOCKET, SCM_TIMESTAMPNS), [16, addTimespec]],
	[key(SOL_SOCKET, SCM_TIMESTAMPING), [48, addTimestamps]],
	[key(SOL_SOCKET, SO_RXQ_OVFL), [4, addDropped]],
	[key(SOL_SOCKET, SO_MARK), [4, addMark]],
	[key(IPPROTO_UDP, UDP_GRO), [4, addSegment]],
	[key(IPPROTO_TCP, TCP_INQ), [4, addUnread]],
	[key(IPPROTO_IP, IP_TTL), [4, addHopLimit]],
	[key(IPPROTO_IPV6, IPV6_HOPLIMIT), [4, addHopLimit]],
	// One byte for IPv4, an int for IPv6.
	[key(IPPROTO_IP, IP_TOS), [1, addTrafficClass]],
	[key(IPPROTO_IPV6, IPV6_TCLASS), [4, addTrafficClass]],
	[key(IPPROTO_IP, IP_PKTINFO), [12, addIpv4Destination]],
	[key(IPPROTO_IPV6, IPV6_PKTINFO), [20, addIpv6Destination]],
	[key(IPPROTO_IP, IP_RECVORIGDSTADDR), [16, addOriginalDestination(AF_INET)]],
	[key(IPPROTO_IPV6, IPV6_RECVORIGDSTADDR), [28, addOriginalDestination(AF_INET6)]],
]);

/**
 * Decodes all control messages in exactly the bytes that recvmsg(2) filled.
 *
 * Never throws and never loses a descriptor that is in a whole message, whatever the bytes are.
 */
export function decodeMetadata(bytes: Uint8Array): Metadata {
	const metadata: Metadata = { descriptors: [], others: [] };
	for (const message of controlMessages(bytes)) {
		const { level, type, data } = message;
		const [least, decode] = DECODERS.get(key(level, type)) ?? [];
		if (decode === undefined || least === undefined || data.length < least) {
			metadata.others.push(message);
		} else decode(metadata, data);
	}
	return metadata;
}

// Levels and types of the table are small; others only have to be no key of it.
function key(level: number, type: number): number {
	const isSmall = level >= 0 && level < 0x1_0000 && type >= 0 && type < 0x1_0000;
	return isSmall ? level * 0x1_0000 + type : -1;
}

function addDescriptors(metadata: Metadata, data: Uint8Array): void {
	for (let i = 0; i + 4 <= data.length; i += 4) metadata.descriptors.push(readInt32(data, i));
}

function addCredentials(metadata: Metadata, data: Uint8Array): void {
	metadata.credentials = {
		pid: readInt32(data, 0),
		uid: readUint32(data, 4),
		gid: readUint32(data, 8),
	};
}

function addPidfd(metadata: Metadata, data: Uint8Array): void {
	// Negative when the kernel could not make one: then it is an error number.
	const fd = readInt32(data, 0);
	if (fd < 0) return;
	if (metadata.pidfd === undefined) metadata.pidfd = fd;
	else metadata.descriptors.push(fd);
}

function addSecurityLabel(metadata: Metadata, data: Uint8Array): void {
	metadata.securityLabel = decodeOption("string", data);
}

function addTimeval(metadata: Metadata, data: Uint8Array): void {
	metadata.timestampNs = nanoseconds(data, 0, 1_000n);
}

function addTimespec(metadata: Metadata, data: Uint8Array): void {
	metadata.timestampNs = nanoseconds(data, 0, 1n);
}

// Three timespecs: by software, unused, by hardware; 0 is none. networking/timestamping.rst
function addTimestamps(metadata: Metadata, data: Uint8Array): void {
	const [software, hardware] = [nanoseconds(data, 0, 1n), nanoseconds(data, 32, 1n)];
	if (software !== 0n) metadata.timestampNs = software;
	if (hardware !== 0n) metadata.hardwareTimestampNs = hardware;
}

function nanoseconds(data: Uint8Array, offset: number, unitNs: bigint): bigint {
	return readUint64(data, offset) * 1_000_000_000n + readUint64(data, offset + 8) * unitNs;
}

function addDropped(metadata: Metadata, data: Uint8Array): void {
	metadata.droppedCount = readUint32(data, 0);
}

function addMark(metadata: Metadata, data: Uint8Array): void {
	metadata.mark = readUint32(data, 0);
}

function addSegment(metadata: Metadata, data: Uint8Array): void {
	metadata.segmentBytes = readInt32(data, 0);
}

function addUnread(metadata: Metadata, data: Uint8Array): void {
	metadata.unreadBytes = readInt32(data, 0);
}

function addHopLimit(metadata: Metadata, data: Uint8Array): void {
	metadata.hopLimit = readInt32(data, 0);
}

function addTrafficClass(metadata: Metadata, data: Uint8Array): void {
	metadata.trafficClass = readInt32(data, 0);
}

// struct in_pktinfo: interface, local address, address in the header.
function addIpv4Destination(metadata: Metadata, data: Uint8Array): void {
	metadata.destination = { host: ipv4ToText(data, 8), interfaceIndex: readInt32(data, 0) };
}

function addIpv6Destination(metadata: Metadata, data: Uint8Array): void {
	metadata.destination = { host: ipv6ToText(data), interfaceIndex: readInt32(data, 16) };
}

function addOriginalDestination(family: number): Decoder {
	return (metadata, data) => {
		if (data[0] === family && data[1] === 0)
			metadata.originalDestination = decodeSocketAddress(data);
	};
}
