/** What a connected byte stream and a connected packet socket have in common: names, options, an end. */

import type { Address } from "../socket/address.ts";
import type { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import {
	type PeerCredentials,
	readPeerCredentials,
	requirePeerCredentials,
} from "../socket/peer-credentials.ts";
import { openPeerPidfd, type PidfdOptions } from "../socket/peer-pidfd.ts";
import type { UnixPathAddress } from "../socket/sockaddr.ts";
import { Socket } from "../socket/socket.ts";
import type { TcpInfo } from "../socket/tcp-info.ts";
import { fromSocketAddress, type SocketTransport } from "../socket/transport.ts";
import { SO_LINGER, SOL_SOCKET } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";

// struct linger { l_onoff = 1, l_linger = 0 }: close(2) resets; socket(7).
const RESET_ON_CLOSE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);

/** What a socket takes away when it closes: the socket file that it is bound to. */
export interface BoundFile {
	/** As it was given; the kernel may have been told another name. */
	readonly address: UnixPathAddress;
	/** Absolute, at the time of bind. */
	readonly path: Buffer;
	readonly dev: bigint;
	readonly ino: bigint;
	/** Whether `remove` has something to do: until `disown`. */
	readonly isOwned: boolean;
	/** Leaves the file to another process: `remove` does nothing from now on. */
	disown(): void;
	/** Removes the file if it is still ours; otherwise does nothing. Never fails. */
	remove(): void;
}

/** A connection that goes to another process. */
export interface HandedOff {
	/** Yours, with no tie to the object that had it. */
	readonly socket: Socket;
	/** Bytes that had been read ahead, to be read before all others. */
	readonly unread: Uint8Array;
}

/** A connected socket with the addresses of its two ends, which stay known after it is closed. */
export class Connection {
	readonly socket: Socket;
	readonly transport: SocketTransport;
	#address: Address | undefined;
	readonly peer: Address;
	/** The socket file of this end, removed when it closes. */
	readonly file: BoundFile | undefined;
	#peerCredentials: PeerCredentials | undefined;
	#tcpInfo: TcpInfo | undefined;

	/**
	 * @param socket connected
	 * @param peer when it is known already
	 * @param address when it is known already
	 * @param file of this end, removed when it closes
	 * @param peerCredentials when they are known already
	 * @throws {SyscallError} ENOTCONN: it is not connected
	 */
	constructor(
		socket: Socket,
		transport: SocketTransport,
		peer?: Address,
		address?: Address,
		file?: BoundFile,
		peerCredentials?: PeerCredentials,
	) {
		this.socket = socket;
		this.transport = transport;
		this.#address = address;
		this.file = file;
		this.#peerCredentials = peerCredentials;
		this.peer = peer ?? fromSocketAddress(transport, socket.getpeername());
	}

	/** Address of this end. */
	get address(): Address {
		this.#address ??= fromSocketAddress(
			this.transport,
			this.file?.address ?? this.socket.getsockname(),
		);
		return this.#address;
	}

	/** Credentials of the other end; read when first asked for. */
	get peerCredentials(): PeerCredentials {
		if (this.#peerCredentials === undefined) {
			requirePeerCredentials(this.transport, "peerCredentials");
			this.#peerCredentials = readPeerCredentials(this.socket);
		}
		return this.#peerCredentials;
	}

	/** What TCP tells of the connection; once it is closed, what was told last. */
	get tcpInfo(): TcpInfo | undefined {
		if (this.transport === "tcp" && !this.socket.closed) {
			this.#tcpInfo = readTcpInfo(this.socket) ?? this.#tcpInfo;
		}
		return this.#tcpInfo;
	}

	/** Opens the process that made the other end. */
	openPeerPidfd(options?: PidfdOptions): OwnedDescriptor {
		requirePeerCredentials(this.transport, "openPeerPidfd()");
		return openPeerPidfd(this.socket, options);
	}

	/** Parts the descriptor from this object, which is closed then: the socket returned is another one, with no tie to it. */
	part(): Socket {
		return Socket.fromFd(this.partFd());
	}

	/** As `part`, but leaves the bare descriptor to the caller. */
	partFd(): number {
		this.learnAddress();
		return this.socket.detachFd();
	}

	/** Has this end's address stay known when the descriptor goes. Never fails. */
	learnAddress(): void {
		try {
			void this.address;
		} catch {
			// Then it stays unknown.
		}
	}

	/** Closes the descriptor, after a last look at its name. Never fails. */
	close(): void {
		if (this.socket.closed) return;
		this.learnAddress();
		this.file?.remove();
		this.socket.close();
	}

	/** Closes the descriptor so that TCP answers the peer with a reset. */
	reset(): void {
		if (this.socket.closed) return;
		resetOnClose(this.socket.fd);
		this.close();
	}
}

/** Figures of a TCP socket, also of one that listens; undefined when the kernel does not tell them. */
export function readTcpInfo(socket: Socket): TcpInfo | undefined {
	try {
		return Object.freeze(socket.getOption("TCP_INFO"));
	} catch {
		return undefined;
	}
}

/** Has close(2) reset the connection, where there is such a thing, and throw away what is queued; SO_LINGER, socket(7). */
export function resetOnClose(fd: number): void {
	sys.setsockopt(fd, SOL_SOCKET, SO_LINGER, RESET_ON_CLOSE);
}
