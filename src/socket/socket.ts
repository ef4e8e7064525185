/**
 * `Socket`: the calls of the man pages, each in three manners. `tryX` never waits and returns undefined when it would have to, `X` returns a
 * promise, `XSync` blocks this thread. Nothing here retries, buffers or loops over short counts: that is what the layer above is for.
 */
import { type Known, requireInteger } from "../arguments.ts";
import { check } from "../errors.ts";
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
import { blockCall, tryCall, waitCall } from "./calls.ts";
import { connectNow, connectSync, connectWait } from "./connecting.ts";
import { familyNumber, type SocketFamily, type SocketType, typeNumber } from "./kind.ts";
import {
	MessageCall,
	type MessageOptions,
	RECEIVE_MESSAGE,
	type ReceivedMessage,
	SEND_MESSAGE,
	type SendMessageOptions,
	sendCall,
} from "./message-call.ts";
import type { SocketAddress } from "./sockaddr.ts";
import { Transfers } from "./transfers.ts";
import { BLOCK, type BlockOptions, patience, WAIT, type WaitOptions } from "./wait.ts";

const RECVMSG: Known<MessageOptions & WaitOptions> = { ...WAIT, ...RECEIVE_MESSAGE };
const RECVMSG_SYNC: Known<MessageOptions & BlockOptions> = { ...BLOCK, ...RECEIVE_MESSAGE };
const SENDMSG: Known<SendMessageOptions & WaitOptions> = { ...WAIT, ...SEND_MESSAGE };
const SENDMSG_SYNC: Known<SendMessageOptions & BlockOptions> = { ...BLOCK, ...SEND_MESSAGE };
const DEFAULT_FLAGS = SOCK_CLOEXEC | SOCK_NONBLOCK;

/** An open descriptor with the calls of the man pages. Made by `socket`, `socketpair`, `accept` or `Socket.fromFd`. */
export class Socket extends Transfers {
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
			sys.close(fd, 1);
			throw error;
		}
	}

	/**
	 * Takes a connection off the queue, or returns undefined when none waits.
	 *
	 * @throws as `accept`, which could wait
	 * @see accept(2)
	 */
	tryAccept(): Socket | undefined {
		const fd = tryCall("accept", () => sys.accept4(this.openFd(), null, DEFAULT_FLAGS));
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
		return Socket.adopt(await waitCall(this, "read", "accept", attempt, options));
	}

	/**
	 * Blocks until a connection comes.
	 *
	 * @throws {TimeoutError} none came in time
	 * @throws as `accept`
	 * @see accept(2)
	 */
	acceptSync(options?: BlockOptions): Socket {
		const [timeoutMs, spinUs] = patience(options);
		return Socket.adopt(
			blockCall(
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

	/**
	 * Connects and blocks meanwhile.
	 *
	 * @throws {TimeoutError} not in time; the socket is good for nothing but `close`
	 * @throws as `connect`
	 * @see connect(2)
	 */
	connectSync(address: SocketAddress, options?: BlockOptions): void {
		connectSync(this.openFd(), address, options);
	}

	/**
	 * Receives one message, or bytes, with the control messages that come along; undefined when nothing is there.
	 *
	 * @param buffers filled one after the other; 64 at the most
	 * @throws {SyscallError} ECONNRESET, ECONNREFUSED: what the kernel has to tell of the peer
	 * @throws {ClosedError} the socket is closed
	 * @see recvmsg(2), cmsg(3)
	 */
	tryRecvmsg(
		buffers: readonly Uint8Array[],
		options?: MessageOptions,
	): ReceivedMessage | undefined {
		const call = new MessageCall(this, buffers, options);
		return tryCall("recvmsg", () => call.receive()) === undefined ? undefined : call.message();
	}

	/**
	 * Waits for one message, or bytes, with the control messages that come along.
	 *
	 * @param buffers borrowed until the promise settles
	 * @throws {BusyError} another call waits to read from this socket
	 * @throws {AbortError | TimeoutError} nothing came in time, and nothing was taken
	 * @throws as `tryRecvmsg`
	 * @see recvmsg(2), cmsg(3)
	 */
	async recvmsg(
		buffers: readonly Uint8Array[],
		options?: MessageOptions & WaitOptions,
	): Promise<ReceivedMessage> {
		const call = new MessageCall(this, buffers, options, RECVMSG);
		const receive = (): number => call.receive();
		await waitCall(this, "read", "recvmsg", receive, options, undefined, RECVMSG);
		return call.message();
	}

	/**
	 * Blocks until a message comes.
	 *
	 * @throws {TimeoutError} none came in time
	 * @throws as `tryRecvmsg`
	 * @see recvmsg(2), cmsg(3)
	 */
	recvmsgSync(
		buffers: readonly Uint8Array[],
		options?: MessageOptions & BlockOptions,
	): ReceivedMessage {
		const call = new MessageCall(this, buffers, options, RECVMSG_SYNC);
		const [timeoutMs, spinUs] = patience(options, RECVMSG_SYNC);
		blockCall("recvmsg", timeoutMs, call.receive(timeoutMs, spinUs));
		return call.message();
	}

	/**
	 * Sends what the buffers hold as one message, with control messages; undefined when it does not fit now.
	 *
	 * @returns bytes sent; on a stream they may be fewer than there were
	 * @throws {SyscallError} EPIPE, ECONNRESET: the peer is gone. EMSGSIZE: too long a message. EPERM: these credentials cannot be claimed
	 * @throws {ClosedError} the socket is closed
	 * @see sendmsg(2), cmsg(3)
	 */
	trySendmsg(buffers: readonly Uint8Array[], options?: SendMessageOptions): number | undefined {
		const send = sendCall(this, buffers, options);
		return tryCall("sendmsg", send, options?.to);
	}

	/**
	 * Waits until what the buffers hold fits, or a part of it on a stream. Resolves to the bytes sent.
	 *
	 * @param buffers borrowed until the promise settles; 64 at the most
	 * @throws {BusyError} another call waits to write to this socket
	 * @throws {AbortError | TimeoutError} it did not fit in time, and nothing was sent
	 * @throws as `trySendmsg`
	 * @see sendmsg(2), cmsg(3)
	 */
	async sendmsg(
		buffers: readonly Uint8Array[],
		options?: SendMessageOptions & WaitOptions,
	): Promise<number> {
		const send = sendCall(this, buffers, options, SENDMSG);
		return await waitCall(this, "write", "sendmsg", send, options, options?.to, SENDMSG);
	}

	/**
	 * Blocks until it fits.
	 *
	 * @throws {TimeoutError} it did not fit in time, and nothing was sent
	 * @throws as `trySendmsg`
	 * @see sendmsg(2), cmsg(3)
	 */
	sendmsgSync(buffers: readonly Uint8Array[], options?: SendMessageOptions & BlockOptions): number {
		const [timeoutMs, spinUs] = patience(options, SENDMSG_SYNC);
		const rc = sendCall(this, buffers, options, SENDMSG_SYNC)(timeoutMs, spinUs);
		return blockCall("sendmsg", timeoutMs, rc, options?.to);
	}
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
 * @throws {InvalidValueError} no such type
 * @throws {SyscallError} EMFILE, ENFILE: no descriptors are free
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
