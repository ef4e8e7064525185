/** A side that is a socket of this library: its bytes are spliced in the kernel. */
import { LIMITS } from "../limits.ts";
import type { Socket } from "../socket/socket.ts";
import { type BoundFile, resetOnClose } from "../stream/connection.ts";
import { linger } from "../stream/linger.ts";
import type { Stream } from "../stream/stream.ts";
import { Flow } from "./flow.ts";
import type { Side, Way, WayEnd } from "./way.ts";

// One for all: most connections have read nothing ahead, and an empty array of bytes weighs 190.
const NOTHING = new Uint8Array(0);

/** A connection that was taken out of its stream. */
export class SocketSide implements Side {
	readonly #socket: Socket;
	readonly #file: BoundFile | undefined;
	#unread: Uint8Array;

	/**
	 * @param stream taken: it is closed then
	 * @throws {BusyError} a read is pending, or bytes are queued
	 * @throws {ClosedError} it was closed, or given away
	 */
	constructor(stream: Stream) {
		const { socket, unread, file } = stream.releaseSocket();
		this.#socket = socket.ref();
		this.#unread = unread.length > 0 ? unread : NOTHING;
		this.#file = file;
	}

	flowTo(sink: SocketSide, onEnd: (end: WayEnd) => void, doubt: Error | undefined): Way {
		const flow = new Flow(this.#socket, sink.#socket, this.#unread, onEnd);
		this.#unread = NOTHING;
		if (doubt !== undefined) flow.doubtEnd(doubt);
		flow.ready();
		return flow;
	}

	async close(): Promise<void> {
		this.#file?.remove();
		this.#socket.close();
	}

	async closeAfterCut(): Promise<void> {
		await linger(this.#socket, LIMITS.closeMs, undefined);
		await this.close();
	}

	reset(): void {
		if (!this.#socket.closed) resetOnClose(this.#socket.fd);
		void this.close();
	}
}
