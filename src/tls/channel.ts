/**
 * TLS of Node's over a stream of ours. The bytes on the wire take this library's own path, through a `Duplex`, rather than that of a `net.Socket`.
 * That costs some microseconds a message (docs/tls.md has figures). In return it takes any stream, closing loses nothing, and it alone tells a
 * connection that was cut off from one that was ended: Node reports both as an end, but here it is known whether the end of the stream
 * below came first.
 */
import type { TLSSocket } from "node:tls";
import { type StreamDuplex, toDuplex } from "../node/stream-duplex.ts";
import type { ByteStream } from "../stream/contract.ts";

function ignore(): void {}

/** The bytes on the wire, for a TLS socket to read and write. */
export class Wire {
	readonly below: ByteStream;
	readonly duplex: StreamDuplex;
	/** Whether the peer has ended the connection below. */
	ended = false;

	constructor(below: ByteStream) {
		this.below = below;
		this.duplex = toDuplex(below, { allowHalfOpen: true });
		// Before the TLS socket, which listens for the same event, learns of it.
		this.duplex.once("end", () => {
			this.ended = true;
		});
		this.duplex.on("error", () => this.duplex.destroy());
	}

	/** Lets an alert go out if that takes no time, and closes. */
	async close(): Promise<void> {
		const closed = this.below.close({ timeoutMs: 0 }).catch(ignore);
		this.duplex.destroy();
		await closed;
	}

	/** Closes at once. */
	abort(): void {
		this.below.abort();
		this.duplex.destroy();
	}
}

/** A TLS socket from before its handshake on, with what lies below it. */
export class Channel {
	readonly socket: TLSSocket;
	readonly wire: Wire;
	/** Whether the peer's certificate was verified. */
	authorized = false;
	/** Whether the wire has ended without the peer's close_notify. */
	truncated = false;
	#session: Buffer | undefined;

	constructor(socket: TLSSocket, wire: Wire) {
		this.socket = socket;
		this.wire = wire;
		socket.on("session", (session: Buffer) => {
			this.#session = session;
		});
		const { push } = socket;
		// The end of its bytes: by the peer's close_notify, or because the wire has ended.
		socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
			if (chunk === null) {
				socket.push = push;
				this.truncated = wire.ended;
			}
			return push.call(socket, chunk, encoding);
		};
	}

	/** The latest session that can be resumed. */
	get session(): Buffer | undefined {
		return this.#session;
	}
}
