/** A socket as the kernel lists it, before anything is joined to it; and the words for what it is. */
import type { SocketAddress } from "../socket/sockaddr.ts";

/** What a socket is: the first word of its address, where the library has one for it. */
export type SocketKind =
	| "tcp"
	| "udp"
	| "unix"
	| "unix-dgram"
	| "unix-seqpacket"
	| "vsock"
	| "vsock-dgram"
	| "vsock-seqpacket"
	| "mptcp"
	| "udplite"
	/** IP packets of one protocol; raw(7). */
	| "raw"
	/** Echo requests without privilege; icmp(7). */
	| "icmp"
	/** Frames of a network interface; packet(7). */
	| "packet"
	/** Messages with the kernel; netlink(7). */
	| "netlink"
	/** A descriptor of this socket is open, but no list of the kernel has it: it was never bound, or is of another family. */
	| "unknown";

/** All kinds, in the order of a listing. */
export const SOCKET_KINDS: readonly SocketKind[] = [
	...(["tcp", "mptcp", "udp", "udplite", "icmp", "raw"] as const),
	...(["unix", "unix-seqpacket", "unix-dgram"] as const),
	...(["vsock", "vsock-seqpacket", "vsock-dgram", "packet", "netlink", "unknown"] as const),
];

/** Where a socket is in its life: the states of RFC 9293, and what comes before and instead of them. */
export type SocketState =
	| "listening"
	| "established"
	| "syn-sent"
	| "syn-received"
	| "fin-wait-1"
	| "fin-wait-2"
	| "time-wait"
	| "close-wait"
	| "last-ack"
	| "closing"
	/** Bound to an address, and neither listening nor connected. */
	| "bound"
	/** Without a peer: what sends to anybody, or does nothing yet. */
	| "unconnected"
	| "unknown";

/** All states, in the order of a listing. */
export const SOCKET_STATES: readonly SocketState[] = [
	...(["listening", "established", "syn-sent", "syn-received", "fin-wait-1"] as const),
	...(["fin-wait-2", "time-wait", "close-wait", "last-ack", "closing"] as const),
	...(["bound", "unconnected", "unknown"] as const),
];

/** Figures of a TCP connection. */
export interface TcpFigures {
	/** Smoothed round-trip time; 0 before the first one. */
	readonly roundTripUs: number;
	/** Mean deviation of that. */
	readonly roundTripVariationUs: number;
	/** Segments sent again, since the connection began. */
	readonly retransmittedCount: number;
	/** Retransmissions of the segment that is due, without an answer so far. */
	readonly unansweredCount: number;
	/** Congestion window, in segments. */
	readonly congestionWindow: number;
	/** Algorithm of the congestion control, such as `"cubic"`. */
	readonly congestionControl?: string;
}

/** What one list of the kernel tells of one socket. */
export interface KernelSocket {
	readonly kind: SocketKind;
	readonly state: SocketState;
	/** 0: no process has opened it, because it waits for accept, or has been closed already. */
	readonly inode: number;
	readonly local?: SocketAddress | undefined;
	readonly peer?: SocketAddress | undefined;
	/** Index of the network interface that it is bound to. */
	readonly device?: number | undefined;
	/** Of an IPv6 socket that is bound: whether it takes no IPv4; undefined where that is not told. */
	readonly isIpv6Only?: boolean;
	readonly uid?: number | undefined;
	/** Bytes; of a listener, connections that wait for accept. */
	readonly receiveQueue?: number | undefined;
	/** Bytes; of a listener, how many connections may wait. */
	readonly sendQueue?: number | undefined;
	readonly tcp?: TcpFigures | undefined;
	/** Of the Unix socket at the other end. */
	readonly peerInode?: number | undefined;
	/** Lower 32 bits of the inode number of the file that it was bound to. */
	readonly fileInode?: number | undefined;
	/** Inodes of the Unix sockets that wait to be accepted here. */
	readonly waitingInodes?: readonly number[] | undefined;
	/** What a socket without an address is about: the protocol of a netlink socket, the interface of a packet socket. */
	readonly subject?: string | undefined;
}

// include/net/tcp_states.h, from 1 on; 12 is a connection that is being accepted.
const TCP_STATES: readonly SocketState[] = [
	...(["unknown", "established", "syn-sent", "syn-received", "fin-wait-1", "fin-wait-2"] as const),
	...(["time-wait", "unconnected", "close-wait", "last-ack", "listening", "closing"] as const),
	...(["syn-received", "bound"] as const),
];

/** The word for a state by its number in the kernel, which serves all families. */
export function stateOf(number: number): SocketState {
	return TCP_STATES[number] ?? "unknown";
}

/** The kind of a Unix socket by the number of its type; undefined for a type that none has. */
export function unixKindOf(type: number): SocketKind | undefined {
	return { 1: "unix", 2: "unix-dgram", 5: "unix-seqpacket" }[type] as SocketKind | undefined;
}
