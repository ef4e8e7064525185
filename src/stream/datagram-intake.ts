/** Datagrams on their way from the kernel: whatever one call brought is copied out at once and handed out piece by piece. */
import { type Arrival, arrivalAt, keptBytes } from "./arrivals.ts";
import { DatagramBatch } from "./datagram-batch.ts";
import type { Datagram } from "./datagram-contract.ts";
import type { Intake } from "./message-reader.ts";
import { Appetite, type PassedErrors, type ReceiveRoom, sharedRoom } from "./receive-room.ts";
import { Slab } from "./slab.ts";

const slab = new Slab(131_072);
const NOTHING = Buffer.alloc(0);

/** How a socket receives. */
export interface DatagramIntakeSetup {
	/** Room of one message of the kernel. */
	readonly roomBytes: number;
	/** Room of its control messages. */
	readonly controlBytes: number;
	/** Where datagrams are cut. */
	readonly maxBytes: number;
	/** Whether the control messages are more than the stride of GRO. */
	readonly isDetailed: boolean;
	/** Where ICMP errors go; undefined when the calls fail for them. */
	readonly errors: PassedErrors | undefined;
}

/** Receives for one datagram socket. */
export class DatagramIntake implements Intake<Datagram> {
	drained = false;
	receivedCount = 0;
	truncatedCount = 0;
	readonly roomBytes: number;
	readonly controlBytes: number;
	readonly maxBytes: number;
	readonly isDetailed: boolean;
	readonly errors: PassedErrors | undefined;
	readonly #appetite = new Appetite();
	readonly #arrivals: Arrival[] = [];
	#memory: Buffer = NOTHING;
	#next = 0;
	#offset = 0;

	constructor(setup: DatagramIntakeSetup) {
		this.roomBytes = setup.roomBytes;
		this.controlBytes = setup.controlBytes;
		this.maxBytes = setup.maxBytes;
		this.isDetailed = setup.isDetailed;
		this.errors = setup.errors;
	}

	get available(): boolean {
		return this.#arrivals.length > 0;
	}

	fill(fd: number): number {
		const room = sharedRoom(this.roomBytes, this.controlBytes);
		const count = room.receivePast(fd, Math.min(this.#appetite.rows, room.rows), this.errors);
		this.drained = count >= 0 && this.#appetite.learn(count, room.rows);
		if (count > 0) this.#copyOut(room, count);
		return count;
	}

	take(): Datagram {
		const { start, kept, length, stride, from, details } = this.#arrivals[this.#next] as Arrival;
		const offset = this.#offset;
		const bytes = Math.min(stride, length - offset);
		const room = Math.min(bytes, this.maxBytes, Math.max(0, kept - offset));
		const data = this.#memory.subarray(start + offset, start + offset + room);
		if (offset + bytes < length) this.#offset = offset + bytes;
		else this.#advance();
		this.receivedCount++;
		const truncated = room < bytes;
		if (truncated) this.truncatedCount++;
		if (details === undefined) return { data, from, bytes, truncated };
		return { data, from, bytes, truncated, ...details };
	}

	/** All that is left, as a batch of its own. */
	takeAll(): DatagramBatch {
		const batch = new DatagramBatch(this.maxBytes);
		batch.fill(this.#memory, this.#arrivals.splice(0), this.#next, this.#offset);
		this.clear();
		this.count(batch);
		return batch;
	}

	/** Counts the datagrams of a batch as received. */
	count(batch: DatagramBatch): void {
		this.receivedCount += batch.count;
		this.truncatedCount += batch.truncatedCount;
	}

	clear(): void {
		this.#arrivals.length = 0;
		this.#memory = NOTHING;
		this.#next = 0;
		this.#offset = 0;
	}

	#advance(): void {
		this.#offset = 0;
		if (++this.#next === this.#arrivals.length) this.clear();
	}

	#copyOut(room: ReceiveRoom, count: number): void {
		slab.reserve(keptBytes(room, count));
		this.#memory = slab.memory;
		for (let row = 0; row < count; row++) {
			const arrival = arrivalAt(room, row, slab.used, this.isDetailed);
			const source = row * room.messageBytes;
			room.data.copy(slab.memory, slab.used, source, source + arrival.kept);
			slab.used += arrival.kept;
			this.#arrivals.push(arrival);
		}
	}
}
