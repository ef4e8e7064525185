/** `Datagrams`: a socket that sends and receives datagrams. */
import { BusyError, ClosedError, InvalidAddressError, UnsupportedError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { loopOver } from "../loop.ts";
import { type Intake, MessageReader } from "../packet/message-reader.ts";
import type { Address, AddressOf } from "../socket/address.ts";
import { tellDetached, tellOpened } from "../socket/diagnostics.ts";
import type { SocketFamily } from "../socket/kind.ts";
import { Passage } from "../socket/passage.ts";
import type { SocketAddress } from "../socket/sockaddr.ts";
import { Socket } from "../socket/socket.ts";
import { fromSocketAddress } from "../socket/transport.ts";
import { checkWait, type WaitOptions } from "../socket/wait.ts";
import type { BoundFile, HandedOff } from "../stream/connection.ts";
import { OpenSocket } from "../stream/open-socket.ts";
import { BatchIntake } from "./batch-intake.ts";
import type { DatagramBatch } from "./datagram-batch.ts";
import type { Datagram, DatagramChannel, DatagramTransport } from "./datagram-contract.ts";
import { DatagramIntake } from "./datagram-intake.ts";
import { applyDatagramsOptions, type DatagramsOptions } from "./datagram-options.ts";
import { DatagramQueue } from "./datagram-queue.ts";
import { type DatagramsStats, datagramsStats, readMissedCount } from "./datagrams-stats.ts";
import { type Destination, Destinations, peerOf } from "./destinations.ts";
import { Multicast } from "./multicast.ts";
import { getPathMtu } from "./path-mtu.ts";
import { payloadOf, refusePassing, runOf } from "./send-arguments.ts";
import { SEND, type SendDetails, type SendOptions, withDetails } from "./send-details.ts";

/** @internal What a datagram socket hands over to another owner. */
export interface ReleasedDatagrams {
	readonly fd: number;
	/** What had come and nobody has received. */
	readonly unread: readonly Datagram[];
}

/** A datagram socket: UDP, Unix or vsock. Made by `datagrams`, `socketpair` or `adopt`. */
export class Datagrams<T extends DatagramTransport = DatagramTransport>
	extends OpenSocket
	implements DatagramChannel
{
	/** @internal The socket file that goes with it, by way of `cleanUp`. */
	readonly file: BoundFile | undefined;
	readonly #transport: T;
	readonly #cleanUp: (() => void) | undefined;
	readonly #intake: DatagramIntake;
	readonly #reader: MessageReader<Datagram<T>>;
	readonly #queue: DatagramQueue;
	#batchReader: MessageReader<DatagramBatch<T>> | undefined;
	readonly #destinations: Destinations;
	readonly #peerDestination: Destination | undefined;
	readonly #peer: AddressOf<T> | undefined;
	#address: AddressOf<T> | undefined;
	#multicast: Multicast | undefined;
	#missedCount: number | undefined;
	// Why nothing more is received, although it is open.
	#retirement: ClosedError | undefined;

	/** @internal */
	constructor(
		socket: Socket,
		transport: T,
		options: DatagramsOptions,
		cleanUp?: () => void,
		file?: BoundFile,
		knownPeer?: SocketAddress,
	) {
		super(socket);
		const peer = knownPeer ?? peerOf(socket);
		const { intake, queue } = applyDatagramsOptions(socket, transport, options, peer !== undefined);
		this.file = file;
		this.#transport = transport;
		this.#cleanUp = cleanUp;
		this.#intake = new DatagramIntake(intake);
		const received = this.#intake as Intake<Datagram> as Intake<Datagram<T>>;
		this.#reader = new MessageReader(socket, received, "The socket", false);
		this.#queue = new DatagramQueue(queue);
		this.#destinations = new Destinations(transport, socket.family as SocketFamily);
		this.#peer = peer && fromSocketAddress(transport, peer);
		this.#peerDestination = peer && Destinations.ofPeer(peer);
		tellOpened(socket, this);
	}

	/**
	 * Makes a datagram socket of one that is open, bound and connected as it shall be.
	 *
	 * @param socket taken: it is closed with this object
	 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an option is wrong, or unknown; the socket is left to the caller then
	 * @throws {SyscallError} EBADF, ENOTSOCK, or an option failed
	 */
	static over<T extends DatagramTransport>(
		socket: Socket,
		transport: T,
		options: DatagramsOptions = {},
	): Datagrams<T> {
		return new Datagrams(socket, transport, options);
	}

	/** Tells it from connections and listeners: as in events and figures. */
	get kind(): "datagrams" {
		return "datagrams";
	}

	/** What kind of socket it is: that of its addresses. */
	get transport(): T {
		return this.#transport;
	}

	/** Figures of now: frozen, and the last ones once it is closed. Asks the kernel what it has dropped. */
	stats(): DatagramsStats {
		if (!this.closed) this.#missedCount = readMissedCount(this.socket);
		return datagramsStats(this.#transport, this.#intake, this.#queue, this.#missedCount);
	}

	/** Address of this end, with the port that the kernel chose; getsockname(2). What it was, once closed. */
	get address(): AddressOf<T> {
		const name = this.file?.address;
		this.#address ??= fromSocketAddress(this.#transport, name ?? this.socket.getsockname());
		return this.#address;
	}

	/** Address of the other end of a connected socket; undefined for others. */
	get peer(): AddressOf<T> | undefined {
		return this.#peer;
	}

	/**
	 * Largest packet in bytes, headers included, that is known to reach the peer of a connected UDP socket; IP_MTU of ip(7), IPV6_MTU of ipv6(7).
	 *
	 * @throws {SyscallError} ENOTCONN: the socket has no peer
	 */
	get pathMtu(): number {
		const isIpv4 = this.#peerDestination?.isIpv4 ?? this.socket.family === "inet";
		return getPathMtu(this.socket, isIpv4);
	}

	/**
	 * Groups to receive from, and how to send to groups.
	 *
	 * @throws {UnsupportedError} no UDP socket
	 */
	get multicast(): Multicast {
		if (this.#transport !== "udp") throw new UnsupportedError("multicast", "only UDP has it");
		this.#multicast ??= new Multicast(this.socket);
		return this.#multicast;
	}

	get receivedCount(): number {
		return this.#intake.receivedCount;
	}

	/**
	 * Datagrams whose descriptors were refused, because none was asked for by `receiveDescriptors`. The datagrams themselves arrived.
	 */
	get refusedDescriptorsCount(): number {
		return this.#intake.companions.refusedCount;
	}

	get truncatedCount(): number {
		return this.#intake.truncatedCount;
	}

	get sentCount(): number {
		return this.#queue.ledger.sentCount;
	}

	get droppedCount(): number {
		return this.#queue.ledger.droppedCount;
	}

	get queuedBytes(): number {
		return this.#queue.queuedBytes;
	}

	receive(options?: WaitOptions): Promise<Datagram<T>> {
		const result = this.#reader.next(options);
		if (this.#reader.waiting) this.#queue.flushHeld();
		return result;
	}

	/**
	 * Sends one datagram; with descriptors or credentials if the options have some, which belong to this datagram alone and have it leave by a call
	 * of its own. An empty datagram can carry them too.
	 *
	 * @throws {LimitError} more than 253 descriptors
	 * @throws {UnsupportedError} descriptors or credentials, and this is no Unix socket
	 * @throws {ClosedError} something to be passed is closed already; or as `DatagramChannel.send`
	 * @throws {SyscallError} EPERM, ESRCH: these credentials cannot be claimed. ETOOMANYREFS: too many descriptors are in flight. EMFILE: the
	 *   datagram has to wait, and no descriptor is free for duplicates. The socket stays usable
	 * @throws as `DatagramChannel.send`; what was given by `give` is closed in any case, but for a call that is wrong in itself
	 * @see sendmsg(2); unix(7) for SCM_RIGHTS, SCM_CREDENTIALS
	 */
	send(data: Uint8Array | string, to?: string | Address, options?: SendOptions): Promise<void> {
		try {
			const destination = this.#destinationWith(to, options);
			const payload = payloadOf(data, destination);
			const passage = options && this.#passageOf(options);
			if (passage === undefined) return this.#queue.send(payload, destination, options);
			return this.#queue.sendWith(payload, destination, passage, options);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	/**
	 * Receives everything that is there, up to 64 messages of the kernel with up to 64 KiB of datagrams each, without an object for each datagram.
	 * What `receive` had fetched comes first. Takes 4 MiB of address space for the socket on first use, or `maxMessageBytes` if that is more.
	 *
	 * @returns the same object each time: what it holds is valid until the next call
	 * @throws {UnsupportedError} the socket receives descriptors, by `receiveDescriptors` or `receiveCredentials: "pidfd"`: each of them needs an
	 *   owner, and a batch has none
	 * @throws as `receive`
	 * @see recvmmsg(2); udp(7) for UDP_GRO
	 */
	receiveBatch(options?: WaitOptions): Promise<DatagramBatch<T>> {
		if (this.closed) return Promise.reject(new ClosedError("The socket"));
		if (this.#intake.companions.isOwning) {
			const why = "a batch does not own the descriptors that came along; use receive()";
			return Promise.reject(new UnsupportedError("receiving descriptors in batches", why));
		}
		this.#batchReader ??= this.#readerOfBatches();
		return this.#batchReader.next(options);
	}

	/**
	 * Sends the bytes of `data` as datagrams of `stride` bytes each, the last one perhaps shorter, without copying them. Resolves when all have
	 * been handed on, after what was queued before. What is sent before it has settled may go between.
	 * Descriptors and credentials belong to one datagram each: `send` passes them.
	 *
	 * @param data borrowed until the promise settles
	 * @param stride bytes, 1 to the longest datagram there can be: 65507 over IPv4, 65527 over IPv6, 67108864 otherwise
	 * @param to as of `send`
	 * @throws {OutOfRangeError} the stride is none
	 * @throws as `send`; after an error none or some of them were sent
	 * @see sendmmsg(2); udp(7) for UDP_SEGMENT
	 */
	async sendBatch(
		data: Uint8Array,
		stride: number,
		to?: string | Address,
		options?: SendDetails,
	): Promise<void> {
		const destination = this.#destinationWith(to, options);
		refusePassing(options);
		await this.#queue.sendRun(runOf(data, stride, destination), options);
	}

	trySend(data: Uint8Array | string, to?: string | Address, options?: SendOptions): boolean {
		const destination = this.#destinationWith(to, options);
		const payload = payloadOf(data, destination);
		const passage = options && this.#passageOf(options);
		if (passage === undefined) return this.#queue.trySend(payload, destination);
		try {
			return this.#queue.trySend(payload, { ...destination, passage });
		} finally {
			passage.close();
		}
	}

	async flush(options?: WaitOptions): Promise<void> {
		checkWait(options);
		if (this.closed) throw new ClosedError("The socket");
		await this.#queue.drain(options);
		const untold = this.#queue.takeUntold();
		if (untold !== undefined) throw untold;
	}

	[Symbol.asyncIterator](): AsyncIterableIterator<Datagram<T>> {
		return loopOver(() => {
			const result = this.#reader.nextOfLoop();
			if (this.#reader.waiting) this.#queue.flushHeld();
			return result;
		});
	}

	abort(): void {
		if (this.isGiven) return;
		this.markClosed();
		this.#end();
	}

	/**
	 * Gives the socket away, open; this object is closed then. A socket file stays: it is the new owner's to remove.
	 *
	 * @returns yours to close
	 * @throws {BusyError} datagrams are queued or were received ahead: they would be lost
	 * @throws {ClosedError} it was closed before
	 */
	detach(): Socket {
		if (this.closed) throw new ClosedError("The socket");
		if (this.queuedBytes > 0 || this.#intake.available) {
			throw new BusyError(
				"Datagrams are queued or received ahead: send and receive them before detach()",
			);
		}
		void this.address;
		this.markGiven();
		this.#queue.fail(new ClosedError("The socket"));
		this.#stopReceiving();
		this.file?.disown();
		this.#cleanUp?.();
		tellDetached(this.socket);
		return this.socket;
	}

	/** @internal Gives the socket away, if the program waits for a datagram and has nothing under way; otherwise as `Stream.handOff`. */
	handOff(): Promise<HandedOff> | undefined {
		const isIdle = this.#reader.waiting && this.queuedBytes === 0 && !this.#intake.available;
		// What comes along would be refused at its new place.
		if (this.closed || !isIdle || this.#intake.companions.isAsked) return undefined;
		this.detach();
		return Promise.resolve({
			socket: Socket.fromFd(this.socket.detachFd()),
			unread: new Uint8Array(),
		});
	}

	/** @internal Leaves what comes to another process: what was fetched is still received, and then receiving ends as if this were closed. Sending goes on. */
	retire(): void {
		this.#retirement ??= new ClosedError("The receiving side of the socket");
		this.#reader.finish(this.#retirement);
		this.#batchReader?.finish(this.#retirement);
	}

	/**
	 * @internal Gives the descriptor away, with all datagrams that have come so far; this object is closed then.
	 * @throws {BusyError} a receive is pending, or datagrams are queued
	 * @throws {ClosedError} it was closed, or given away
	 */
	release(): ReleasedDatagrams {
		if (this.closed) throw new ClosedError("The socket");
		if (this.#reader.waiting || this.#batchReader?.waiting === true) {
			throw new BusyError("A receive is pending: await it before giving the socket away");
		}
		if (this.queuedBytes > 0) throw new BusyError("Datagrams are queued: flush them first");
		void this.address;
		const unread = this.#intake.drain(this.socket.fd);
		this.#cleanUp?.();
		return { fd: this.socket.detachFd(), unread };
	}

	#readerOfBatches(): MessageReader<DatagramBatch<T>> {
		const intake = new BatchIntake(this.#intake) as Intake<DatagramBatch> as Intake<
			DatagramBatch<T>
		>;
		const reader = new MessageReader(this.socket, intake, "The socket", false);
		if (this.#retirement !== undefined) reader.finish(this.#retirement);
		return reader;
	}

	#destinationWith(
		to: string | Address | undefined,
		options: SendDetails | undefined,
	): Destination {
		const destination = this.#destination(to);
		if (options === undefined) return destination;
		checkWait(options, SEND);
		return withDetails(destination, options);
	}

	// Last of all checks: what it takes over has to be closed.
	#passageOf(options: SendOptions): Passage | undefined {
		return Passage.of(options, this.#transport === "unix-dgram");
	}

	#destination(to: string | Address | undefined): Destination {
		if (this.closed) throw new ClosedError("The socket");
		if (to !== undefined) return this.#destinations.find(to);
		if (this.#peerDestination !== undefined) return this.#peerDestination;
		throw new InvalidAddressError(to, "the socket is not connected; say where to send");
	}

	/** @internal */
	protected override async finish(options: WaitOptions | undefined): Promise<void> {
		this.#stopReceiving();
		try {
			checkWait(options);
			const timeoutMs = options?.timeoutMs ?? LIMITS.closeMs;
			await this.#queue.drain({ ...options, timeoutMs });
		} finally {
			this.#end();
		}
	}

	#stopReceiving(): void {
		const error = new ClosedError("The socket");
		this.#reader.fail(error);
		this.#batchReader?.fail(error);
	}

	#end(): void {
		this.#queue.fail(new ClosedError("The socket"));
		this.#stopReceiving();
		if (this.socket.closed) return;
		void this.address;
		// Before the descriptor goes: whoever finds the file gone sends to nobody, whoever finds it dead would get an error.
		this.#cleanUp?.();
		this.socket.close();
	}
}
