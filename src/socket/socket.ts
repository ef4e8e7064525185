/**
 * `Socket`: the calls of the man pages, each in three manners. `tryX` never waits and returns undefined when it would have to, `X` returns a
 * promise, `XSync` blocks this thread. Nothing here retries, buffers or loops over short counts: that is what the layer above is for.
 */
import { requireBytes, requireInteger } from "../arguments.ts";
import { check, TimeoutError } from "../errors.ts";
import {
	F_GETFL,
	F_SETFD,
	F_SETFL,
	FD_CLOEXEC,
	O_NONBLOCK,
	SOCK_CLOEXEC,
	SOCK_NONBLOCK,
} from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { EAGAIN } from "../sys/errno.ts";
import { connectNow, connectSync, connectWait } from "./connecting.ts";
import { Endpoint } from "./endpoint.ts";
import { familyNumber, type SocketFamily, type SocketType, typeNumber } from "./kind.ts";
import {
	decodeSocketAddress,
	encodeSocketAddress,
	SOCKADDR_BYTES_MAX,
	type SocketAddress,
} from "./sockaddr.ts";
import { targetOf } from "./target.ts";
import {
	type BlockOptions,
	type Direction,
	patience,
	PendingCall,
	type WaitOptions,
} from "./wait.ts";

/** Options of the receiving and sending calls. */
export interface TransferOptions extends WaitOptions {
	/** MSG_* bits of `socketry/sys`; MSG_DONTWAIT and MSG_NOSIGNAL are always set. Default 0. */
	readonly flags?: number | undefined;
}

/** Options of the blocking receiving and sending calls. */
export interface BlockTransferOptions extends BlockOptions {
	/** MSG_* bits of `socketry/sys`. Default 0. */
	readonly flags?: number | undefined;
}

/** What `recvfrom` tells. */
export interface Received {
	/** Bytes in the buffer. With MSG_TRUNC in the flags: the datagram's true length, which may exceed the buffer. */
	readonly bytes: number;
	/** The sender; the unnamed Unix address for a sender that has none. */
	readonly from: SocketAddress;
}

const DEFAULT_FLAGS = SOCK_CLOEXEC | SOCK_NONBLOCK;
const senderName = new Uint8Array(SOCKADDR_BYTES_MAX);

/** An open descriptor with the calls of the man pages. Made by `socket`, `socketpair`, `accept` or `Socket.fromFd`. */
export class Socket extends Endpoint {
	/**
	 * Takes over a descriptor and makes it non-blocking and close-on-exec. It need not be a socket: `read` and `write` work on any kind
	 * that epoll takes, which regular files are not.
	 *
	 * @param fd an open descriptor that nobody else closes
	 * @throws {SyscallError} EBADF: not open. EEXIST: another `Socket` of this thread owns it
	 */
	static fromFd(fd: number): Socket {
		requireInteger("fd", fd, 0, 2_147_483_647);
		const flags = check(sys.fcntl(fd, F_GETFL), "fcntl");
		if ((flags & O_NONBLOCK) === 0) check(sys.fcntl(fd, F_SETFL, flags | O_NONBLOCK), "fcntl");
		check(sys.fcntl(fd, F_SETFD, FD_CLOEXEC), "fcntl");
		return new Socket(fd, false);
	}

	/** @internal As `fromFd`, for a socket that this library has just made. */
	static adopt(fd: number): Socket {
		try {
			return new Socket(fd, true);
		} catch (error) {
			sys.close(fd);
			throw error;
		}
	}

	/** Takes a connection off the queue, or returns undefined when none waits. accept(2) */
	tryAccept(): Socket | undefined {
		const fd = this.#try("accept", () => sys.accept4(this.openFd(), null, DEFAULT_FLAGS));
		return fd === undefined ? undefined : Socket.adopt(fd);
	}

