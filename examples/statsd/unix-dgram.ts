/**
 * A stand-in for the npm package unix-dgram, which hot-shots needs for `protocol: "uds"` and which has to be compiled. Nothing is compiled here.
 * Put it in the place of that package: a folder `unix-dgram` with this file and a package.json with `"main"`, and in the package.json of the program
 * `"overrides": { "unix-dgram": "file:./unix-dgram" }`.
 */
import { EventEmitter } from "node:events";
import { type Socket, socket } from "socketry/socket";

type Callback = ((error?: Error) => void) | undefined;

const DATAGRAM_BYTES = 65_536;
/** Datagrams that wait for room; one more is the error EAGAIN, after which hot-shots tries again later. */
const WAITING_MAX = 1_024;

/** As unix-dgram has it, with the events `message`, `connect`, `listening` and `error`. Errors have Node's codes. */
class DatagramSocket extends EventEmitter {
	readonly #socket: Socket = socket("unix", "dgram");
	#latest: Promise<void> = Promise.resolve();
	#waitingCount = 0;

	/** A name that leads nowhere throws, as hot-shots expects. */
	connect(path: string): void {
		this.#socket.tryConnect({ family: "unix", path });
		queueMicrotask(() => this.emit("connect"));
	}

	bind(path: string): void {
		this.#socket.bind({ family: "unix", path });
		queueMicrotask(() => this.emit("listening"));
		void this.#receive();
	}

	/** Sends to the peer of `connect`, whose full queue is waited for; or to the path, whose full queue is the error EAGAIN. */
	send(data: Buffer, ...rest: [Callback?] | [number, number, string, Callback?]): void {
		if (typeof rest[0] !== "number") {
			void this.#sendInTurn(data, rest[0]);
			return;
		}
		const [offset, length, path, callback] = rest as [number, number, string, Callback];
		const part = data.subarray(offset, offset + length);
		try {
			const sent = this.#socket.trySendto(part, { family: "unix", path });
			this.#tell(callback, sent === undefined ? queueFull() : undefined);
		} catch (error) {
			this.#tell(callback, error as Error);
		}
	}

	sendto(data: Buffer, offset: number, length: number, path: string, callback?: Callback): void {
		this.send(data, offset, length, path, callback);
	}

	close(): void {
		this.#socket.close();
	}

	async #sendInTurn(data: Buffer, callback: Callback): Promise<void> {
		if (this.#waitingCount >= WAITING_MAX) return this.#tell(callback, queueFull());
		this.#waitingCount++;
		const before = this.#latest;
		const sending = before.then(() => this.#socket.send(data));
		this.#latest = sending.then(
			() => {},
			() => {},
		);
		await sending.then(
			() => this.#tell(callback, undefined),
			(error: Error) => this.#tell(callback, error),
		);
		this.#waitingCount--;
	}

	#tell(callback: Callback, error: Error | undefined): void {
		if (callback !== undefined) queueMicrotask(() => callback(error));
		else if (error !== undefined) queueMicrotask(() => this.emit("error", error));
	}

	async #receive(): Promise<void> {
		const buffer = Buffer.alloc(DATAGRAM_BYTES);
		try {
			for (;;) {
				const { bytes, from } = await this.#socket.recvfrom(buffer);
				const path = "path" in from ? from.path : "";
				this.emit("message", Buffer.from(buffer.subarray(0, bytes)), { path, size: bytes });
			}
		} catch (error) {
			if (!this.#socket.closed) this.emit("error", error);
		}
	}
}

function queueFull(): Error {
	return Object.assign(new Error("the queue is full"), { code: "EAGAIN" });
}

/** Makes a socket. @param listener of `message` */
export function createSocket(
	_type: "unix_dgram",
	listener?: (message: Buffer) => void,
): DatagramSocket {
	const made = new DatagramSocket();
	if (listener !== undefined) made.on("message", listener);
	return made;
}
