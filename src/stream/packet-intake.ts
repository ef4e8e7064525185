/** Messages of a connection on their way from the kernel. */
import { syscallError, TruncatedError } from "../errors.ts";
import { BATCH_COLUMNS, BATCH_OUT_BYTES, BATCH_OUT_CONTROL_LENGTH } from "../sys/contract.ts";
import { ECONNRESET } from "../sys/errno.ts";
import type { Intake } from "./message-reader.ts";
import { Appetite, sharedRoom } from "./receive-room.ts";
import { Slab } from "./slab.ts";

// struct cmsghdr and struct timespec: room for the timestamp and for nothing else, so that no descriptor which a peer sends along can get
// into this process; the kernel closes those.
const STAMP_BYTES = 32;

const slab = new Slab(131_072);

/** Receives for one connected socket. */
export class PacketIntake implements Intake<Uint8Array | null> {
	drained = false;
	readonly #messageBytes: number;
	readonly #isStamped: boolean;
	readonly #appetite = new Appetite();
	readonly #messages: (Uint8Array | Error)[] = [];
	#next = 0;
	#ended = false;
	#failure: Error | undefined;

	/**
	 * @param messageBytes room of one message
	 * @param isStamped whether the socket has SO_TIMESTAMPNS: an empty message then has a timestamp, the end has none
	 */
	constructor(messageBytes: number, isStamped: boolean) {
		this.#messageBytes = messageBytes;
		this.#isStamped = isStamped;
	}

	/** Whether the peer's end has been reached. */
	get ended(): boolean {
		return this.#ended;
	}

	/** Whether messages were fetched that nobody has taken. */
	get hasMessages(): boolean {
		return this.#next < this.#messages.length;
	}

	get available(): boolean {
		return this.#next < this.#messages.length || this.#ended;
	}

	fill(fd: number): number {
		const room = sharedRoom(this.#messageBytes, STAMP_BYTES);
		const { rows } = this.#appetite;
		let count = room.receive(fd, Math.min(rows, room.rows));
		if (count === ECONNRESET) {
			// The kernel tells of the reset before it gives the messages that came earlier.
			this.#failure = syscallError("recvmmsg", count);
			count = room.receive(fd, Math.min(rows, room.rows));
		}
		this.drained = count >= 0 && this.#appetite.learn(count, room.rows);
		this.#messages.length = 0;
		this.#next = 0;
		for (let row = 0; row < count && !this.#ended; row++) {
			const base = row * BATCH_COLUMNS;
			const length = room.table[base + BATCH_OUT_BYTES] as number;
			if (length > 0 || (this.#isStamped && room.table[base + BATCH_OUT_CONTROL_LENGTH] !== 0)) {
				this.#messages.push(this.#copy(room.data, row, length));
			} else this.#ended = true;
		}
		return count;
	}

	take(): Uint8Array | null {
		const message = this.#messages[this.#next];
		if (message === undefined) {
			if (this.#failure !== undefined) throw this.#failure;
			return null;
		}
		if (++this.#next === this.#messages.length) {
			this.#messages.length = 0;
			this.#next = 0;
		}
		if (message instanceof Error) throw message;
		return message;
	}

	clear(): void {
		this.#messages.length = 0;
		this.#next = 0;
	}

	#copy(data: Buffer, row: number, length: number): Uint8Array | Error {
		if (length > this.#messageBytes) return new TruncatedError(length, this.#messageBytes);
		slab.reserve(length);
		const start = row * this.#messageBytes;
		data.copy(slab.memory, slab.used, start, start + length);
		return slab.take(length);
	}
}
