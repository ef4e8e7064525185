/** Datagrams on their way from the kernel: whatever one call brought is copied out at once and handed out piece by piece. */

import type { Companions } from "../packet/companions.ts";
import { LONE_BYTES_MAX, loneMessage, messageSlab as slab } from "../packet/lone-message.ts";
import type { Intake } from "../packet/message-reader.ts";
import {
	Appetite,
	type PassedErrors,
	type ReceiveRoom,
	sharedRoom,
} from "../packet/receive-room.ts";
import {
	BATCH_OUT_CONTROL_LENGTH,
	BATCH_OUT_FLAGS,
	BATCH_OUT_NAME_LENGTH,
} from "../sys/contract.ts";
import { type Arrival, arrivalAt, keptBytes } from "./arrivals.ts";
import { DatagramBatch } from "./datagram-batch.ts";
import type { Datagram } from "./datagram-contract.ts";
import { peerAt } from "./peer-cache.ts";

const NOTHING = Buffer.alloc(0);
// Messages in one call from which on a socket is busy enough for the kernel to glue them, whose strides take control messages to tell.
const GLUE_ROWS = 8;
// Of 64 messages each: more than any usual receive buffer holds.
const DRAINS_MAX = 4_096;

/** How a socket receives. */
export interface DatagramIntakeSetup {
	/** Room of one message of the kernel. */
	readonly roomBytes: number;
	/** For what comes along with it. */
	readonly companions: Companions;
	/** Has the kernel glue datagrams. Returns the room of control messages from then on. */
	readonly glue: (() => number) | undefined;
	/** Where datagrams are cut. */
	readonly maxBytes: number;
	/** Whether the control messages have details. */
	readonly isDetailed: boolean;
	/** Where ICMP errors go; undefined when the calls fail for them. */
	readonly errors: PassedErrors | undefined;
}

/** Receives for one datagram socket. */
export class DatagramIntake implements Intake<Datagram> {
	drained = false;
	syscall = "recvmmsg";
	receivedCount = 0;
	receivedBytes = 0;
	truncatedCount = 0;
	readonly roomBytes: number;
	/** Room of the control messages of one message. */
	controlBytes: number;
	readonly companions: Companions;
	readonly maxBytes: number;
	readonly isDetailed: boolean;
	readonly errors: PassedErrors | undefined;
	readonly #appetite = new Appetite();
	#glue: (() => number) | undefined;
	readonly #arrivals: Arrival[] = [];
	#memory: Buffer = NOTHING;
	#next = 0;
	#offset = 0;
	// Received alone, and complete.
	#lone: Datagram | undefined;

	constructor(setup: DatagramIntakeSetup) {
		this.roomBytes = setup.roomBytes;
		this.companions = setup.companions;
		this.controlBytes = setup.companions.controlBytes;
		this.#glue = setup.glue;
		this.maxBytes = setup.maxBytes;
		this.isDetailed = setup.isDetailed;
		this.errors = setup.errors;
	}

	get available(): boolean {
		return this.#arrivals.length > 0;
	}

