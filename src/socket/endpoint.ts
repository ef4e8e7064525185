/** What every socket has besides its transfers: a descriptor, names, options, an end. */
import { requireBytes, requireInteger, requireOneOf } from "../arguments.ts";
import { ClosedError, check } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { SHUT_RD, SHUT_RDWR, SHUT_WR, SO_DOMAIN, SO_TYPE, SOL_SOCKET } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { Descriptor } from "./descriptor.ts";
import { farewell, type Observed } from "./diagnostics.ts";
import { closeForgotten, keep } from "./forgotten.ts";
import { familyName, type SocketFamily, type SocketType, typeName } from "./kind.ts";
import { getOption, setOption } from "./option.ts";
import type {
	OptionInput,
	OptionValue,
	ReadableOptionName,
	WritableOptionName,
} from "./option-table.ts";
import {
	decodeSocketAddress,
	encodeSocketAddress,
	SOCKADDR_BYTES_MAX,
	type SocketAddress,
} from "./sockaddr.ts";
import { targetOf } from "./target.ts";

/** Directions of `shutdown`. */
export type ShutdownHow = "read" | "write" | "both";

const SHUTDOWN: Readonly<Record<ShutdownHow, number>> = {
	read: SHUT_RD,
	write: SHUT_WR,
	both: SHUT_RDWR,
};

const INT32_MIN = -2_147_483_648;
const INT32_MAX = 2_147_483_647;
const scratch = new Uint8Array(SOCKADDR_BYTES_MAX);

/** A descriptor with the calls that never wait. Base of `Socket`. */
export class Endpoint {
	/** @internal The descriptor, for the layers above. */
	readonly descriptor: Descriptor;
	/** @internal The object of a layer above that it belongs to. */
	observed: Observed | undefined;

	/** @param fd taken: it is closed by `close()`, when this object is collected, or with the thread */
	protected constructor(fd: number, fresh: boolean) {
		this.descriptor = new Descriptor(fd, fresh);
		closeForgotten(this);
	}

	/** The descriptor's number while it is open, or -1. Borrowed: never close it by number. */
	get fd(): number {
		return this.descriptor.fd;
	}

	/** Whether it was closed or given away. */
	get closed(): boolean {
		return this.descriptor.fd < 0;
	}

	/** The address family, undefined for one that the library does not know; SO_DOMAIN, socket(7). */
	get family(): SocketFamily | undefined {
		return familyName(getInteger(this, SOL_SOCKET, SO_DOMAIN));
	}

	/** The type, undefined for one that the library does not know; SO_TYPE, socket(7). */
	get type(): SocketType | undefined {
		return typeName(getInteger(this, SOL_SOCKET, SO_TYPE));
	}

	/**
	 * Names the socket. A Unix address without path or name has the kernel choose an abstract one (autobind).
	 *
	 * @throws {SyscallError} EADDRINUSE, EACCES, EADDRNOTAVAIL, or EINVAL for a second bind
	 * @see bind(2)
	 */
	bind(address: SocketAddress): void {
		const rc = sys.bind(this.openFd(), encodeSocketAddress(address));
		check(rc, "bind", targetOf(address));
	}

	/**
	 * Takes connections from now on.
	 *
	 * @param backlog connections that may wait, 0..2147483647; the kernel cuts it to net.core.somaxconn. Default 511
	 * @throws {SyscallError} EADDRINUSE. ENOTSUP: a datagram socket, which does not listen
	 * @see listen(2)
	 */
	listen(backlog: number = LIMITS.backlogCount): void {
		check(sys.listen(this.openFd(), requireInteger("backlog", backlog, 0, INT32_MAX)), "listen");
	}

	/**
	 * This end's address.
	 *
	 * @throws {ClosedError} the socket is closed
	 * @see getsockname(2)
	 */
	getsockname(): SocketAddress {
		const length = check(sys.getsockname(this.openFd(), scratch), "getsockname");
		return decodeSocketAddress(scratch, length);
	}

	/**
	 * The other end's address.
	 *
	 * @throws {SyscallError} ENOTCONN
	 * @see getpeername(2)
	 */
	getpeername(): SocketAddress {
		const length = check(sys.getpeername(this.openFd(), scratch), "getpeername");
		return decodeSocketAddress(scratch, length);
	}

