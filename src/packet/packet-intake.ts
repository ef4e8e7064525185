/** Messages of a connection on their way from the kernel. */
import { syscallError, TruncatedError } from "../errors.ts";
import type { MessageCredentials } from "../socket/arrived-control.ts";
import type { Descriptor } from "../socket/descriptor.ts";
import { tellError } from "../socket/diagnostics.ts";
import type { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import {
	BATCH_COLUMNS,
	BATCH_OUT_BYTES,
	BATCH_OUT_CONTROL_LENGTH,
	BATCH_OUT_FLAGS,
} from "../sys/contract.ts";
import { ECONNRESET } from "../sys/errno.ts";
import { type Companion, type Companions, closeCompanion } from "./companions.ts";
import { LONE_BYTES_MAX, loneMessage, messageSlab } from "./lone-message.ts";
import type { Intake } from "./message-reader.ts";
import { Appetite, type ReceiveRoom, sharedRoom } from "./receive-room.ts";

/**
 * Room of a timestamp: struct cmsghdr and struct timespec. With nothing else asked for it is the only room, so that no descriptor which a peer
 * sends along can get into this process; the kernel closes those.
 */
export const STAMP_BYTES = 32;

/** A message as a view, or its length where the caller gave the memory; null at the end. */
export type Packet = Uint8Array | number | null;

/** A message, and what came along with it. */
export interface PacketMessage {
	/** As of `receive`. */
	readonly data: Uint8Array;
	/** Descriptors in the order in which they were sent, each yours to close; empty unless `receiveDescriptors` was asked for. */
	readonly descriptors: OwnedDescriptor[];
	/** Who sent it, if `receiveCredentials` was asked for. */
	readonly credentials?: MessageCredentials | undefined;
}

/** Receives for one connected socket. */
export class PacketIntake implements Intake<Packet> {
	drained = false;
	syscall = "recvmmsg";
	/** Messages handed out. */
	receivedCount = 0;
	/** Bytes of them. */
	receivedBytes = 0;
	readonly #descriptor: Descriptor;
	readonly #messageBytes: number;
	readonly #isStamped: boolean;
	readonly #companions: Companions;
	readonly #appetite = new Appetite();
	readonly #messages: (Uint8Array | Error)[] = [];
	// Of each of them, when something is asked for.
	readonly #companionOf: Companion[] = [];
	#next = 0;
	// True length of the message that lies in the target or at the slab's end; -1 when there is none.
	#loneBytes = -1;
	#loneCompanion: Companion;
	// Reads that found the end. The kernel looks for a message first and for the end then, and the last message can come in between: one is not enough.
	#ends = 0;
	#failure: Error | undefined;

	/**
	 * @param descriptor told to tell the peer's end from messages
	 * @param messageBytes room of one message
	 * @param isStamped whether the socket has SO_TIMESTAMPNS: an empty message then has a timestamp, the end has none
	 * @param companions for what comes along
	 */
	constructor(
		descriptor: Descriptor,
		messageBytes: number,
		isStamped: boolean,
		companions: Companions,
	) {
		if (isStamped) descriptor.watchEnd();
		this.#descriptor = descriptor;
		this.#messageBytes = messageBytes;
		this.#isStamped = isStamped;
		this.#companions = companions;
	}

	/** Whether the peer's end has been reached. */
	get ended(): boolean {
		return this.#ends > 1;
	}

	/** Whether messages were fetched that nobody has taken. */
	get hasMessages(): boolean {
		return this.#next < this.#messages.length;
	}

	get available(): boolean {
		return this.#next < this.#messages.length || this.ended;
	}

	fill(fd: number, target: Uint8Array | undefined): number {
		const rc = this.#fillOnce(fd, target);
		const isInDoubt = rc >= 0 && this.#loneBytes < 0 && !this.available;
		return isInDoubt ? this.#fillOnce(fd, target) : rc;
	}

	#fillOnce(fd: number, target: Uint8Array | undefined): number {
		if (
			this.#appetite.rows === 1 &&
			(target !== undefined || this.#messageBytes <= LONE_BYTES_MAX)
		) {
			const rc = this.#fillOne(fd, target);
			if (rc !== ECONNRESET) return rc;
			this.#break(rc);
		}
		return this.#fillMany(fd);
	}

	take(target: Uint8Array | undefined): Packet {
		if (this.#companions.isAsked) this.#companions.refuse(this.#takeCompanion());
		if (this.#loneBytes >= 0) return this.#takeLone(target);
		const message = this.#messages[this.#next];
		if (message === undefined) {
			if (this.#failure !== undefined) throw this.#failure;
			return null;
		}
		if (++this.#next === this.#messages.length) this.clear();
		if (message instanceof Error) throw message;
		this.receivedCount++;
		this.receivedBytes += message.length;
		if (target === undefined) return message;
		target.set(message.length > target.length ? message.subarray(0, target.length) : message);
		return fitting(message.length, target.length);
	}

	/** The next message with what came along. May throw an error that concerns this message alone, whose descriptors are closed then. */
	takeWhole(): PacketMessage | null {
		const companion = this.#takeCompanion();
		try {
			const data = this.take(undefined) as Uint8Array | null;
			if (companion instanceof Error) throw companion;
			return data && { data, descriptors: [], ...companion };
		} catch (error) {
			closeCompanion(companion);
			throw error;
		}
	}

	clear(): void {
		for (const companion of this.#companionOf) closeCompanion(companion);
		this.#companionOf.length = 0;
		this.#messages.length = 0;
		this.#next = 0;
	}

	// Of the message that `take` gives next; it is the receiver's from now on.
	#takeCompanion(): Companion {
		const isLone = this.#loneBytes >= 0;
		const companion = isLone ? this.#loneCompanion : this.#companionOf[this.#next];
		if (isLone) this.#loneCompanion = undefined;
		else if (this.#next < this.#companionOf.length) this.#companionOf[this.#next] = undefined;
		return companion;
	}

	#fillOne(fd: number, target: Uint8Array | undefined): number {
		if (target === undefined) messageSlab.reserve(this.#messageBytes);
		const memory = target ?? messageSlab.memory;
		const start = target === undefined ? messageSlab.used : 0;
		const room =
			target === undefined ? this.#messageBytes : Math.min(target.length, this.#messageBytes);
		const descriptor = this.#descriptor;
		const companions = this.#companions;
		const isPlain = (descriptor.hasSurelyInput || !this.#isStamped) && !companions.isAsked;
		descriptor.hasSurelyInput = false;
		this.syscall = isPlain ? "recv" : "recvmmsg";
		const length = isPlain
			? loneMessage.receivePlain(fd, memory, start, room, companions.flags)
			: loneMessage.receive(fd, memory, start, room, companions.controlBytes);
		if (length < 0) return length;
		this.drained = !companions.isOwning && this.#appetite.learn(1, 2);
		const isMessage = isPlain ? length > 0 || this.#isStamped : this.#isMessage(loneMessage, 0);
		if (isMessage) {
			this.#loneBytes = length;
			if (isPlain) companions.note(loneMessage.table[BATCH_OUT_FLAGS] as number);
			else this.#loneCompanion = companions.takeRow(loneMessage, 0);
		} else this.#ends++;
		return length;
	}

	#takeLone(target: Uint8Array | undefined): Uint8Array | number {
		const length = this.#loneBytes;
		this.#loneBytes = -1;
		fitting(length, loneMessage.messageBytes);
		this.receivedCount++;
		this.receivedBytes += length;
		return target === undefined ? messageSlab.take(length) : length;
	}

	#fillMany(fd: number): number {
		this.syscall = "recvmmsg";
		this.#descriptor.hasSurelyInput = false;
		const companions = this.#companions;
		const room = sharedRoom(this.#messageBytes, companions.controlBytes);
		const rows = companions.isOwning ? 1 : Math.min(this.#appetite.rows, room.rows);
		let count = room.receive(fd, rows);
		if (count === ECONNRESET) {
			// The kernel tells of the reset before it gives the messages that came earlier.
			this.#break(count);
			count = room.receive(fd, rows);
		}
		this.drained = count >= 0 && !companions.isOwning && this.#appetite.learn(count, room.rows);
		this.clear();
		for (let row = 0; row < count && !this.ended; row++) {
			const length = room.table[row * BATCH_COLUMNS + BATCH_OUT_BYTES] as number;
			if (this.#isMessage(room, row)) {
				this.#messages.push(this.#copy(room.data, row, length));
				const companion = companions.takeRow(room, row);
				if (companions.isAsked) this.#companionOf.push(companion);
			} else this.#ends++;
		}
		return count;
	}

	#break(rc: number): void {
		this.#failure = syscallError(this.syscall, rc);
		tellError(this.#companions.socket, "receive", this.#failure);
	}

	#isMessage({ table }: Pick<ReceiveRoom, "table">, row: number): boolean {
		const base = row * BATCH_COLUMNS;
		if ((table[base + BATCH_OUT_BYTES] as number) > 0) return true;
		return this.#isStamped && table[base + BATCH_OUT_CONTROL_LENGTH] !== 0;
	}

	#copy(data: Buffer, row: number, length: number): Uint8Array | Error {
		if (length > this.#messageBytes) return new TruncatedError(length, this.#messageBytes);
		messageSlab.reserve(length);
		const start = row * this.#messageBytes;
		data.copy(messageSlab.memory, messageSlab.used, start, start + length);
		return messageSlab.take(length);
	}
}

function fitting(length: number, room: number): number {
	if (length > room) throw new TruncatedError(length, room);
	return length;
}
