/**
 * Datagrams gathered for one sendmmsg. Neighbours to the same peer become one message when all but the last have the same length: the kernel
 * cuts it up again (UDP GSO), and goes through its network layers once.
 */
import { SOCKADDR_BYTES_MAX } from "../socket/sockaddr.ts";
import { IPPROTO_UDP, UDP_SEGMENT } from "../sys/constants.ts";
import {
	BATCH_COLUMNS,
	BATCH_CONTROL_LENGTH,
	BATCH_CONTROL_OFFSET,
	BATCH_DATA_LENGTH,
	BATCH_DATA_OFFSET,
	BATCH_NAME_LENGTH,
	BATCH_NAME_OFFSET,
} from "../sys/contract.ts";
import { sys } from "../sys/current.ts";
import type { Destination } from "./destinations.ts";
import { DETAIL_CONTROL_BYTES_MAX } from "./send-details.ts";
import { transmit } from "./transmit.ts";
import { sendUnfragmented } from "./unfragmented.ts";

// More in one call saves no more time, and overflows the receiver's queue more often.
const ROWS_MAX = 64;
const DATA_BYTES = 65_536;

/** Most datagrams in one message: UDP_MAX_SEGMENTS of the oldest kernels that segment; newer ones take 128. */
export const SEGMENTS_MAX: number = 64;

// struct cmsghdr and an unsigned short, padded; CMSG_SPACE(3).
const SEGMENT_CONTROL_BYTES = 24;
const SEGMENT_CONTROL_LENGTH = 18;
// Of one row: how to segment, then the details of the destination.
const CONTROL_BYTES = SEGMENT_CONTROL_BYTES + DETAIL_CONTROL_BYTES_MAX;

/** Memory for up to 64 messages and the table that describes them. Pooled: taken by `take`, given back by `release`. */
export class SendBatch {
	/** Messages in the batch. */
	rows = 0;
	/** The first one that has not been sent. */
	next = 0;
	readonly #data: Buffer = Buffer.allocUnsafeSlow(DATA_BYTES);
	readonly #table = new Int32Array(ROWS_MAX * BATCH_COLUMNS);
	readonly #names = new Uint8Array(ROWS_MAX * SOCKADDR_BYTES_MAX);
	readonly #control = new Uint8Array(ROWS_MAX * CONTROL_BYTES);
	readonly #destinations: Destination[] = [];
	readonly #segments = new Int32Array(ROWS_MAX);
	readonly #strides = new Int32Array(ROWS_MAX);
	#used = 0;
	#unfragmentedRows = 0;
	// Of the last row, while it may grow: the longest datagram that fits its pattern, 0 when none does.
	#stride = 0;

