/**
 * One message at a time, as a conversation has them: received straight into the memory that it stays in, by the cheapest call that can tell
 * everything about it.
 */
import { LIMITS } from "../limits.ts";
import { ARRIVAL_BYTES } from "../socket/arrived-control.ts";
import { SOCKADDR_BYTES_MAX } from "../socket/sockaddr.ts";
import { Slab } from "../stream/slab.ts";
import { MSG_TRUNC } from "../sys/constants.ts";
import {
	BATCH_COLUMNS,
	BATCH_CONTROL_LENGTH,
	BATCH_DATA_LENGTH,
	BATCH_DATA_OFFSET,
	BATCH_NAME_LENGTH,
	BATCH_OUT_BYTES,
	BATCH_OUT_CONTROL_LENGTH,
	BATCH_OUT_FLAGS,
	BATCH_OUT_NAME_LENGTH,
} from "../sys/contract.ts";
import { sys } from "../sys/current.ts";

/** Longest room that a message gets in the slab before it is known how long it is. */
export const LONE_BYTES_MAX: number = LIMITS.messageBytes;

/** Where the thread's messages lie once they are received. */
export const messageSlab: Slab = new Slab(2 * LONE_BYTES_MAX);

/** What the latest call told of its message. Shared by the sockets of a thread; its content lasts until the next call of anybody. */
class LoneMessage {
	/** Room that it had. */
	messageBytes = 0;
	/** The sender's name. */
	readonly names: Uint8Array = new Uint8Array(SOCKADDR_BYTES_MAX);
	readonly control: Uint8Array = new Uint8Array(ARRIVAL_BYTES);
	/** One row; see BATCH_* in sys/contract.ts. */
	readonly table: Int32Array = new Int32Array(BATCH_COLUMNS);

	constructor() {
		this.table[BATCH_NAME_LENGTH] = SOCKADDR_BYTES_MAX;
	}

	/**
	 * Receives one message from a connection, whose sender is known. Parameters as of `receive`.
	 *
	 * @param flags MSG_CTRUNC to be told of dropped control messages
	 */
	receivePlain(fd: number, memory: Uint8Array, start: number, room: number, flags: number): number {
		this.messageBytes = room;
		const length = sys.recv(fd, memory, start, room, MSG_TRUNC | flags);
		this.table[BATCH_OUT_FLAGS] = sys.out[2] as number;
		return length;
	}

	/** Receives one message with its sender's name. Parameters as of `receivePlain`. */
	receiveNamed(fd: number, memory: Uint8Array, start: number, room: number, flags: number): number {
		const { table } = this;
		this.messageBytes = room;
		const length = sys.recvfrom(fd, memory, start, room, MSG_TRUNC | flags, this.names);
		table[BATCH_OUT_NAME_LENGTH] = sys.out[0] as number;
		table[BATCH_OUT_CONTROL_LENGTH] = 0;
		table[BATCH_OUT_FLAGS] = sys.out[2] as number;
		return length;
	}

	/**
	 * Receives one message with its sender's name and its control messages.
	 *
	 * @param start where in `memory` it is to begin
	 * @param room bytes it may have there, the rest being cut
	 * @param controlBytes room of its control messages, 1..2048
	 * @returns its true length, or -errno
	 */
	receive(
		fd: number,
		memory: Uint8Array,
		start: number,
		room: number,
		controlBytes: number,
	): number {
		const { table } = this;
		this.messageBytes = room;
		table[BATCH_DATA_OFFSET] = start;
		table[BATCH_DATA_LENGTH] = room;
		table[BATCH_CONTROL_LENGTH] = controlBytes;
		const rc = sys.recvmmsg(fd, table, 0, 1, memory, this.names, this.control, MSG_TRUNC);
		return rc < 0 ? rc : (table[BATCH_OUT_BYTES] as number);
	}
}

/** The thread's only one. */
export const loneMessage: LoneMessage = new LoneMessage();
