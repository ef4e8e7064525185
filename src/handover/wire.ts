/** One end of a conversation between an old and a new process: messages, descriptors and chunks, in the order of the protocol. */
import { HandoverError, SyscallError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { PacketStream } from "../packet/packet-stream.ts";
import type { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import type { WaitOptions } from "../socket/wait.ts";
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
	readonly #packets: PacketStream;

	/** @param packets taken; opened with `receiveDescriptors` by who expects some */
	constructor(packets: PacketStream) {
		this.#packets = packets;
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
		this.#packets.socket.shutdown("read");
	}

	/** Waiting for what is said keeps the process alive no longer. */
	unref(): void {
		this.#packets.unref();
	}

	/** Ends the conversation. */
	close(): void {
		this.#packets.abort();
	}

	async #send(bytes: Uint8Array, descriptor?: number): Promise<void> {
		const descriptors = descriptor === undefined ? [] : [descriptor];
		try {
			await this.#packets.send(bytes, { descriptors, timeoutMs: LIMITS.handoverStepMs });
		} catch (error) {
			throw asEnded(error);
		}
	}

	async #receive(options: WaitOptions): Promise<Arrival> {
		const received = await this.#packets.receiveMessage(options).catch((error: unknown) => {
			throw asEnded(error);
		});
		if (received === null) throw new HandoverError("ended", ENDED);
		const [descriptor] = received.descriptors;
		try {
			return { said: decode(received.data), descriptor };
		} catch (error) {
			descriptor?.close();
			throw error;
		}
	}
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
