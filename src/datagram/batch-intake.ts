/** Datagrams batch by batch, straight into memory that belongs to the socket: nothing is copied and no object made for a datagram. */

import type { Intake } from "../packet/message-reader.ts";
import { Appetite, ReceiveRoom } from "../packet/receive-room.ts";
import { type Arrival, arrivalAt } from "./arrivals.ts";
import { DatagramBatch } from "./datagram-batch.ts";
import type { DatagramIntake } from "./datagram-intake.ts";

// Address space; only what arrives makes pages of it real.
const ROOM_BYTES = 4_194_304;

/** Receives batches for one datagram socket. */
export class BatchIntake implements Intake<DatagramBatch> {
	drained = false;
	readonly syscall = "recvmmsg";
	readonly #single: DatagramIntake;
	readonly #room: ReceiveRoom;
	readonly #appetite = new Appetite();
	readonly #batch: DatagramBatch;
	#isFilled = false;

	/** @param single the other way to receive, whose leftovers come first */
	constructor(single: DatagramIntake) {
		single.glue();
		const { roomBytes, controlBytes, maxBytes } = single;
		const memory = Buffer.allocUnsafeSlow(Math.max(ROOM_BYTES, roomBytes));
		this.#single = single;
		this.#room = new ReceiveRoom(roomBytes, controlBytes, memory);
		this.#batch = new DatagramBatch(maxBytes);
	}

	get available(): boolean {
		return this.#isFilled || this.#single.available;
	}

	fill(fd: number): number {
		const room = this.#room;
		const count = room.receivePast(
			fd,
			Math.min(this.#appetite.rows, room.rows),
			this.#single.errors,
		);
		this.drained = count >= 0 && this.#appetite.learn(count, room.rows);
		if (count <= 0) return count;
		const { isDetailed, companions } = this.#single;
		const arrivals: Arrival[] = [];
		for (let row = 0; row < count; row++) {
			const start = row * room.messageBytes;
			arrivals.push(arrivalAt(room, row, start, isDetailed, companions));
		}
		this.#batch.fill(room.data, arrivals);
		this.#single.count(this.#batch);
		this.#isFilled = true;
		return count;
	}

	take(): DatagramBatch {
		if (!this.#isFilled) return this.#single.takeAll();
		this.#isFilled = false;
		return this.#batch;
	}

	clear(): void {
		this.#isFilled = false;
	}
}