	/**
	 * Waits for a connection.
	 *
	 * @throws {SyscallError} EMFILE, ENFILE: no descriptor is free, the connection stays queued. ECONNABORTED: it is gone
	 * @throws {BusyError} another call waits to read from this socket
	 * @throws {ClosedError} closed meanwhile
	 * @see accept(2)
	 */
	async accept(options?: WaitOptions): Promise<Socket> {
		const attempt = (): number => sys.accept4(this.openFd(), null, DEFAULT_FLAGS);
		return Socket.adopt(await this.#wait("read", "accept", attempt, options));
	}

	/** Blocks until a connection comes. accept(2) */
	acceptSync(options?: BlockOptions): Socket {
		const [timeoutMs, spinUs] = patience(options);
		return Socket.adopt(
			this.#block(
				"accept",
				timeoutMs,
				sys.accept4(this.openFd(), null, DEFAULT_FLAGS, timeoutMs, spinUs),
			),
		);
	}

	/**
	 * Begins to connect. Returns true when connected, undefined when it goes on in the background: `connect` again waits for the end.
	 *
	 * @throws {SyscallError} ECONNREFUSED, ENOENT and others
	 * @see connect(2)
	 */
	tryConnect(address: SocketAddress): true | undefined {
		return connectNow(this.openFd(), address);
	}

	/**
	 * Connects. A datagram socket only remembers the address. After a failure the socket is good for nothing but `close`.
	 *
	 * @throws {SyscallError} ECONNREFUSED, ETIMEDOUT, ENETUNREACH, ENOENT, EACCES and others
	 * @see connect(2)
	 */
	connect(address: SocketAddress, options?: WaitOptions): Promise<void> {
		return connectWait(this, address, options);
	}

	/** Connects and blocks meanwhile. connect(2) */
	connectSync(address: SocketAddress, options?: BlockOptions): void {
		connectSync(this.openFd(), address, options);
	}

	/** Reads what is there, up to the buffer's length; 0 is the end; undefined when nothing is there yet. read(2) */
	tryRead(buffer: Uint8Array): number | undefined {
		const bytes = requireBytes("buffer", buffer);
		return this.#try("read", () => sys.read(this.openFd(), bytes, 0, bytes.length));
	}

