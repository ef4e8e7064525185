/** A socket of a listing: what the kernel tells of it, with its processes and its other end. Plain data, fit for JSON. */
import type { SocketKind, SocketState, TcpFigures } from "./kernel-socket.ts";
import type { SocketHolder } from "./processes.ts";

/** What is at the other end of a socket. */
export interface SocketPeer {
	/** Its address, as text; absent where it has none, as most clients of Unix sockets. */
	readonly address?: string;
	/** Its inode, when it is a socket of this machine that is known. */
	readonly inode?: number;
	/** The processes that have it open; empty when they are on another machine or cannot be seen. */
	readonly holders: readonly SocketHolder[];
	/** The connection waits in the backlog of the other end, whose holders these are. */
	readonly isWaiting?: boolean;
}

/** One socket. */
export interface ListedSocket {
	/** Family and type, by the names of addresses. */
	readonly kind: SocketKind;
	/** As the kernel has it; `"bound"` and `"unconnected"` are for what has no connections. */
	readonly state: SocketState;
	/**
	 * Its number on this machine. 0: no process has it open, because it waits for accept, or because it was closed and the kernel ends the
	 * connection.
	 */
	readonly inode: number;
	/**
	 * Its own address: what `connect` and `listen` take, for kinds that they take; absent where it has none. The file of a Unix socket by the name
	 * that it has now, when it was renamed within its directory.
	 */
	readonly local?: string;
	/** The exact name of a Unix socket in base64, when it is no UTF-8: `local` only resembles it then. */
	readonly nameBase64?: string;
	/** Its other end; absent where it has none. */
	readonly peer?: SocketPeer;
	/** The processes that have it open, several after a fork or when it was passed on. Empty when there is none, or when they cannot be seen. */
	readonly holders: readonly SocketHolder[];
	/** The user that made it; absent where the kernel does not tell. */
	readonly uid?: number;
	/** Name of that user in /etc/passwd. */
	readonly user?: string;
	/** Bytes that have come and were not read; of Unix datagram sockets those of the first message. Not for listeners. */
	readonly receiveQueueBytes?: number;
	/**
	 * Bytes written that the other end has not acknowledged (TCP) or not read (Unix, with the kernel's own overhead). Not for listeners.
	 */
	readonly sendQueueBytes?: number;
	/** Connections that wait for accept, of a listener. */
	readonly waitingCount?: number;
	/** How many may wait, of a listener. */
	readonly backlogCount?: number;
	/** Figures of a TCP connection; absent where the kernel does not tell them. */
	readonly tcp?: TcpFigures;
	/** Name of the network interface that it is bound to. */
	readonly device?: string;
	/** What a socket without an address is about, such as `"route:1234"` of netlink. */
	readonly subject?: string;
	/**
	 * Whether the file that a Unix socket was bound to is still there: `"replaced"` is another one by the same name, so that nobody reaches
	 * this socket any more. Absent where it cannot be found out.
	 */
	readonly file?: "there" | "gone" | "replaced";
	/** The network namespace, when it is not ours; network_namespaces(7). */
	readonly namespace?: number;
}

/** Something that a listing does not show, and why. */
export interface ListingNote {
	/**
	 * - `"hidden-processes"`: descriptors of other users' processes cannot be seen, so that holders may be missing
	 * - `"reduced"`: a list came from /proc/net, which tells less
	 * - `"missing"`: a list that cannot be had
	 * - `"interrupted"`: a list changed each time that it was read, so that something may be missing
	 */
	readonly code: "hidden-processes" | "reduced" | "missing" | "interrupted";
	/** The list that it is about, such as `"tcp6"` or `"vsock"`; absent when it is about all of them. */
	readonly list?: string;
	/** One sentence for people. */
	readonly message: string;
}

/** What `listSockets` found. */
export interface SocketListing {
	/** Those that fulfil the filter. */
	readonly sockets: readonly ListedSocket[];
	/** What is not shown; empty when this is all that there is. */
	readonly notes: readonly ListingNote[];
}
