/**
 * Room for the messages of one recvmmsg. A thread shares it among all sockets, since what arrived is copied out at once, so that an idle
 * socket holds none and a small message does not pin the room of a large one.
 */
import { SOCKADDR_BYTES_MAX } from "../socket/sockaddr.ts";
import { MSG_TRUNC } from "../sys/constants.ts";
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

/** Address space that a room takes at least; only what arrives makes pages of it real. */
const ROOM_BYTES = 4_194_304;
const ROWS_MAX = 64;
// New ones may come while the old are passed on.
const ERRORS_MAX = 8;

/** Takes the errors of a socket that concern none of its calls. */
export interface PassedErrors {
	/** Passes them on. Returns whether there were any, so that the call that failed is worth repeating. */
	drain(): boolean;
}

/** A room's memory and the table that divides it into rows. */
export class ReceiveRoom {
	/** Room of one message. */
	readonly messageBytes: number;
	/** Room of one message's control messages; a multiple of 8. */
	readonly controlBytes: number;
	readonly rows: number;
	readonly data: Buffer;
	/** Senders' names, 128 bytes a row. */
	readonly names: Uint8Array;
	readonly control: Uint8Array | null;
	/** See BATCH_* in sys/contract.ts. */
	readonly table: Int32Array;

	constructor(messageBytes: number, controlBytes: number, data: Buffer) {
		this.messageBytes = messageBytes;
		this.controlBytes = controlBytes;
		this.data = data;
		this.rows = Math.min(ROWS_MAX, Math.max(1, Math.floor(data.length / messageBytes)));
		this.names = new Uint8Array(this.rows * SOCKADDR_BYTES_MAX);
		this.control = controlBytes === 0 ? null : new Uint8Array(this.rows * controlBytes);
		this.table = new Int32Array(this.rows * BATCH_COLUMNS);
		for (let row = 0; row < this.rows; row++) this.#lay(row);
	}

	/** Receives up to `count` messages into the rows from 0 on: how many, or -errno. Lengths are true ones, also of messages that were cut. */
	receive(fd: number, count: number): number {
		return sys.recvmmsg(fd, this.table, 0, count, this.data, this.names, this.control, MSG_TRUNC);
	}

	/** As `receive`, for a socket whose errors are told apart from its calls. */
	receivePast(fd: number, count: number, errors: PassedErrors | undefined): number {
		let received = this.receive(fd, count);
		if (errors === undefined) return received;
		for (let i = 0; received < 0 && i < ERRORS_MAX && errors.drain(); i++) {
			received = this.receive(fd, count);
		}
		return received;
	}

	#lay(row: number): void {
		const { table } = this;
		const base = row * BATCH_COLUMNS;
		table[base + BATCH_DATA_OFFSET] = row * this.messageBytes;
		table[base + BATCH_DATA_LENGTH] = this.messageBytes;
		table[base + BATCH_NAME_OFFSET] = row * SOCKADDR_BYTES_MAX;
		table[base + BATCH_NAME_LENGTH] = SOCKADDR_BYTES_MAX;
		table[base + BATCH_CONTROL_OFFSET] = row * this.controlBytes;
		table[base + BATCH_CONTROL_LENGTH] = this.controlBytes;
	}
}

const rooms = new Map<string, ReceiveRoom>();
let memory = Buffer.alloc(0);

/** The thread's room for messages of up to `messageBytes`; its content lasts until the next call of anybody. */
export function sharedRoom(messageBytes: number, controlBytes: number): ReceiveRoom {
	const key = `${messageBytes} ${controlBytes}`;
	let room = rooms.get(key);
	if (room !== undefined) return room;
	if (memory.length < messageBytes) {
		memory = Buffer.allocUnsafeSlow(Math.max(ROOM_BYTES, messageBytes));
	}
	room = new ReceiveRoom(messageBytes, controlBytes, memory);
	rooms.set(key, room);
	return room;
}

// Conversations pay for the question whether more has come once in so many messages.
const LONE_COUNT = 8;

/** How many messages to ask for: one in a conversation, as many as fit where they come close together. */
export class Appetite {
	/** Messages to ask for next. */
	rows = 1;
	#loneCount = 0;

	/** Learns from an answer. Returns whether the socket is drained; after a single message that is a guess, and an event tells if it is wrong. */
	learn(received: number, rowsMax: number): boolean {
		const { rows } = this;
		if (rows === 1) {
			if (++this.#loneCount < LONE_COUNT) return true;
			this.#loneCount = 0;
			this.rows = Math.min(2, rowsMax);
			return true;
		}
		if (received >= rows) {
			this.rows = Math.min(rows * 2, rowsMax);
			return false;
		}
		if (received * 4 < rows || received <= 1) this.rows = rows >> 1;
		return true;
	}
}
