/** From a `Stream` to a genuine `net.Socket`: the descriptor goes over to libuv, and Node's native paths (TLS, HTTP) run on it. */

import { Socket as NetSocket, type SocketConstructorOpts } from "node:net";
import { type Known, requireBoolean, requireInteger, requireOptions } from "../arguments.ts";
import { InvalidTypeError } from "../errors.ts";
import type { Socket } from "../socket/socket.ts";
import { WAIT, type WaitOptions } from "../socket/wait.ts";
import { Stream } from "../stream/stream.ts";
import { IPPROTO_TCP, SO_KEEPALIVE, SOL_SOCKET, TCP_NODELAY } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { requireNative } from "./native-handle.ts";

/** Options of `toNetSocket`. */
export interface NetSocketOptions {
	/** Whether the peer's end leaves writing open. Default false, as for every `net.Socket`: writing ends too. */
	readonly allowHalfOpen?: boolean | undefined;
	/** Bytes that Node buffers in each direction before it asks to wait, 0..2147483647. Default Node's own. */
	readonly highWaterMark?: number | undefined;
}

const KNOWN: Known<NetSocketOptions & WaitOptions> = {
	...WAIT,
	allowHalfOpen: true,
	highWaterMark: true,
};

const INT32_MAX = 2_147_483_647;
const flag = new Uint8Array(4);

/**
 * Makes a genuine `net.Socket` of a stream, which is closed then. Writes that are queued go out first; what was read ahead is what the
 * `net.Socket` reads first. It is unreferenced if the stream was, and knows whether writing has ended.
 *
 * @param stream TCP or Unix. When this rejects it is still open and yours
 * @param options a time limit or a signal is for the queued writes
 * @throws {BusyError} a read is pending
 * @throws {ClosedError} the stream is closed
 * @throws {UnsupportedError} a vsock stream
 * @throws {SyscallError} queued writes failed: EPIPE, ECONNRESET
 * @throws {TimeoutError | AbortError} the peer did not take the queued writes in time
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} it is no stream, or an option is wrong or unknown
 */
export async function toNetSocket(
	stream: Stream,
	options: NetSocketOptions & WaitOptions = {},
): Promise<NetSocket> {
	if (!(stream instanceof Stream)) throw new InvalidTypeError("stream", "a Stream", stream);
	requireNative(stream.transport, "net.Socket");
	const {
		signal,
		timeoutMs,
		allowHalfOpen = false,
		highWaterMark,
	} = requireOptions(options, KNOWN);
	// Node's own complaint would come when the stream is closed already.
	requireBoolean("allowHalfOpen", allowHalfOpen);
	requireInteger("highWaterMark", highWaterMark ?? 0, 0, INT32_MAX);
	await (stream.writeEnded ? stream.closeWrite() : stream.flush({ signal, timeoutMs }));
	return netSocketOver(stream, options);
}

/**
 * The same for a stream without queued writes.
 *
 * @throws {BusyError} a read is pending, or writes are queued
 */
export function netSocketOver(stream: Stream, options: NetSocketOptions): NetSocket {
	const { referenced } = stream.socket.descriptor;
	const settings = settingsOf(stream.socket);
	const { writeEnded } = stream;
	const { fd, file, unread } = stream.release();
	const { allowHalfOpen = false, highWaterMark } = options;
	let made: NetSocket;
	try {
		made = new NetSocket({
			fd,
			allowHalfOpen,
			...(writeEnded && { writable: false }),
			...(highWaterMark !== undefined && { highWaterMark }),
			...settings,
		} as SocketConstructorOpts);
	} catch (error) {
		sys.close(fd);
		throw error;
	}
	// The constructor has asked for input, but none comes within this turn of the loop.
	if (unread.length > 0) made.unshift(unread);
	if (!referenced) made.unref();
	if (file !== undefined) made.once("close", () => file.remove());
	return made;
}

// Node makes no system call for a setting that it believes to be in force: so it has to know.
function settingsOf(socket: Socket): { readonly noDelay: boolean; readonly keepAlive: boolean } {
	const isOn = (level: number, name: number): boolean =>
		sys.getsockopt(socket.fd, level, name, flag) > 0 && flag.some((byte) => byte !== 0);
	return { noDelay: isOn(IPPROTO_TCP, TCP_NODELAY), keepAlive: isOn(SOL_SOCKET, SO_KEEPALIVE) };
}
