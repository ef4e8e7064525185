/** `Stream`: a connected byte stream over a socket. */
import type { Known } from "../arguments.ts";
import { BusyError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { ArrivalOptions, MessageCredentials } from "../socket/arrived-control.ts";
import { tellDetached, tellOpened } from "../socket/diagnostics.ts";
import { PASS, Passage, type PassOptions } from "../socket/passage.ts";
import type { Socket } from "../socket/socket.ts";
import { checkWait, WAIT, type WaitOptions } from "../socket/wait.ts";
import { arrivalsOf, type DescriptorArrival } from "./arrivals.ts";
import { Connected, type ConnectedNames } from "./connected.ts";
import { type BoundFile, Connection, type HandedOff } from "./connection.ts";
import type { ByteStream, ReadUntilOptions } from "./contract.ts";
import { discardUnread, isUndelivered, linger } from "./linger.ts";
import { Receiver } from "./receiver.ts";
import type { StreamStats } from "./stream-stats.ts";
import { WriteQueue } from "./write-queue.ts";

/** Transports of byte streams. */
export type StreamTransport = "tcp" | "unix" | "vsock";

/** Options of `Stream.write`. */
export interface WriteOptions extends WaitOptions, PassOptions {}

/** @internal What a stream leaves to another owner of its connection, besides the descriptor. */
export interface LeftOver {
	/** Bytes that were read ahead. */
	readonly unread: Uint8Array;
	/** The socket file of this end, to be removed with the connection. */
	readonly file: BoundFile | undefined;
}

const WRITE: Known<WriteOptions> = { ...WAIT, ...PASS };
const NAMES: ConnectedNames = { whole: "The stream", writing: "The writing side of the stream" };

/** A connected byte stream: TCP, Unix or vsock. Made by `connect`, a `Listener`, `socketpair` or `adopt`. */
export class Stream<T extends StreamTransport = StreamTransport>
	extends Connected<T>
	implements ByteStream
{
	readonly #receiver: Receiver;
	readonly #queue: WriteQueue;

	/** @internal */
	constructor(connection: Connection, options: ArrivalOptions = {}) {
		super(connection);
		const { socket, transport } = connection;
		const isUnix = transport === "unix";
		this.#receiver = new Receiver(this, socket, isUnix, arrivalsOf(socket, isUnix, options));
		this.#queue = new WriteQueue(this.#receiver);
		tellOpened(socket, this);
	}

	/**
	 * Makes a stream of a connected socket.
	 *
	 * @param socket taken: it is closed with the stream
	 * @throws {SyscallError} ENOTCONN, ENOTSOCK
	 * @throws {UnsupportedError} an option needs a Unix socket
	 */
	static over<T extends StreamTransport>(
		socket: Socket,
		transport: T,
		options?: ArrivalOptions,
	): Stream<T> {
		return new Stream(new Connection(socket, transport), options);
	}

	/** @internal */
	protected override get names(): ConnectedNames {
		return NAMES;
	}

	/** Tells it from a `PacketStream` and the others: as in events and figures. */
	get kind(): "stream" {
		return "stream";
	}

	/** Figures of now: frozen, and the last ones once it is closed. Asks the kernel for those of a TCP connection. */
	stats(): StreamStats {
		const { kind, transport, bytesRead, bytesWritten, queuedBytes, refusedDescriptorsCount } = this;
		const counts = { bytesRead, bytesWritten, queuedBytes, refusedDescriptorsCount };
		return Object.freeze({ kind, transport, ...counts, tcp: this.connection.tcpInfo });
	}

	/** What kind of connection it is: that of its addresses. */
	get transport(): T {
		return this.connection.transport as T;
	}

	get bytesRead(): number {
		return this.#receiver.bytesRead;
	}

	read(options?: WaitOptions): Promise<Uint8Array | null> {
		return this.#receiver.read(options);
	}

	readInto(target: Uint8Array, options?: WaitOptions): Promise<number> {
		return this.#receiver.readInto(target, options);
	}

	readExactly(count: number, options?: WaitOptions): Promise<Uint8Array> {
		return this.#receiver.readExactly(count, options);
	}

	readUntil(
		delimiter: Uint8Array | string,
		options?: ReadUntilOptions,
	): Promise<Uint8Array | null> {
		return this.#receiver.readUntil(delimiter, options);
	}

	[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
		return this.#receiver[Symbol.asyncIterator]();
	}

	get bytesWritten(): number {
		return this.#queue.takenBytes;
	}

	get queuedBytes(): number {
		return this.#queue.queuedBytes;
	}

	/** Reads that brought descriptors which nobody had asked for, so that none was taken over; see `receiveDescriptors`. */
	get refusedDescriptorsCount(): number {
		return this.#receiver.refusedDescriptorsCount;
	}

	/** Who has sent the bytes that came in last; undefined unless `receiveCredentials` was asked for. Its pidfd is closed by the next read. */
	get lastCredentials(): MessageCredentials | undefined {
		return this.#receiver.arrivals?.credentials;
	}

	/**
	 * Takes the descriptors that came with bytes which were read so far, if `receiveDescriptors` was asked for. What is not taken is closed with
	 * this stream; once 512 are not taken, reading fails.
	 *
	 * @returns in the order of their positions. Each descriptor is yours to close
	 */
	takeDescriptors(): DescriptorArrival[] {
		return this.#receiver.arrivals?.take(this.bytesRead) ?? [];
	}

	/**
	 * Writes all of `data`; see `ByteSink.write`. With descriptors or credentials it leaves by a call of its own, with at least one byte, and they
	 * go along with the first of them: the reader's `takeDescriptors` tells where that was. The kernel hands them on exactly once, or not at all.
	 *
	 * @throws {LimitError} more than 253 descriptors
	 * @throws {UnsupportedError} descriptors or credentials, and this is no Unix stream
	 * @throws {ClosedError} something to be passed is closed already
	 * @throws {SyscallError} EPERM, ESRCH: these credentials cannot be claimed. ETOOMANYREFS: too many descriptors are in flight. EMFILE: the
	 *   write has to wait, and no descriptor is free for duplicates. Nothing of this write is taken, unless it had to wait: then writing has failed
	 * @throws as `ByteSink.write`; whatever was given by `give` is closed
	 */
	write(data: Uint8Array | string, options?: WriteOptions): Promise<void> {
		try {
			if (options?.descriptors !== undefined || options?.credentials !== undefined) {
				return this.#writeWith(data, options);
			}
			if (options !== undefined) checkWait(options, WRITE);
			this.checkWritable(undefined);
			return this.#queue.push(data, options);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	flush(options?: WaitOptions): Promise<void> {
		try {
			this.checkWritable(options);
			return this.#queue.flush(options);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	abort(): void {
		if (this.isGiven) return;
		this.markClosed();
		this.#queue.close();
		this.#receiver.close();
		this.connection.reset();
	}

	/**
	 * @internal Closes at once, as close(2) does: bytes that the peer has sent, and nobody has read, reset the connection; and so do bytes that the
	 * kernel has not taken. Those that are held back count among these: `flushHeld` before.
	 */
	leave(): void {
		if (this.isGiven) return;
		const isWhole = this.queuedBytes === 0 && !this.#queue.failed;
		this.markClosed();
		this.#queue.close();
		this.#receiver.close();
		if (isWhole) this.connection.close();
		else this.connection.reset();
	}

	/**
	 * Gives the socket away, open; this stream is closed then.
	 *
	 * @throws {BusyError} bytes are queued or were read ahead: they would be lost
	 */
	detach(): Socket {
		this.checkOpen();
		if (this.queuedBytes > 0 || this.leftOverBytes > 0) {
			throw new BusyError("Bytes are queued or read ahead: flush and read them before detach()");
		}
		this.markGiven();
		this.#queue.close();
		this.#receiver.close();
		tellDetached(this.socket);
		return this.socket;
	}

	/**
	 * @internal Throws where `release` would, and does nothing.
	 * @throws {BusyError} a read is pending, or bytes are queued
	 * @throws {ClosedError} it was closed, or given away
	 */
	checkReleasable(): void {
		this.checkOpen();
		if (this.queuedBytes > 0) throw new BusyError("Bytes are queued: flush them first");
		if (this.#receiver.busy) {
			throw new BusyError("A read is pending: await it before giving the socket away");
		}
	}

	/** @internal Gives the descriptor away with what was read ahead; this stream is closed then. Throws as `checkReleasable`. */
	release(): LeftOver & { readonly fd: number } {
		this.checkReleasable();
		this.markClosed();
		this.#receiver.close();
		const { file } = this.connection;
		return { fd: this.connection.partFd(), unread: this.#receiver.takeLeftOver(), file };
	}

	/** @internal As `release`, with the socket as it is, so that it need not be watched anew. */
	releaseSocket(): LeftOver & { readonly socket: Socket } {
		this.checkReleasable();
		this.markGiven();
		this.#receiver.close();
		const { file, socket } = this.connection;
		this.connection.learnAddress();
		tellDetached(socket);
		return { socket, unread: this.#receiver.takeLeftOver(), file };
	}

	/** @internal Goes on as another stream over the same connection; this one is closed then, but `abort` ends both. Throws as `checkReleasable`. */
	moved(): Stream<T> {
		this.checkReleasable();
		this.markClosed();
		this.#receiver.close();
		tellDetached(this.socket);
		const stream = new Stream<T>(this.connection);
		stream.restore(this.#receiver.takeLeftOver());
		return stream;
	}

	/** @internal Sends what is held back for the end of the tick. */
	flushHeld(): void {
		this.#queue.flushHeld();
	}

	/** @internal Bytes that an earlier read was given and has given back. */
	get leftOverBytes(): number {
		return this.#receiver.leftOverBytes;
	}

	/** @internal Has these bytes read before all that come: what another owner had left over of the same connection. */
	restore(bytes: Uint8Array): void {
		this.#receiver.restore(bytes);
	}

	/**
	 * @internal Gives the socket away with what was read ahead, if the program waits for input and has nothing under way; undefined otherwise, and
	 * nothing has changed then. This stream is closed, and its pending read rejects with `ClosedError`.
	 */
	handOff(): Promise<HandedOff> | undefined {
		const isIdle = this.#receiver.waiting && this.queuedBytes === 0 && !this.writeEnded;
		// What has come along would be lost, and what comes later be refused.
		if (this.closed || !isIdle || this.#receiver.arrivals !== undefined) return undefined;
		this.markClosed();
		this.#queue.close();
		this.#receiver.close();
		const socket = this.connection.part();
		// A read of several parts gives back what it had gathered only after its promise was rejected.
		return new Promise((resolve) => {
			setImmediate(() => resolve({ socket, unread: this.#receiver.takeLeftOver() }));
		});
	}

	/** @internal */
	protected override sendAll(options: WaitOptions | undefined): Promise<void> {
		return this.#queue.flush(options);
	}

	#writeWith(data: Uint8Array | string, options: WriteOptions): Promise<void> {
		const passage = Passage.of(options, this.connection.transport === "unix");
		try {
			checkWait(options, WRITE);
			this.checkWritable(undefined);
			return passage === undefined
				? this.#queue.push(data, options)
				: this.#queue.pushWith(data, passage, options);
		} catch (error) {
			passage?.close();
			throw error;
		}
	}

	/** @internal */
	protected override async finish(options: WaitOptions | undefined): Promise<void> {
		this.#receiver.close();
		try {
			checkWait(options);
			const timeoutMs = options?.timeoutMs ?? LIMITS.closeMs;
			const since = performance.now();
			if (this.queuedBytes > 0) await this.#queue.flush({ ...options, timeoutMs });
			if (this.#mayLoseBytes()) {
				await linger(this.socket, timeoutMs - (performance.now() - since), options?.signal);
			}
		} catch (error) {
			this.connection.reset();
			throw error;
		} finally {
			// What was sent of a write that failed must not look complete to the peer.
			if (this.#queue.failed) this.connection.reset();
			this.#queue.close();
			// Unread bytes would make a reset of it, and the peer's last reads fail.
			if (!this.#receiver.ended && !this.socket.closed) discardUnread(this.socket);
			this.connection.close();
		}
		const untold = this.#queue.takeUntoldFailure();
		if (untold !== undefined) throw untold;
	}

	// Only TCP takes back what it has been given, and only when the peer goes on sending.
	#mayLoseBytes(): boolean {
		return (
			this.connection.transport === "tcp" &&
			!this.#receiver.ended &&
			!this.#queue.failed &&
			this.#queue.takenBytes > 0 &&
			!this.socket.closed &&
			isUndelivered(this.socket)
		);
	}
}
