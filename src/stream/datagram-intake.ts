/** Datagrams on their way from the kernel: whatever one call brought is copied out at once and handed out piece by piece. */
import type { Address } from "../socket/address.ts";
import { findControl } from "../socket/control.ts";
import { readInt32 } from "../socket/little-endian.ts";
import { IPPROTO_UDP, UDP_GRO } from "../sys/constants.ts";
import {
	BATCH_COLUMNS,
	BATCH_CONTROL_OFFSET,
	BATCH_NAME_OFFSET,
	BATCH_OUT_BYTES,
	BATCH_OUT_CONTROL_LENGTH,
	BATCH_OUT_NAME_LENGTH,
} from "../sys/contract.ts";
import type { Datagram } from "./datagram-contract.ts";
import type { Intake } from "./message-reader.ts";
import { peerAt } from "./peer-cache.ts";
import { Appetite, type ReceiveRoom, sharedRoom } from "./receive-room.ts";
import { Slab } from "./slab.ts";

/** One message of the kernel: a datagram, or several of one length and a last one of no more. */
interface Arrival {
	/** Where it begins in the memory. */
	readonly start: number;
	/** Bytes of it in the memory. */
	readonly kept: number;
	/** Its true length. */
	readonly length: number;
	/** Length of each datagram in it; its own when it is one. */
	readonly stride: number;
	readonly from: Address;
}

const slab = new Slab(131_072);

/** Receives for one datagram socket. */
export class DatagramIntake implements Intake<Datagram> {
	drained = false;
	receivedCount = 0;
	truncatedCount = 0;
	readonly #roomBytes: number;
	readonly #controlBytes: number;
	readonly #maxBytes: number;
	readonly #appetite = new Appetite();
	readonly #arrivals: Arrival[] = [];
	#memory: Buffer = slab.memory;
	#next = 0;
	#offset = 0;

	/**
	 * @param roomBytes room of one message of the kernel
	 * @param controlBytes room of its control messages
	 * @param maxBytes where datagrams are cut
	 */
	constructor(roomBytes: number, controlBytes: number, maxBytes: number) {
		this.#roomBytes = roomBytes;
		this.#controlBytes = controlBytes;
		this.#maxBytes = maxBytes;
	}

	get available(): boolean {
		return this.#arrivals.length > 0;
	}

	fill(fd: number): number {
		const room = sharedRoom(this.#roomBytes, this.#controlBytes);
		const count = room.receive(fd, Math.min(this.#appetite.rows, room.rows));
		this.drained = count >= 0 && this.#appetite.learn(count, room.rows);
		if (count > 0) this.#copyOut(room, count);
		return count;
	}

	take(): Datagram {
		const { start, kept, length, stride, from } = this.#arrivals[this.#next] as Arrival;
		const offset = this.#offset;
		const bytes = Math.min(stride, length - offset);
		const room = Math.min(bytes, this.#maxBytes, Math.max(0, kept - offset));
		const data = this.#memory.subarray(start + offset, start + offset + room);
		if (offset + bytes < length) this.#offset = offset + bytes;
		else this.#advance();
		this.receivedCount++;
		if (room === bytes) return { data, from, bytes, truncated: false };
		this.truncatedCount++;
		return { data, from, bytes, truncated: true };
	}

	clear(): void {
		this.#arrivals.length = 0;
		this.#next = 0;
		this.#offset = 0;
	}

	#advance(): void {
		this.#offset = 0;
		if (++this.#next === this.#arrivals.length) this.clear();
	}

	#copyOut(room: ReceiveRoom, count: number): void {
		const { table } = room;
		let total = 0;
		for (let row = 0; row < count; row++) {
			const length = table[row * BATCH_COLUMNS + BATCH_OUT_BYTES] as number;
			total += Math.min(length, room.messageBytes);
		}
		slab.reserve(total);
		this.#memory = slab.memory;
		for (let row = 0; row < count; row++) {
			const base = row * BATCH_COLUMNS;
			const length = table[base + BATCH_OUT_BYTES] as number;
			const kept = Math.min(length, room.messageBytes);
			const start = slab.used;
			const source = row * room.messageBytes;
			room.data.copy(slab.memory, start, source, source + kept);
			slab.used += kept;
			const from = peerAt(
				room.names,
				table[base + BATCH_NAME_OFFSET] as number,
				table[base + BATCH_OUT_NAME_LENGTH] as number,
			);
			this.#arrivals.push({ start, kept, length, stride: strideOf(room, base, length), from });
		}
	}
}

// What GRO has glued together; udp(7).
function strideOf({ table, control }: ReceiveRoom, base: number, length: number): number {
	const controlLength = table[base + BATCH_OUT_CONTROL_LENGTH] as number;
	if (control === null || controlLength === 0) return length;
	const start = table[base + BATCH_CONTROL_OFFSET] as number;
	const at = findControl(control, start, start + controlLength, IPPROTO_UDP, UDP_GRO, 4);
	const stride = at < 0 ? 0 : readInt32(control, at);
	return stride > 0 ? stride : length;
}