	constructor() {
		const view = new DataView(this.#control.buffer);
		for (let row = 0; row < ROWS_MAX; row++) {
			const base = row * BATCH_COLUMNS;
			const control = row * CONTROL_BYTES;
			this.#table[base + BATCH_NAME_OFFSET] = row * SOCKADDR_BYTES_MAX;
			view.setUint32(control, SEGMENT_CONTROL_LENGTH, true);
			view.setInt32(control + 8, IPPROTO_UDP, true);
			view.setInt32(control + 12, UDP_SEGMENT, true);
		}
	}

	/** Largest datagram that fits an empty batch. */
	static readonly dataBytes: number = DATA_BYTES;

	/**
	 * Copies a datagram to the end.
	 *
	 * @param strideMax longest datagram that may be glued to its like; 0 for none
	 * @returns false when there is no room
	 */
	add(data: Uint8Array, to: Destination, strideMax: number): boolean {
		const bytes = data.length;
		if (bytes > DATA_BYTES - this.#used) return false;
		const last = this.rows - 1;
		if (bytes <= this.#stride && bytes > 0 && this.#continues(last, to)) {
			if (this.#extend(last, bytes, to)) {
				this.#data.set(data, this.#used);
				this.#used += bytes;
				return true;
			}
		}
		if (this.rows === ROWS_MAX) return false;
		this.#begin(bytes, to, strideMax);
		if (bytes > 0) this.#data.set(data, this.#used);
		this.#used += bytes;
		return true;
	}

	/** Messages from `next` on that can leave in one call. */
	get together(): number {
		const left = this.rows - this.next;
		if (this.#unfragmentedRows === 0 || left === 0) return left;
		let count = 0;
		while (count < left && !this.destination(this.next + count).isUnfragmented) count++;
		return Math.max(count, 1);
	}

	/** Sends up to `count` messages from `next` on, `together` of them at most: how many went, or -errno when none did. */
	send(fd: number, count: number): number {
		const { isUnfragmented } = this.destination(this.next);
		return isUnfragmented
			? sendUnfragmented(fd, () => this.#send(fd, count))
			: this.#send(fd, count);
	}

	/** Where message `row` goes to. */
	destination(row: number): Destination {
		return this.#destinations[row] as Destination;
	}

	/** Datagrams in message `row`. */
	segments(row: number): number {
		return this.#segments[row] as number;
	}

	/** Length of each datagram in message `row` but the last. */
	stride(row: number): number {
		return this.#strides[row] as number;
	}

	/** Bytes of message `row`. */
	bytes(row: number): number {
		return this.#table[row * BATCH_COLUMNS + BATCH_DATA_LENGTH] as number;
	}

	/** The bytes of message `row`, as a view. */
	data(row: number): Uint8Array {
		const start = this.#table[row * BATCH_COLUMNS + BATCH_DATA_OFFSET] as number;
		return this.#data.subarray(start, start + this.bytes(row));
	}

	/** Sends the first datagram of message `row` by itself and takes it off: 0 or more, or -errno. */
	sendFirstApart(fd: number, row: number): number {
		const base = row * BATCH_COLUMNS;
		const start = this.#table[base + BATCH_DATA_OFFSET] as number;
		const left = this.#table[base + BATCH_DATA_LENGTH] as number;
		const bytes = Math.min(left, this.#strides[row] as number);
		return transmit(fd, this.#data.subarray(start, start + bytes), this.destination(row));
	}

	/** Takes the first datagram off message `row`. Returns its bytes. */
	dropFirst(row: number): number {
		const base = row * BATCH_COLUMNS;
		const left = this.#table[base + BATCH_DATA_LENGTH] as number;
		const bytes = Math.min(left, this.#strides[row] as number);
		this.#table[base + BATCH_DATA_OFFSET] =
			(this.#table[base + BATCH_DATA_OFFSET] as number) + bytes;
		this.#table[base + BATCH_DATA_LENGTH] = left - bytes;
		const segments = (this.#segments[row] as number) - 1;
		this.#segments[row] = segments;
		if (segments === 1) this.#layControl(row, base);
		return bytes;
	}

	/** Empties the batch. */
	clear(): void {
		this.rows = 0;
		this.next = 0;
		this.#used = 0;
		this.#unfragmentedRows = 0;
		this.#stride = 0;
		this.#destinations.length = 0;
	}

	#send(fd: number, count: number): number {
		return sys.sendmmsg(
			fd,
			this.#table,
			this.next,
			count,
			this.#data,
			this.#names,
			this.#control,
			0,
		);
	}

	#continues(row: number, to: Destination): boolean {
		const last = this.#destinations[row] as Destination;
		if (last === to) return true;
		return (
			last.name === to.name &&
			last.control === to.control &&
			last.isUnfragmented === to.isUnfragmented
		);
	}

	#extend(row: number, bytes: number, to: Destination): boolean {
		const segments = this.#segments[row] as number;
		if (segments === SEGMENTS_MAX) return false;
		const base = row * BATCH_COLUMNS;
		const length = (this.#table[base + BATCH_DATA_LENGTH] as number) + bytes;
		if (length > to.maxBytes) return false;
		this.#table[base + BATCH_DATA_LENGTH] = length;
		this.#segments[row] = segments + 1;
		if (segments === 1) this.#markSegmented(row, base);
		// A shorter datagram can only be the last.
		if (bytes < this.#stride) this.#stride = 0;
		return true;
	}

	#markSegmented(row: number, base: number): void {
		const stride = this.#strides[row] as number;
		const control = row * CONTROL_BYTES;
		this.#control[control + 16] = stride & 0xff;
		this.#control[control + 17] = stride >> 8;
		this.#table[base + BATCH_CONTROL_OFFSET] = control;
		const length = this.#table[base + BATCH_CONTROL_LENGTH] as number;
		this.#table[base + BATCH_CONTROL_LENGTH] = length + SEGMENT_CONTROL_BYTES;
	}

	// As long as it is one datagram.
	#layControl(row: number, base: number): void {
		const { control } = this.#destinations[row] as Destination;
		this.#table[base + BATCH_CONTROL_OFFSET] = row * CONTROL_BYTES + SEGMENT_CONTROL_BYTES;
		this.#table[base + BATCH_CONTROL_LENGTH] = control === undefined ? 0 : control.length;
	}

	#begin(bytes: number, to: Destination, strideMax: number): void {
		const row = this.rows++;
		const base = row * BATCH_COLUMNS;
		const { name, control } = to;
		this.#table[base + BATCH_DATA_OFFSET] = this.#used;
		this.#table[base + BATCH_DATA_LENGTH] = bytes;
		this.#table[base + BATCH_NAME_LENGTH] = name.length;
		this.#destinations[row] = to;
		if (to.isUnfragmented) this.#unfragmentedRows++;
		if (name.length > 0) this.#names.set(name, row * SOCKADDR_BYTES_MAX);
		if (control !== undefined) {
			this.#control.set(control, row * CONTROL_BYTES + SEGMENT_CONTROL_BYTES);
		}
		this.#layControl(row, base);
		this.#segments[row] = 1;
		this.#strides[row] = bytes;
		this.#stride = bytes <= strideMax ? bytes : 0;
	}
}

// Kept for the next burst; what more there was in a bad moment is left to the garbage collector.
const POOL_MAX = 4;
const pool: SendBatch[] = [];

/** An empty batch. */
export function takeBatch(): SendBatch {
	return pool.pop() ?? new SendBatch();
}

/** Gives a batch back. */
export function releaseBatch(batch: SendBatch): void {
	batch.clear();
	if (pool.length < POOL_MAX) pool.push(batch);
}
