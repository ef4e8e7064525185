/** What can be passed to another process: from any object that has a descriptor to its number, or to its ownership. */
import type { Socket as DatagramSocket } from "node:dgram";
import type { Socket as NodeSocket, Server } from "node:net";
import {
	BusyError,
	ClosedError,
	check,
	InvalidTypeError,
	InvalidValueError,
	OutOfRangeError,
} from "../errors.ts";
import { F_GETFD } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { OwnedDescriptor } from "./owned-descriptor.ts";

/** An object with a descriptor number of its own, -1 once it is closed: `Socket`, `OwnedDescriptor`, `FileHandle` of Node. */
export interface HasDescriptor {
	readonly fd: number;
}

/** An object over a socket: `Stream`, `PacketStream`, `Listener`, `Datagrams`. */
export interface HasSocket {
	readonly socket: HasDescriptor;
}

/** What has a descriptor to pass. It stays open and its owner's: the other process gets a duplicate. */
export type Passable = number | HasDescriptor | HasSocket | NodeSocket | Server | DatagramSocket;

const EXPECTED = "a descriptor number, or an open object that has one";
const INT_MAX = 2_147_483_647;

/** Something whose ownership goes with a message; made by `give`. */
export class Given {
	/** @internal */
	readonly from: Passable;

	/** @internal */
	constructor(from: Passable) {
		this.from = from;
	}
}

/**
 * Marks what is passed as given away: it is closed here when the call that it is passed to begins, whatever becomes of the message. Only a call
 * that is wrong in itself leaves it as it was, and so does a stream with bytes that were read ahead or are queued, which would be lost.
 *
 * What is not marked is duplicated: it stays open, and may be closed as soon as the call has returned, before its promise has settled.
 */
export function give(descriptor: Passable): Given {
	descriptorOf("descriptor", descriptor);
	return new Given(descriptor);
}

/**
 * Finds the descriptor of something that is open.
 *
 * @param name of the argument, for the error
 * @throws {ClosedError} it is closed
 * @throws {InvalidTypeError} it has no descriptor
 * @throws {SyscallError} EBADF: the number is no open descriptor
 */
export function descriptorOf(name: string, from: Passable): number {
	const fd = numberOf(from);
	if (fd === undefined) throw new InvalidTypeError(name, EXPECTED, from);
	if (typeof from === "number") {
		if (!Number.isInteger(fd) || fd < 0 || fd > INT_MAX) {
			throw new OutOfRangeError(name, `an integer from 0 to ${INT_MAX}`, from);
		}
	} else if (fd < 0) throw new ClosedError(name);
	check(sys.fcntl(fd, F_GETFD), "fcntl");
	return fd;
}

/**
 * Takes the descriptor of something that is open, which is closed by that.
 *
 * @throws {BusyError} bytes are queued or were read ahead: they would be lost. It stays open
 * @throws {InvalidTypeError} nothing says how it is closed. It stays open
 * @throws as `descriptorOf`
 */
export function takeDescriptor(name: string, from: Passable): OwnedDescriptor {
	const fd = descriptorOf(name, from);
	if (typeof from === "number") return OwnedDescriptor.fromFd(fd);
	if (hasMethod(from, "detachFd")) return OwnedDescriptor.adopt(from.detachFd() as number);
	if (hasMethod(from, "detach")) {
		const detached = from.detach() as { detachFd(): number };
		return OwnedDescriptor.adopt(detached.detachFd());
	}
	const close = closerOf(name, from);
	const taken = OwnedDescriptor.adopt(check(sys.dup(fd), "fcntl"));
	close();
	return taken;
}

// undefined for what has none, less than 0 for what is closed.
function numberOf(from: unknown): number | undefined {
	if (typeof from === "number") return from;
	if (typeof from !== "object" || from === null) return undefined;
	const { fd, socket } = from as { fd?: unknown; socket?: { fd?: unknown } };
	if (typeof fd === "number") return fd;
	if (typeof socket?.fd === "number") return socket.fd;
	return isOfNode(from) ? (handleOf(from)?.fd ?? -1) : undefined;
}

interface Handle {
	readonly fd?: number;
}

// dgram keeps its handle behind a symbol; its _handle warns whoever looks at it.
function handleOf(from: object): Handle | null | undefined {
	const symbol = stateSymbolOf(from);
	if (symbol === undefined) return (from as { _handle?: Handle | null })._handle;
	return (from as Record<symbol, { handle?: Handle | null }>)[symbol]?.handle;
}

function stateSymbolOf(from: object): symbol | undefined {
	return Object.getOwnPropertySymbols(from).find(
		({ description }) => description === "state symbol",
	);
}

function isOfNode(from: object): boolean {
	return stateSymbolOf(from) !== undefined || "_handle" in from;
}

// How an object that cannot be parted from its descriptor is closed, once there is a duplicate.
function closerOf(name: string, from: object): () => void {
	if (hasMethod(from, "destroySoon") && hasMethod(from, "destroy")) {
		const { readableLength, writableLength } = from as unknown as NodeSocket;
		if (readableLength > 0 || writableLength > 0) {
			throw new BusyError(
				`${name} has bytes that are queued or were read ahead: they would be lost`,
			);
		}
		return () => from.destroy();
	}
	if (!hasMethod(from, "close") || "socket" in from) {
		const expected = "something that can be closed; give its number if that is all there is";
		throw new InvalidTypeError(name, expected, from);
	}
	if (isServerWithFile(from)) {
		const why =
			"must not listen on a path, for Node removes the file with it; pass it without give()";
		throw new InvalidValueError(name, why, from);
	}
	return () => {
		// A FileHandle closes by promise. The duplicate is what counts.
		const closing = from.close();
		if (closing instanceof Promise) closing.catch(() => {});
	};
}

// libuv removes the file when the handle closes.
function isServerWithFile(from: object): boolean {
	if (!("listening" in from) || !hasMethod(from, "address")) return false;
	const address = from.address();
	return typeof address === "string" && !address.startsWith("\0");
}

function hasMethod<Name extends string>(
	from: object,
	name: Name,
): from is object & Record<Name, () => unknown> {
	return typeof (from as Record<string, unknown>)[name] === "function";
}
