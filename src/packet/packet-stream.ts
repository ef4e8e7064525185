/** `PacketStream`: a connection that keeps message boundaries. */
import { type Known, requireBytes, requireBytesOrText, requireInteger } from "../arguments.ts";
import { BusyError, ClosedError, TruncatedError, UnsupportedError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { loopOver } from "../loop.ts";
import type { ArrivalOptions } from "../socket/arrived-control.ts";
import { tellDetached, tellOpened } from "../socket/diagnostics.ts";
import { ENABLE } from "../socket/little-endian.ts";
import { PASS, Passage, type PassOptions } from "../socket/passage.ts";
import type { Socket } from "../socket/socket.ts";
import { checkWait, WAIT, type WaitOptions } from "../socket/wait.ts";
import { Connected, type ConnectedNames } from "../stream/connected.ts";
import { Connection, type HandedOff } from "../stream/connection.ts";
import { SO_TIMESTAMPNS, SOL_SOCKET } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { Companions } from "./companions.ts";
import type { PacketChannel } from "./packet-contract.ts";
import { PacketIntake, type PacketMessage, STAMP_BYTES } from "./packet-intake.ts";
import { PacketQueue } from "./packet-queue.ts";
import { PacketReader } from "./packet-reader.ts";
import type { PacketStreamStats } from "./packet-stream-stats.ts";

/** Transports of connected messages. */
export type PacketTransport = "unix-seqpacket" | "vsock-seqpacket";

/** Options of connections of messages: of `socketpair`, and among those of `adopt`. */
export interface PacketStreamOptions extends ArrivalOptions {
	/** Largest message that can be received, 1..67108864 bytes; a longer one is lost, and its `receive` rejects. Default 262144, which is more than a Unix socket sends by default. */
	readonly maxMessageBytes?: number | undefined;
}

/** Options of `PacketStream.send`. */
export interface PacketSendOptions extends WaitOptions, PassOptions {}

const SEND: Known<PacketSendOptions> = { ...WAIT, ...PASS };
const MESSAGE_BYTES_MAX = 67_108_864;
const DISCARDS_MAX = 64;
const NAMES: ConnectedNames = {
	whole: "The connection",
	writing: "The sending side of the connection",
};
const discarded = new Uint8Array(1);

/** A connection of messages: Unix or vsock seqpacket. Made by `connect`, a `Listener`, `socketpair` or `adopt`. */
export class PacketStream<T extends PacketTransport = PacketTransport>
	extends Connected<T>
	implements PacketChannel
{
	readonly #intake: PacketIntake;
	readonly #companions: Companions;
	readonly #reader: PacketReader;
	readonly #queue: PacketQueue;

	/** @internal */
	constructor(connection: Connection, options: PacketStreamOptions = {}) {
		super(connection);
		const { socket, transport } = connection;
		const isUnix = transport === "unix-seqpacket";
		const messageBytes = requireInteger(
			"maxMessageBytes",
			options.maxMessageBytes ?? LIMITS.messageBytes,
			1,
			MESSAGE_BYTES_MAX,
		);
		// Both an empty message and the end read as 0; only a message has a timestamp.
		if (isUnix) socket.setsockopt(SOL_SOCKET, SO_TIMESTAMPNS, ENABLE);
		this.#companions = new Companions(socket, isUnix, options, STAMP_BYTES);
		this.#intake = new PacketIntake(socket.descriptor, messageBytes, isUnix, this.#companions);
		this.#reader = new PacketReader(socket, this.#intake);
		this.#queue = new PacketQueue(socket);
		tellOpened(socket, this);
	}

	/**
	 * Makes a packet stream of a connected socket.
	 *
	 * @param socket taken: it is closed with the stream
	 * @throws {OutOfRangeError} an option is out of range; the socket is left to the caller then
	 * @throws {UnsupportedError} an option needs a Unix socket, or a newer kernel
	 * @throws {SyscallError} ENOTCONN, ENOTSOCK
	 */
	static over<T extends PacketTransport>(
		socket: Socket,
		transport: T,
		options?: PacketStreamOptions,
	): PacketStream<T> {
		return new PacketStream(new Connection(socket, transport), options);
	}

	/** @internal */
	protected override get names(): ConnectedNames {
		return NAMES;
	}

	/** Tells it from a `Stream` and the others: as in events and figures. */
	get kind(): "packets" {
		return "packets";
	}

	/** What kind of connection it is: that of its addresses. */
	get transport(): T {
		return this.connection.transport as T;
	}

	/** Figures of now: frozen, and the last ones once it is closed. */
	stats(): PacketStreamStats {
		const { kind, transport, receivedCount, sentCount } = this;
		const { queuedBytes, refusedDescriptorsCount } = this;
		const { receivedBytes } = this.#intake;
		const { sentBytes } = this.#queue;
		const messages = { receivedCount, sentCount, receivedBytes, sentBytes };
		return Object.freeze({ kind, transport, ...messages, queuedBytes, refusedDescriptorsCount });
	}

	get receivedCount(): number {
		return this.#intake.receivedCount;
	}

	/**
	 * Messages whose descriptors were refused: none was asked for by `receiveDescriptors`, or the message was received by `receive`, which has no
	 * place for them. The messages themselves arrived.
	 */
	get refusedDescriptorsCount(): number {
		return this.#companions.refusedCount;
	}

	get sentCount(): number {
		return this.#queue.sentCount;
	}

	get queuedBytes(): number {
		return this.#queue.queuedBytes;
	}

	receive(options?: WaitOptions): Promise<Uint8Array | null> {
		return this.#reader.next(options) as Promise<Uint8Array | null>;
	}

	/**
	 * Receives one message with what came along: descriptors if `receiveDescriptors` was asked for, credentials if `receiveCredentials` was; null
	 * at the end. Then messages are received one at a time, so that no descriptor is opened before somebody asks for its message.
	 *
	 * @throws {LimitError} more descriptors than were asked for; all of them are closed, the message is lost, the next one comes
	 * @throws {DescriptorsLostError} the process has no room for them; otherwise the same
	 * @throws as `receive`
	 * @see recvmsg(2); unix(7) for SCM_RIGHTS, SCM_CREDENTIALS
	 */
	receiveMessage(options?: WaitOptions): Promise<PacketMessage | null> {
		return this.#reader.nextWhole(options);
	}

	receiveInto(target: Uint8Array, options?: WaitOptions): Promise<number | null> {
		try {
			const bytes = requireBytes("target", target);
			if (bytes.length === 0) return this.#receiveEmpty(options);
			return this.#reader.next(options, bytes) as Promise<number | null>;
		} catch (error) {
			return Promise.reject(error);
		}
	}

	[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
		return loopOver(() => this.#reader.nextOfLoop() as Promise<IteratorResult<Uint8Array>>);
	}

	/**
	 * Sends one message, whole, with descriptors and credentials if the options have some: they belong to this message alone. Resolves when the
	 * kernel has it. An empty message can carry them too.
	 *
	 * @throws {LimitError} more than 253 descriptors
	 * @throws {UnsupportedError} descriptors or credentials over vsock
	 * @throws {ClosedError} something to be passed is closed already; or as `PacketSink.send`
	 * @throws {SyscallError} EPERM, ESRCH: these credentials cannot be claimed. ETOOMANYREFS: too many descriptors are in flight. EMFILE: the
	 *   message has to wait, and no descriptor is free for duplicates. The connection stays usable
	 * @throws as `PacketSink.send`; what was given by `give` is closed in any case, but for a call that is wrong in itself
	 * @see sendmsg(2); unix(7) for SCM_RIGHTS, SCM_CREDENTIALS
	 */
	send(data: Uint8Array | string, options?: PacketSendOptions): Promise<void> {
		try {
			const bytes = this.#checkMessage(data, options);
			const passage = options && this.#passageOf(options);
			if (passage === undefined) return this.#queue.send(bytes, options);
			return this.#queue.sendWith(bytes, passage, options);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	/**
	 * Sends one message now, before this returns.
	 *
	 * @returns false when the kernel is full, or messages wait that were to go before: then it was not sent
	 * @throws as `send` rejects
	 */
	trySend(data: Uint8Array | string, options?: PacketSendOptions): boolean {
		const bytes = this.#checkMessage(data, options);
		const passage = options && this.#passageOf(options);
		try {
			return this.#queue.trySend(bytes, passage);
		} finally {
			passage?.close();
		}
	}

	abort(): void {
		if (this.isGiven) return;
		this.markClosed();
		this.#fail();
		this.connection.close();
	}

	/**
	 * Gives the socket away, open; this stream is closed then.
	 *
	 * @returns yours to close
	 * @throws {BusyError} messages are queued or were received ahead: they would be lost
	 * @throws {ClosedError} it was closed before
	 */
	detach(): Socket {
		this.checkOpen();
		if (this.queuedBytes > 0 || this.#intake.hasMessages) {
			throw new BusyError(
				"Messages are queued or received ahead: send and receive them before detach()",
			);
		}
		this.markGiven();
		this.#fail();
		tellDetached(this.socket);
		return this.socket;
	}

	/** @internal Gives the socket away, if the program waits for a message and has nothing under way; otherwise as `Stream.handOff`. */
	handOff(): Promise<HandedOff> | undefined {
		const isIdle = this.#reader.waiting && this.queuedBytes === 0 && !this.writeEnded;
		if (this.closed || !isIdle || this.#intake.hasMessages) return undefined;
		// What comes along would be refused at its new place.
		if (this.#companions.isAsked) return undefined;
		this.markClosed();
		this.#fail();
		return Promise.resolve({ socket: this.connection.part(), unread: new Uint8Array() });
	}

	async #receiveEmpty(options: WaitOptions | undefined): Promise<number | null> {
		const message = await this.receive(options);
		if (message !== null && message.length > 0) throw new TruncatedError(message.length, 0);
		return message && 0;
	}

	#checkMessage(data: Uint8Array | string, options: WaitOptions | undefined): Uint8Array {
		if (options !== undefined) checkWait(options, SEND);
		this.checkWritable(undefined);
		const bytes = requireBytesOrText("data", data);
		if (bytes.length === 0) this.#checkEmpty();
		return bytes;
	}

	// Last of all checks: what it takes over has to be closed.
	#passageOf(options: PacketSendOptions): Passage | undefined {
		return Passage.of(options, this.connection.transport === "unix-seqpacket");
	}

	// vsock(7) drops an empty message without a word: virtio_transport_common.c has nothing to put it into.
	#checkEmpty(): void {
		if (this.connection.transport === "unix-seqpacket") return;
		throw new UnsupportedError("empty vsock messages", "send one byte or more");
	}

	#fail(): void {
		const error = new ClosedError("The connection");
		this.#queue.fail(error);
		this.#reader.fail(error);
	}

	/** @internal */
	protected override sendAll(options: WaitOptions | undefined): Promise<void> {
		return this.#queue.drain(options);
	}

	/** @internal */
	protected override async finish(options: WaitOptions | undefined): Promise<void> {
		this.#reader.fail(new ClosedError("The connection"));
		try {
			checkWait(options);
			const timeoutMs = options?.timeoutMs ?? LIMITS.closeMs;
			await this.#queue.drain({ ...options, timeoutMs });
		} finally {
			this.#fail();
			if (!this.#intake.ended) this.#discardUnread();
			this.connection.close();
		}
	}

	// Unread messages turn close(2) into a reset of the peer, which then is told of that instead of its last messages.
	#discardUnread(): void {
		if (this.socket.closed) return;
		for (let i = 0; i < DISCARDS_MAX; i++) {
			if (sys.recv(this.socket.fd, discarded, 0, 1, 0) <= 0) return;
		}
	}
}