	/** Waits for something to read. @param buffer borrowed until the promise settles. @see read(2) */
	async read(buffer: Uint8Array, options?: WaitOptions): Promise<number> {
		const bytes = requireBytes("buffer", buffer);
		return await this.#wait(
			"read",
			"read",
			() => sys.read(this.openFd(), bytes, 0, bytes.length),
			options,
		);
	}

	/** Blocks until there is something to read. read(2) */
	readSync(buffer: Uint8Array, options?: BlockOptions): number {
		const bytes = requireBytes("buffer", buffer);
		const [timeoutMs, spinUs] = patience(options);
		return this.#block(
			"read",
			timeoutMs,
			sys.read(this.openFd(), bytes, 0, bytes.length, timeoutMs, spinUs),
		);
	}

	/** Writes as much as fits now, which can be less than given; undefined when nothing fits. write(2) */
	tryWrite(data: Uint8Array): number | undefined {
		const bytes = requireBytes("data", data);
		return this.#try("write", () => sys.write(this.openFd(), bytes, 0, bytes.length));
	}

	/** Waits until something fits. Resolves to the bytes written, which can be less than given. @param data borrowed until the promise settles. @see write(2) */
	async write(data: Uint8Array, options?: WaitOptions): Promise<number> {
		const bytes = requireBytes("data", data);
		return await this.#wait(
			"write",
			"write",
			() => sys.write(this.openFd(), bytes, 0, bytes.length),
			options,
		);
	}

	/** Blocks until something fits. write(2) */
	writeSync(data: Uint8Array, options?: BlockOptions): number {
		const bytes = requireBytes("data", data);
		const [timeoutMs, spinUs] = patience(options);
		return this.#block(
			"write",
			timeoutMs,
			sys.write(this.openFd(), bytes, 0, bytes.length, timeoutMs, spinUs),
		);
	}

	/** Receives what is there, or one message; undefined when nothing is there. recv(2) */
	tryRecv(buffer: Uint8Array, flags = 0): number | undefined {
		const bytes = requireBytes("buffer", buffer);
		return this.#try("recv", () => sys.recv(this.openFd(), bytes, 0, bytes.length, flags));
	}

	/** Waits for bytes or one message. 0 is the end of a stream, or an empty message. @param buffer borrowed until the promise settles. @see recv(2) */
	async recv(buffer: Uint8Array, options?: TransferOptions): Promise<number> {
		const bytes = requireBytes("buffer", buffer);
		const flags = options?.flags ?? 0;
		return await this.#wait(
			"read",
			"recv",
			() => sys.recv(this.openFd(), bytes, 0, bytes.length, flags),
			options,
		);
	}

	/** Blocks until bytes or a message come. recv(2) */
	recvSync(buffer: Uint8Array, options?: BlockTransferOptions): number {
		const bytes = requireBytes("buffer", buffer);
		const [timeoutMs, spinUs] = patience(options);
		const flags = options?.flags ?? 0;
		return this.#block(
			"recv",
			timeoutMs,
			sys.recv(this.openFd(), bytes, 0, bytes.length, flags, timeoutMs, spinUs),
		);
	}

	/** Sends as much as fits now, or one message; undefined when it does not fit. send(2) */
	trySend(data: Uint8Array, flags = 0): number | undefined {
		const bytes = requireBytes("data", data);
		return this.#try("send", () => sys.send(this.openFd(), bytes, 0, bytes.length, flags));
	}

	/** Waits until something fits, or one message. Resolves to the bytes sent. @param data borrowed until the promise settles. @see send(2) */
	async send(data: Uint8Array, options?: TransferOptions): Promise<number> {
		const bytes = requireBytes("data", data);
		const flags = options?.flags ?? 0;
		return await this.#wait(
			"write",
			"send",
			() => sys.send(this.openFd(), bytes, 0, bytes.length, flags),
			options,
		);
	}

	/** Blocks until something fits, or one message. send(2) */
	sendSync(data: Uint8Array, options?: BlockTransferOptions): number {
		const bytes = requireBytes("data", data);
		const [timeoutMs, spinUs] = patience(options);
		const flags = options?.flags ?? 0;
		return this.#block(
			"send",
			timeoutMs,
			sys.send(this.openFd(), bytes, 0, bytes.length, flags, timeoutMs, spinUs),
		);
	}

	/** Receives one message and its sender; undefined when none is there. recvfrom(2) */
	tryRecvfrom(buffer: Uint8Array, flags = 0): Received | undefined {
		const bytes = requireBytes("buffer", buffer);
		const count = this.#try("recvfrom", () =>
			sys.recvfrom(this.openFd(), bytes, 0, bytes.length, flags, senderName),
		);
		return count === undefined ? undefined : received(count);
	}

	/** Waits for one message. @param buffer borrowed until the promise settles. @see recvfrom(2) */
	async recvfrom(buffer: Uint8Array, options?: TransferOptions): Promise<Received> {
		const bytes = requireBytes("buffer", buffer);
		const flags = options?.flags ?? 0;
		// The name is decoded within the attempt: the next call of any socket overwrites it.
		let from: SocketAddress | undefined;
		const attempt = (): number => {
			const rc = sys.recvfrom(this.openFd(), bytes, 0, bytes.length, flags, senderName);
			if (rc >= 0) from = received(rc).from;
			return rc;
		};
		const count = await this.#wait("read", "recvfrom", attempt, options);
		return { bytes: count, from: from as SocketAddress };
	}

	/** Blocks until a message comes. recvfrom(2) */
	recvfromSync(buffer: Uint8Array, options?: BlockTransferOptions): Received {
		const bytes = requireBytes("buffer", buffer);
		const [timeoutMs, spinUs] = patience(options);
		const flags = options?.flags ?? 0;
		const rc = sys.recvfrom(
			this.openFd(),
			bytes,
			0,
			bytes.length,
			flags,
			senderName,
			timeoutMs,
			spinUs,
		);
		return received(this.#block("recvfrom", timeoutMs, rc));
	}

	/** Sends one message to an address; undefined when it does not fit now. sendto(2) */
	trySendto(data: Uint8Array, to: SocketAddress, flags = 0): number | undefined {
		const bytes = requireBytes("data", data);
		const name = encodeSocketAddress(to);
		return this.#try(
			"sendto",
			() => sys.sendto(this.openFd(), bytes, 0, bytes.length, flags, name),
			to,
		);
	}

	/** Waits until one message fits. @param data borrowed until the promise settles. @see sendto(2) */
	async sendto(data: Uint8Array, to: SocketAddress, options?: TransferOptions): Promise<number> {
		const bytes = requireBytes("data", data);
		const flags = options?.flags ?? 0;
		const name = encodeSocketAddress(to);
		const attempt = (): number => sys.sendto(this.openFd(), bytes, 0, bytes.length, flags, name);
		return await this.#wait("write", "sendto", attempt, options, to);
	}

	/** Blocks until one message fits. sendto(2) */
	sendtoSync(data: Uint8Array, to: SocketAddress, options?: BlockTransferOptions): number {
		const bytes = requireBytes("data", data);
		const [timeoutMs, spinUs] = patience(options);
		const flags = options?.flags ?? 0;
		const rc = sys.sendto(
			this.openFd(),
			bytes,
			0,
			bytes.length,
			flags,
			encodeSocketAddress(to),
			timeoutMs,
			spinUs,
		);
		return this.#block("sendto", timeoutMs, rc, to);
	}

	#try(syscall: string, attempt: () => number, to?: SocketAddress): number | undefined {
		const rc = attempt();
		return rc === EAGAIN ? undefined : check(rc, syscall, to && targetOf(to));
	}

	#wait(
		direction: Direction,
		syscall: string,
		attempt: () => number,
		options: WaitOptions | undefined,
		to?: SocketAddress,
	): Promise<number> {
		return new PendingCall(this.descriptor, direction, syscall, attempt, to && targetOf(to)).run(
			options,
		);
	}

	#block(syscall: string, timeoutMs: number, rc: number, to?: SocketAddress): number {
		if (rc === EAGAIN) throw new TimeoutError(timeoutMs);
		return check(rc, syscall, to && targetOf(to));
	}
}

