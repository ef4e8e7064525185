/** From a `net.Socket` to a `Stream`: the connection goes on under a second descriptor, and Node closes its own without ending anything. */
import { Socket as NetSocket } from "node:net";
import { finished } from "node:stream";
import { type Known, requireBytes } from "../arguments.ts";
import {
	BusyError,
	ClosedError,
	InvalidTypeError,
	InvalidValueError,
	UnsupportedError,
} from "../errors.ts";
import { TRANSPORTS } from "../socket/transport.ts";
import { checkWait, supervise, WAIT, type WaitOptions } from "../socket/wait.ts";
import { Connection } from "../stream/connection.ts";
import { takeInherited } from "../stream/inherited.ts";
import { Stream } from "../stream/stream.ts";
import { sys } from "../sys/current.ts";
import { duplicateOf, isReferenced } from "./native-handle.ts";

/** Options of `fromNetSocket`. */
export interface FromNetSocketOptions extends WaitOptions {
	/** Bytes that somebody has read and not used, such as the `head` of an `upgrade` event: the stream begins with them. Copied. */
	readonly head?: Uint8Array | undefined;
}

const KNOWN: Known<FromNetSocketOptions> = {
	...WAIT,
	head: true,
};

/**
 * Makes a `Stream` of a `net.Socket`, which is destroyed then; its peer notices nothing. A socket that still connects is waited for, and so
 * are its writes. The stream begins with what Node had read and nobody has consumed. It is unreferenced if the socket was.
 *
 * @param socket of a TCP or Unix connection. When this rejects it is still yours, as it is then
 * @throws {UnsupportedError} a TLS socket, whose bytes on the wire are not those that it reads and writes; a terminal
 * @throws {BusyError} Node's HTTP has it
 * @throws {InvalidValueError} it has an encoding: its bytes have become text
 * @throws {ClosedError} it is destroyed, or was never connected
 * @throws {SyscallError} ENOTCONN: its peer has reset it, which Node has not told yet. EMFILE
 * @throws {TimeoutError | AbortError} it was not connected, or had not written everything, in time
 */
export async function fromNetSocket(
	socket: NetSocket,
	options: FromNetSocketOptions = {},
): Promise<Stream> {
	requireTakeable(socket);
	checkWait(options, KNOWN);
	const head = options.head && requireBytes("head", options.head);
	if (socket.connecting) await connected(socket, options);
	await written(socket, options);
	requireTakeable(socket);
	const fd = duplicateOf(socket, "The socket");
	try {
		return takeInherited(
			fd,
			(transport) => TRANSPORTS[transport].type === "stream",
			"it is no connection of byte streams",
			(taken, transport) => {
				const connection = new Connection(taken, transport);
				if (!isReferenced(socket)) taken.unref();
				const stream = new Stream(connection);
				if (socket.writableEnded) stream.restoreWriteEnd();
				stream.restore(takeUnread(socket, head));
				socket.destroy();
				return stream;
			},
		);
	} catch (error) {
		sys.close(fd);
		throw error;
	}
}

function requireTakeable(socket: NetSocket): void {
	if (!(socket instanceof NetSocket)) {
		throw new InvalidTypeError("socket", "a net.Socket", socket);
	}
	const { encrypted, parser } = socket as { encrypted?: boolean; parser?: unknown };
	if (encrypted === true) {
		throw new UnsupportedError(
			"taking over a TLS socket",
			"its bytes on the wire are encrypted; take over the socket below it before TLS begins",
		);
	}
	if (parser !== undefined && parser !== null) {
		throw new BusyError("Node's HTTP reads from this socket: take it over in an upgrade event");
	}
	if (socket.readableEncoding !== null) {
		throw new InvalidValueError("socket", "must have no encoding", socket.readableEncoding);
	}
	if (socket.destroyed) throw new ClosedError("The socket");
}

function connected(socket: NetSocket, options: WaitOptions): Promise<void> {
	return until(options, (resolve, reject) => {
		socket.once("connect", resolve).once("error", reject).once("close", reject);
		return () => socket.off("connect", resolve).off("error", reject).off("close", reject);
	});
}

// Node counts a write as done when the kernel has it.
async function written(socket: NetSocket, options: WaitOptions): Promise<void> {
	while (socket.writableCorked > 0) socket.uncork();
	if (socket.writableFinished || (!socket.writableEnded && socket.writableLength === 0)) return;
	await until(options, (resolve, reject) => {
		const settle = (error?: Error | null): void => (error ? reject(error) : resolve());
		if (socket.writableEnded) return finished(socket, { readable: false }, settle);
		socket.once("error", reject);
		socket.write(new Uint8Array(0), settle);
		return () => socket.off("error", reject);
	});
}

/** A wait for events of Node's; `begin` returns what ends listening for them. */
function until(
	options: WaitOptions,
	begin: (resolve: () => void, reject: (error?: unknown) => void) => () => unknown,
): Promise<void> {
	return new Promise((resolve, reject) => {
		let end: () => unknown = () => undefined;
		const release = supervise(options, (error) => {
			end();
			reject(error(0));
		});
		const over = (): void => {
			end();
			release?.();
		};
		end = begin(
			() => {
				over();
				resolve();
			},
			(error) => {
				over();
				reject(error instanceof Error ? error : new ClosedError("The socket"));
			},
		);
	});
}

// Its listeners are for a socket that reads no more: they would get bytes that go on elsewhere.
function takeUnread(socket: NetSocket, head: Uint8Array | undefined): Uint8Array {
	socket.unpipe();
	socket.removeAllListeners("data");
	socket.removeAllListeners("readable");
	socket.pause();
	const chunks: Uint8Array[] = head === undefined ? [] : [head];
	for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) chunks.push(chunk);
	return Buffer.concat(chunks);
}