	/**
	 * Reads an option by its kernel name, such as `"SO_RCVBUF"` or `"TCP_INFO"`.
	 *
	 * @throws {UnsupportedError} this kernel or this kind of socket does not have it
	 * @see getsockopt(2), socket(7), tcp(7), ip(7), ipv6(7), udp(7), unix(7)
	 */
	getOption<Name extends ReadableOptionName>(name: Name): OptionValue<Name> {
		return getOption(this, name);
	}

	/**
	 * Sets an option by its kernel name.
	 *
	 * @throws {UnsupportedError} this kernel or this kind of socket does not have it
	 * @throws {OutOfRangeError} the value does not fit the option
	 * @throws {SyscallError} EPERM, EINVAL: the kernel refuses
	 * @see setsockopt(2)
	 */
	setOption<Name extends WritableOptionName>(name: Name, value: OptionInput<Name>): void {
		setOption(this, name, value);
	}

	/**
	 * Reads any option as bytes.
	 *
	 * @param length room for the value, 0..65536 bytes
	 * @returns the value as long as the kernel made it
	 * @throws {SyscallError} ENOPROTOOPT: this kernel or kind of socket has no such option
	 * @see getsockopt(2)
	 */
	getsockopt(level: number, name: number, length: number): Uint8Array {
		const value = new Uint8Array(requireInteger("length", length, 0, 65_536));
		requireInt("level", level);
		requireInt("name", name);
		const rc = sys.getsockopt(this.openFd(), level, name, value);
		return value.subarray(0, check(rc, "getsockopt"));
	}

	/**
	 * Sets any option from bytes.
	 *
	 * @throws {SyscallError} ENOPROTOOPT, EINVAL, EPERM
	 * @see setsockopt(2)
	 */
	setsockopt(level: number, name: number, value: Uint8Array): void {
		const bytes = requireBytes("value", value);
		requireInt("level", level);
		requireInt("name", name);
		check(sys.setsockopt(this.openFd(), level, name, bytes), "setsockopt");
	}

	/**
	 * Ends reading, writing or both; the descriptor stays open.
	 *
	 * @throws {SyscallError} ENOTCONN
	 * @see shutdown(2)
	 */
	shutdown(how: ShutdownHow): void {
		const number = SHUTDOWN[requireOneOf("how", how, ["read", "write", "both"])];
		check(sys.shutdown(this.openFd(), number), "shutdown");
	}

	/** Lets pending waits keep the process alive; the default. */
	ref(): this {
		this.descriptor.refer(true);
		return this;
	}

	/** Lets the process end although waits are pending. */
	unref(): this {
		this.descriptor.refer(false);
		return this;
	}

	/**
	 * Has the event loop poll for `us` microseconds after each event of this socket, instead of going to sleep: a wake-up across
	 * processors costs tens of microseconds, polling costs one processor.
	 *
	 * @param us microseconds, 0..1000000; 0 turns it off
	 * @throws {OutOfRangeError} `us` is outside of that
	 * @throws {ClosedError} the socket is closed
	 */
	busyPoll(us: number): void {
		this.openFd();
		this.descriptor.spin(requireInteger("us", us, 0, 1_000_000));
	}

	/**
	 * Gives the descriptor away, open and non-blocking; this object is closed then and pending calls reject with `ClosedError`.
	 *
	 * @returns the number; whoever takes it closes it
	 */
	detachFd(): number {
		const tell = this.closed ? undefined : farewell(this, "detached");
		keep(this);
		const fd = this.descriptor.release();
		tell?.();
		return fd;
	}

	/** Closes the descriptor at once; pending calls reject with `ClosedError`. A second call does nothing. close(2) */
	close(): void {
		const tell = this.closed ? undefined : farewell(this, "closed");
		keep(this);
		this.descriptor.close();
		tell?.();
	}

	/** As `close()`. */
	[Symbol.dispose](): void {
		this.close();
	}

	/** As `close()`. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.close();
	}

	/**
	 * @internal The number of an open descriptor.
	 * @throws {ClosedError} it is closed
	 */
	openFd(): number {
		const fd = this.descriptor.fd;
		if (fd < 0) throw new ClosedError();
		return fd;
	}
}

function getInteger(endpoint: Endpoint, level: number, name: number): number {
	const value = endpoint.getsockopt(level, name, 4);
	return new DataView(value.buffer).getInt32(0, true);
}

function requireInt(name: string, value: unknown): number {
	return requireInteger(name, value, INT32_MIN, INT32_MAX);
}
