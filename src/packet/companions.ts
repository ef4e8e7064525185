/** What comes along with the messages of one Unix socket: taken over, or refused and counted. */
import {
	type ArrivalOptions,
	type ArrivedControl,
	askForCredentials,
	bringsDescriptors,
	controlBytesFor,
	type MessageCredentials,
	takeArrived,
	type Wanted,
	wantedOf,
} from "../socket/arrived-control.ts";
import { tellDropped } from "../socket/diagnostics.ts";
import type { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import type { Socket } from "../socket/socket.ts";
import { MSG_CTRUNC } from "../sys/constants.ts";
import {
	BATCH_COLUMNS,
	BATCH_CONTROL_OFFSET,
	BATCH_OUT_CONTROL_LENGTH,
	BATCH_OUT_FLAGS,
} from "../sys/contract.ts";

/** Control messages as one recvmmsg left them. */
export interface ControlRows {
	/** See BATCH_* in sys/contract.ts. */
	readonly table: Int32Array;
	readonly control: Uint8Array | null;
}

/** What came along with one message, or why it could not be taken; undefined when nothing is asked for. */
export type Companion = ArrivedControl | Error | undefined;

/** What came along with a message, as its receiver sees it. */
export interface Told {
	readonly descriptors?: OwnedDescriptor[];
	readonly credentials?: MessageCredentials;
}

/** Takes or refuses what comes along. */
export class Companions {
	/** Messages whose descriptors were refused. */
	refusedCount = 0;
	/** Whose messages they are. */
	readonly socket: Socket;
	/** Whether anything is asked for. */
	readonly isAsked: boolean;
	/** Whether a message can bring descriptors: then one is received at a time, so that none is opened for a message that nobody asks for. */
	readonly isOwning: boolean;
	/** Room of the control messages of one message. */
	readonly controlBytes: number;
	readonly #wanted: Wanted;
	readonly #isUnix: boolean;
	#missedCount = 0;

	/**
	 * @param otherBytes room of the control messages that are wanted besides
	 * @throws {InvalidTypeError | OutOfRangeError} an option is wrong
	 * @throws {UnsupportedError} the socket or the kernel cannot do it
	 */
	constructor(socket: Socket, isUnix: boolean, options: ArrivalOptions, otherBytes: number) {
		const wanted = wantedOf(options, isUnix);
		askForCredentials(socket, options.receiveCredentials);
		this.socket = socket;
		this.#wanted = wanted;
		this.#isUnix = isUnix;
		this.isAsked = wanted.descriptorsCount > 0 || wanted.credentials;
		this.isOwning = bringsDescriptors(wanted);
		this.controlBytes = controlBytesFor(wanted, otherBytes);
	}

	/** Flags for the calls that tell of dropped control messages only when they are asked to. */
	get flags(): number {
		return this.#isUnix ? MSG_CTRUNC : 0;
	}

	/** Counts a message of which nothing but its bytes was wanted. */
	note(flags: number): void {
		if ((flags & MSG_CTRUNC) !== 0 && this.#isUnix) this.#countRefused();
	}

	/** Is told how many messages the kernel has dropped so far, modulo 2^32. */
	noteMissed(count: number): void {
		const more = (count - this.#missedCount) >>> 0;
		this.#missedCount = count;
		tellDropped(this.socket, "missed", more);
	}

	/** Takes what came along with row `row`; whatever is not handed out is closed. Never throws. */
	takeRow({ table, control }: ControlRows, row: number): Companion {
		const base = row * BATCH_COLUMNS;
		const flags = table[base + BATCH_OUT_FLAGS] as number;
		if (!this.isAsked || control === null) {
			this.note(flags);
			return undefined;
		}
		const start = table[base + BATCH_CONTROL_OFFSET] as number;
		const end = start + (table[base + BATCH_OUT_CONTROL_LENGTH] as number);
		try {
			const arrived = takeArrived(control.subarray(start, end), flags, this.#wanted);
			if (arrived.refused) this.#countRefused();
			return arrived;
		} catch (error) {
			return error as Error;
		}
	}

	/** What came along, as far as it was asked for. */
	told({ descriptors, credentials }: ArrivedControl): Told {
		return {
			...(this.#wanted.descriptorsCount > 0 && { descriptors }),
			...(credentials !== undefined && { credentials }),
		};
	}

	/** Closes what came along with a message, because its receiver takes bytes only. */
	refuse(companion: Companion): void {
		if (companion === undefined) return;
		if (companion instanceof Error || companion.descriptors.length > 0) this.#countRefused();
		closeCompanion(companion);
	}

	#countRefused(): void {
		this.refusedCount++;
		tellDropped(this.socket, "descriptors", 1);
	}
}

/** Closes what came along with a message. */
export function closeCompanion(companion: Companion): void {
	if (companion === undefined || companion instanceof Error) return;
	for (const each of companion.descriptors) each.close();
	companion.credentials?.pidfd?.close();
}