function received(bytes: number): Received {
	return { bytes, from: decodeSocketAddress(senderName, sys.out[0]) };
}

/**
 * Makes a socket.
 *
 * @param protocol 0 for the usual one; `IPPROTO_MPTCP` for Multipath TCP
 * @throws {SyscallError} EAFNOSUPPORT, EPROTONOSUPPORT: this kernel has no such kind. EMFILE, ENFILE
 * @see socket(2)
 */
export function socket(family: SocketFamily, type: SocketType, protocol = 0): Socket {
	requireInteger("protocol", protocol, 0, 2_147_483_647);
	const flags = typeNumber(type) | DEFAULT_FLAGS;
	return Socket.adopt(check(sys.socket(familyNumber(family), flags, protocol), "socket"));
}

/**
 * Makes two Unix sockets that are connected with each other.
 *
 * @see socketpair(2)
 */
export function socketpair(type: SocketType = "stream"): [Socket, Socket] {
	const pair = new Int32Array(2);
	const flags = typeNumber(type) | DEFAULT_FLAGS;
	check(sys.socketpair(familyNumber("unix"), flags, 0, pair), "socketpair");
	const [first, second] = pair as unknown as [number, number];
	let left: Socket | undefined;
	try {
		left = Socket.adopt(first);
		return [left, Socket.adopt(second)];
	} catch (error) {
		if (left === undefined) sys.close(second);
		left?.close();
		throw error;
	}
}