	/** Has the kernel glue datagrams that follow each other closely, if it can. */
	glue(): void {
		if (this.#glue === undefined) return;
		this.controlBytes = this.#glue();
		this.#glue = undefined;
	}

	fill(fd: number): number {
		const { rows } = this.#appetite;
		if (rows === 1 && this.roomBytes <= LONE_BYTES_MAX) {
			const rc = this.#fillOne(fd);
			if (rc >= 0 || !this.errors?.drain()) return rc;
		} else if (rows >= GLUE_ROWS) this.glue();
		this.syscall = "recvmmsg";
		const room = sharedRoom(this.roomBytes, this.controlBytes);
		const { isOwning } = this.companions;
		const rowsMax = isOwning ? 1 : Math.min(this.#appetite.rows, room.rows);
		const count = room.receivePast(fd, rowsMax, this.errors);
		this.drained = count >= 0 && !isOwning && this.#appetite.learn(count, room.rows);
		if (count > 0) this.#copyOut(room, count);
		return count;
	}

	take(): Datagram {
		const lone = this.#lone;
		if (lone !== undefined) {
			this.#lone = undefined;
			return lone;
		}
		const arrival = this.#arrivals[this.#next] as Arrival;
		const { start, kept, length, stride, from, details, companion } = arrival;
		const offset = this.#offset;
		const bytes = Math.min(stride, length - offset);
		const room = Math.min(bytes, this.maxBytes, Math.max(0, kept - offset));
		const data = this.#memory.subarray(start + offset, start + offset + room);
		if (offset + bytes < length) this.#offset = offset + bytes;
		else this.#advance();
		if (companion instanceof Error) throw companion;
		this.receivedCount++;
		this.receivedBytes += bytes;
		const truncated = room < bytes;
		if (truncated) this.truncatedCount++;
		const told = companion && this.companions.told(companion);
		if (details === undefined && told === undefined) return { data, from, bytes, truncated };
		return { data, from, bytes, truncated, ...details, ...told };
	}

	/** Fetches all that the kernel has, within reason: only here are datagrams known that it has glued. */
	drain(fd: number): Datagram[] {
		const datagrams: Datagram[] = [];
		for (let fills = 0; fills < DRAINS_MAX; fills++) {
			while (this.available) datagrams.push(this.take());
			if (this.fill(fd) < 0) break;
			datagrams.push(this.take());
		}
		while (this.available) datagrams.push(this.take());
		return datagrams;
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
		this.receivedBytes += batch.totalBytes;
		this.truncatedCount += batch.truncatedCount;
	}

	clear(): void {
		this.#arrivals.length = 0;
		this.#memory = NOTHING;
		this.#next = 0;
		this.#offset = 0;
	}

	#fillOne(fd: number): number {
		const { roomBytes } = this;
		slab.reserve(roomBytes);
		const { controlBytes } = this;
		this.syscall = controlBytes === 0 ? "recvfrom" : "recvmmsg";
		const { memory, used } = slab;
		const length =
			controlBytes === 0
				? loneMessage.receiveNamed(fd, memory, used, roomBytes, this.companions.flags)
				: loneMessage.receive(fd, memory, used, roomBytes, controlBytes);
		if (length < 0) return length;
		const { companions } = this;
		this.drained = !companions.isOwning && this.#appetite.learn(1, 2);
		const { table } = loneMessage;
		if (table[BATCH_OUT_CONTROL_LENGTH] === 0 && !companions.isAsked) {
			companions.note(table[BATCH_OUT_FLAGS] as number);
			const from = peerAt(loneMessage.names, 0, table[BATCH_OUT_NAME_LENGTH] as number);
			const truncated = length > this.maxBytes;
			const data = slab.take(truncated ? this.maxBytes : length);
			this.#lone = { data, from, bytes: length, truncated };
			this.receivedCount++;
			this.receivedBytes += length;
			if (truncated) this.truncatedCount++;
			return length;
		}
		const arrival = arrivalAt(loneMessage, 0, slab.used, this.isDetailed, companions);
		this.#memory = slab.memory;
		slab.used += arrival.kept;
		this.#arrivals.push(arrival);
		return length;
	}

	#advance(): void {
		this.#offset = 0;
		if (++this.#next === this.#arrivals.length) this.clear();
	}

	#copyOut(room: ReceiveRoom, count: number): void {
		slab.reserve(keptBytes(room, count));
		this.#memory = slab.memory;
		for (let row = 0; row < count; row++) {
			const arrival = arrivalAt(room, row, slab.used, this.isDetailed, this.companions);
			const source = row * room.messageBytes;
			room.data.copy(slab.memory, slab.used, source, source + arrival.kept);
			slab.used += arrival.kept;
			this.#arrivals.push(arrival);
		}
	}
}
