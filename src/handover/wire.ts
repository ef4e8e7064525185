/** One end of a conversation between an old and a new process: messages, descriptors and chunks, in the order of the protocol. */
import { HandoverError, SyscallError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { PacketStream } from "../packet/packet-stream.ts";
import { type ControlMessage, rightsMessage } from "../socket/control.ts";
import type { ReceivedMessage } from "../socket/message-call.ts";
import { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import type { Socket } from "../socket/socket.ts";
import type { WaitOptions } from "../socket/wait.ts";
import { SCM_RIGHTS, SOL_SOCKET } from "../sys/constants.ts";
import { decode, encodeChunk, encodeMessage, type Message, type MessageOf } from "./protocol.ts";

/** What has come: a message and its descriptor, or a chunk. */
interface Arrival {
	readonly said: Message | Uint8Array;
	readonly descriptor: OwnedDescriptor | undefined;
}

/** A message that was waited for. */
export interface Said<Kind extends Message["kind"]> {
	readonly message: MessageOf<Kind>;
	/** Yours to close. */
	readonly descriptor: OwnedDescriptor | undefined;
}

// Well within the default send buffer of a Unix socket.
const CHUNK_BYTES = 65_536;
const ENDED = "The other process ended the conversation without a word";
const GONE = new Set(["EPIPE", "ECONNRESET", "ENOTCONN"]);

/** Speaks for one side. */
export class Wire {
	readonly #socket: Socket;

	/** @param packets taken */
	constructor(packets: PacketStream) {
		this.#socket = packets.detach();
	}

	/**
	 * Says something.
	 *
	 * @param descriptor passed along; stays open here
	 * @throws {HandoverError} "ended": the other side has gone, or listens no more
	 * @throws {TimeoutError} it does not read
	 */
	async send(message: Message, descriptor?: number): Promise<void> {
		await this.#send(encodeMessage(message), descriptor);
	}

	/** Says bytes, in as many chunks as it takes. Errors as `send`. */
	async sendBytes(bytes: Uint8Array): Promise<void> {
		for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
			await this.#send(encodeChunk(bytes.subarray(at, at + CHUNK_BYTES)));
		}
	}

	/**
	 * Waits for one of these messages.
	 *
	 * @throws {HandoverError} the other side refused, by the reason that it gave; "ended": it has gone; "protocol": it said something else
	 * @throws {TimeoutError | AbortError} nothing was lost
	 */
	async expect<Kind extends Message["kind"]>(
		kinds: readonly Kind[],
		options: WaitOptions,
	): Promise<Said<Kind>> {
		const { said, descriptor } = await this.#receive(options);
		if (!(said instanceof Uint8Array) && isOneOf(kinds, said)) return { message: said, descriptor };
		descriptor?.close();
		throw notThisNow(said);
	}

	/** Waits for so many bytes. Errors as `expect`. */
	async expectBytes(count: number, options: WaitOptions): Promise<Uint8Array> {
		const bytes = Buffer.alloc(count);
		let filled = 0;
		while (filled < count) {
			const { said, descriptor } = await this.#receive(options);
			descriptor?.close();
			if (!(said instanceof Uint8Array) || said.length > count - filled) throw notThisNow(said);
			bytes.set(said, filled);
			filled += said.length;
		}
		return bytes;
	}

	/** Lets nothing more in; what has come already can still be received. From now on the other side's sends fail. */
	endReceiving(): void {
		this.#socket.shutdown("read");
	}

	/** Ends the conversation. */
	close(): void {
		this.#socket.close();
	}

	async #send(bytes: Uint8Array, descriptor?: number): Promise<void> {
		const control = descriptor === undefined ? [] : [rightsMessage([descriptor])];
		try {
			await this.#socket.sendmsg([bytes], { control, timeoutMs: LIMITS.handoverStepMs });
		} catch (error) {
			throw asEnded(error);
		}
	}

	async #receive(options: WaitOptions): Promise<Arrival> {
		const room = Buffer.allocUnsafeSlow(CHUNK_BYTES + 1);
		const { bytes, control } = await this.#recvmsg(room, options);
		const descriptor = takeDescriptor(control);
		try {
			if (bytes === 0) throw new HandoverError("ended", ENDED);
			return { said: decode(room.subarray(0, bytes)), descriptor };
		} catch (error) {
			descriptor?.close();
			throw error;
		}
	}

	// The kernel tells of a reset before it gives what came earlier.
	async #recvmsg(room: Uint8Array, options: WaitOptions): Promise<ReceivedMessage> {
		try {
			return await this.#socket.recvmsg([room], options);
		} catch (error) {
			if (asEnded(error) === error) throw error;
			return await this.#socket.recvmsg([room], options);
		}
	}
}

function takeDescriptor(control: readonly ControlMessage[]): OwnedDescriptor | undefined {
	const taken = control
		.filter(({ level, type }) => level === SOL_SOCKET && type === SCM_RIGHTS)
		.flatMap(({ data }) => [...new Int32Array(data.slice().buffer)])
		.map((fd) => OwnedDescriptor.adopt(fd));
	for (const surplus of taken.slice(1)) surplus.close();
	return taken[0];
}

function isOneOf<Kind extends Message["kind"]>(
	kinds: readonly Kind[],
	message: Message,
): message is MessageOf<Kind> {
	return (kinds as readonly string[]).includes(message.kind);
}

function notThisNow(said: Message | Uint8Array): HandoverError {
	if (!(said instanceof Uint8Array) && said.kind === "refuse") {
		return new HandoverError(said.reason, said.text);
	}
	return new HandoverError("protocol", "The other process said something that it must not say now");
}

function asEnded(error: unknown): unknown {
	const isGone = error instanceof SyscallError && GONE.has(error.code);
	return isGone ? new HandoverError("ended", ENDED, { cause: error }) : error;
}
