/** Message channels without a socket: two connected ends in memory that keep boundaries, for tests that want no kernel. */
import { type Known, requireBytes, requireInteger, requireOptions } from "../arguments.ts";
import { syscallError, TruncatedError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { loopOver, loopTurn } from "../loop.ts";
import type { PacketChannel } from "../packet/packet-contract.ts";
import type { WaitOptions } from "../socket/wait.ts";
import { EMSGSIZE } from "../sys/errno.ts";
import { MemoryLink } from "./memory-link.ts";
import { MemoryPipe, type PendingWrite } from "./memory-pipe.ts";

/** Options of `memoryPackets`. */
export interface MemoryPacketsOptions {
	/** Messages that one direction holds unread, 1..1000000. Default 64. */
	readonly capacityMessages?: number | undefined;
	/** Largest message, 1..1073741824 bytes; a larger one is refused with EMSGSIZE. Default 262144. */
	readonly maxMessageBytes?: number | undefined;
}

const KNOWN: Known<MemoryPacketsOptions> = {
	capacityMessages: true,
	maxMessageBytes: true,
};

const CAPACITY_DEFAULT = 64;
const CAPACITY_MAX = 1_000_000;
const MESSAGE_MAX = 1_073_741_824;

/**
 * Makes two connected ends: what is sent to one is received from the other.
 *
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an option is wrong, or unknown
 */
export function memoryPackets(options: MemoryPacketsOptions = {}): [MemoryPackets, MemoryPackets] {
	const given = requireOptions(options, KNOWN);
	const { capacityMessages = CAPACITY_DEFAULT, maxMessageBytes = LIMITS.messageBytes } = given;
	requireInteger("capacityMessages", capacityMessages, 1, CAPACITY_MAX);
	requireInteger("maxMessageBytes", maxMessageBytes, 1, MESSAGE_MAX);
	const [there, back] = [new MessagePipe(capacityMessages), new MessagePipe(capacityMessages)];
	return [
		new MemoryPackets(back, there, maxMessageBytes),
		new MemoryPackets(there, back, maxMessageBytes),
	];
}

class MessagePipe extends MemoryPipe {
	readonly #capacityMessages: number;
	#messages: Uint8Array[] = [];

	constructor(capacityMessages: number) {
		super();
		this.#capacityMessages = capacityMessages;
	}

	protected override store(write: PendingWrite): boolean {
		if (this.#messages.length === this.#capacityMessages) return false;
		this.#messages.push(Buffer.from(write.data));
		return true;
	}

	protected override take(): Uint8Array | undefined {
		return this.#messages.shift();
	}

	protected override clear(): void {
		this.#messages = [];
	}
}

/** One end of a message channel in memory. Made by `memoryPackets`. */
export class MemoryPackets implements PacketChannel {
	readonly #link: MemoryLink<MessagePipe>;
	readonly #maxMessageBytes: number;
	#sent = 0;
	#received = 0;

	/** @internal */
	constructor(incoming: MessagePipe, outgoing: MessagePipe, maxMessageBytes: number) {
		this.#link = new MemoryLink(incoming, outgoing, "The connection");
		this.#maxMessageBytes = maxMessageBytes;
	}

	get receivedCount(): number {
		return this.#received;
	}

	get sentCount(): number {
		return this.#sent;
	}

	get queuedBytes(): number {
		return this.#link.outgoing.queuedBytes;
	}

	async receive(options?: WaitOptions): Promise<Uint8Array | null> {
		const message = await this.#link.incoming.read(undefined, options);
		if (message !== null) this.#received++;
		return message;
	}

	async receiveInto(target: Uint8Array, options?: WaitOptions): Promise<number | null> {
		const bytes = requireBytes("target", target);
		const message = await this.receive(options);
		if (message === null) return null;
		bytes.set(message.subarray(0, bytes.length));
		if (message.length > bytes.length) throw new TruncatedError(message.length, bytes.length);
		return message.length;
	}

	[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
		return loopOver(async () => loopTurn(await this.receive()));
	}

	async send(data: Uint8Array | string, options?: WaitOptions): Promise<void> {
		this.#link.checkWritable(options);
		const bytes = typeof data === "string" ? Buffer.from(data) : requireBytes("data", data);
		if (bytes.length > this.#maxMessageBytes) throw syscallError("send", EMSGSIZE);
		await this.#link.outgoing.write(bytes, options);
		this.#sent++;
	}

	closeWrite(options?: WaitOptions): Promise<void> {
		return this.#link.closeWrite(options);
	}

	close(options?: WaitOptions): Promise<void> {
		return this.#link.close(options);
	}

	abort(): void {
		this.#link.abort();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}
}
