/** `Stream`: a connected byte stream over a socket. */
import { BusyError, ClosedError, check } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Address } from "../socket/address.ts";
import type { ArrivalOptions, MessageCredentials } from "../socket/arrived-control.ts";
import { tellDetached, tellOpened } from "../socket/diagnostics.ts";
import type { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import { Passage, type PassOptions } from "../socket/passage.ts";
import type { PeerCredentials } from "../socket/peer-credentials.ts";
import type { PidfdOptions } from "../socket/peer-pidfd.ts";
import type { Socket } from "../socket/socket.ts";
import { checkClose, checkWait, type WaitOptions } from "../socket/wait.ts";
import { SHUT_WR } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { ENOTCONN } from "../sys/errno.ts";
import { arrivalsOf, type DescriptorArrival } from "./arrivals.ts";
import { ByteReader } from "./byte-reader.ts";
import { type BoundFile, Connection, type HandedOff } from "./connection.ts";
import type { ByteStream } from "./contract.ts";
import { discardUnread, isUndelivered, linger } from "./linger.ts";
import { Receiver } from "./receiver.ts";
import type { StreamStats } from "./stream-stats.ts";
import { WriteQueue } from "./write-queue.ts";

/** Transports of byte streams. */
export type StreamTransport = "tcp" | "unix" | "vsock";

/** Options of `Stream.write`. */
export interface WriteOptions extends WaitOptions, PassOptions {}

/** @internal What a stream hands over to another owner of its connection. */
export interface Released {
	readonly fd: number;
	/** Bytes that were read ahead. */
	readonly unread: Uint8Array;
	/** The socket file of this end, to be removed with the connection. */
	readonly file: BoundFile | undefined;
}

const DONE: Promise<void> = Promise.resolve();

/** A connected byte stream: TCP, Unix or vsock. Made by `connect`, a `Listener`, `streamPair` or `Stream.over`. */
export class Stream extends ByteReader implements ByteStream {
	readonly #connection: Connection;
	readonly #receiver: Receiver;
	readonly #queue: WriteQueue;
	#closing: Promise<void> | undefined;
	#writeEnd: Promise<void> | undefined;

	/** @internal */
	constructor(connection: Connection, options: ArrivalOptions = {}) {
		super();
		const { socket, transport } = connection;
		const isUnix = transport === "unix";
		this.#connection = connection;
		this.#receiver = new Receiver(socket, isUnix, arrivalsOf(socket, isUnix, options));
		this.#queue = new WriteQueue(socket, this.#receiver);
		tellOpened(socket, this);
	}

	/**
	 * Makes a stream of a connected socket.
	 *
	 * @param socket taken: it is closed with the stream
	 * @throws {SyscallError} ENOTCONN, ENOTSOCK
	 * @throws {UnsupportedError} an option needs a Unix socket
	 */
	static over(socket: Socket, transport: StreamTransport, options?: ArrivalOptions): Stream {
		return new Stream(new Connection(socket, transport), options);
	}

	/** The socket below, for its options. Reading or writing through it corrupts this stream. */
	get socket(): Socket {
		return this.#connection.socket;
	}

	/** @internal Whether writing was ended, or is about to end. */
	get writeEnded(): boolean {
		return this.#writeEnd !== undefined;
	}

	/** @internal As in events and figures. */
	get kind(): "stream" {
		return "stream";
	}

	/** Figures of now: frozen, and the last ones once it is closed. Asks the kernel for those of a TCP connection. */
	stats(): StreamStats {
		const { kind, transport, bytesRead, bytesWritten, queuedBytes, refusedDescriptorsCount } = this;
		const counts = { bytesRead, bytesWritten, queuedBytes, refusedDescriptorsCount };
		return Object.freeze({ kind, transport, ...counts, tcp: this.#connection.tcpInfo });
	}

	/** @internal What kind of connection it is. */
	get transport(): StreamTransport {
		return this.#connection.transport as StreamTransport;
	}

	/** Address of this end. */
	get address(): Address {
		return this.#connection.address;
	}

	/** Address of the other end; unnamed for a Unix client that did not bind. */
	get peer(): Address {
		return this.#connection.peer;
	}

	/**
	 * Who is at the other end of a Unix connection: see `PeerCredentials` for the moment of which they tell. Read when first asked for, and
	 * known from then on, also after closing; a connection that a policy of `listen` let in has them from the start.
	 *
	 * @throws {UnsupportedError} this is no Unix connection
	 * @throws {ClosedError} it was closed before anybody asked
	 */
	get peerCredentials(): PeerCredentials {
		return this.#connection.peerCredentials;
	}

	/**
	 * Opens the process that made the other end, whose number in `peerCredentials` may be another's by now. `isAlive` tells whether it still
	 * runs; what is looked up by its number between two such answers is its own.
	 *
	 * @returns a pidfd, yours to close; pidfd_open(2)
	 * @throws {UnsupportedError} this is no Unix connection; or the kernel is older than Linux 6.5, and `allowRace` was not given
	 * @throws {SyscallError} ESRCH: the process has ended, which kernels before 6.16 tell in this way. EMFILE
	 * @throws {ClosedError} it was closed
	 */
	openPeerPidfd(options?: PidfdOptions): OwnedDescriptor {
		return this.#connection.openPeerPidfd(options);
	}

	/** Whether this side was closed, or its socket given away. */
	get closed(): boolean {
		return this.#closing !== undefined || this.#connection.socket.closed;
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
			this.#checkWritable(options);
			return this.#queue.push(data, options);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	flush(options?: WaitOptions): Promise<void> {
		try {
			this.#checkWritable(options);
			return this.#queue.flush(options);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	closeWrite(options?: WaitOptions): Promise<void> {
		if (this.#writeEnd !== undefined) return this.#writeEnd;
		try {
			checkWait(options);
			if (this.closed) throw new ClosedError("The stream");
		} catch (error) {
			return Promise.reject(error);
		}
		this.#writeEnd = this.#endWriting(options);
		return this.#writeEnd;
	}

	close(options?: WaitOptions): Promise<void> {
		if (this.#closing !== undefined) return this.#closing;
		try {
			checkClose(options);
		} catch (error) {
			return Promise.reject(error);
		}
		this.#closing = this.#close(options);
		return this.#closing;
	}

	abort(): void {
		this.#closing ??= DONE;
		this.#queue.close();
		this.#receiver.close();
		this.#connection.reset();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	/** Lets pending reads and writes keep the process alive; the default. */
	ref(): this {
		this.socket.ref();
		return this;
	}

	/** Lets the process end although a read or a write is pending. */
	unref(): this {
		this.socket.unref();
		return this;
	}

	/**
	 * Gives the socket away, open; this stream is closed then.
	 *
	 * @throws {BusyError} bytes are queued or were read ahead: they would be lost
	 */
	detach(): Socket {
		this.checkReadable();
		if (this.queuedBytes > 0 || this.unreadBytes > 0) {
			throw new BusyError("Bytes are queued or read ahead: flush and read them before detach()");
		}
		this.#closing = DONE;
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
		this.checkReadable();
		if (this.queuedBytes > 0) throw new BusyError("Bytes are queued: flush them first");
		if (this.#receiver.waiting || this.gathering) {
			throw new BusyError("A read is pending: await it before giving the socket away");
		}
	}

	/** @internal Gives the descriptor away with what was read ahead; this stream is closed then. Throws as `checkReleasable`. */
	release(): Released {
		this.checkReleasable();
		this.#closing = DONE;
		this.#receiver.close();
		const { file } = this.#connection;
		return { fd: this.#connection.partFd(), unread: this.takeLeftOver(), file };
	}

	/** @internal Goes on as another stream over the same connection; this one is closed then. Throws as `checkReleasable`. */
	moved(): Stream {
		this.checkReleasable();
		this.#closing = DONE;
		this.#receiver.close();
		tellDetached(this.socket);
		return new Stream(this.#connection);
	}

	/** @internal Ends writing, as another owner of the connection had done before. */
	restoreWriteEnd(): void {
		this.#writeEnd = DONE;
	}

	/**
	 * @internal Gives the socket away with what was read ahead, if the program waits for input and has nothing under way; undefined otherwise, and
	 * nothing has changed then. This stream is closed, and its pending read rejects with `ClosedError`.
	 */
	handOff(): Promise<HandedOff> | undefined {
		const isIdle = this.#receiver.waiting && this.queuedBytes === 0 && this.#writeEnd === undefined;
		if (this.closed || !isIdle) return undefined;
		this.#closing = DONE;
		this.#queue.close();
		this.#receiver.close();
		const socket = this.#connection.part();
		// A read of several parts gives back what it had gathered only after its promise was rejected.
		return new Promise((resolve) => {
			setImmediate(() => resolve({ socket, unread: this.takeLeftOver() }));
		});
	}

	protected override get arrivedBytes(): number {
		return this.#receiver.receivedBytes;
	}

	protected override pull(options: WaitOptions | undefined): Promise<Uint8Array | null> {
		if (this.closed) return rejectClosed();
		const result = this.#receiver.pull(options);
		if (this.#receiver.waiting) this.#queue.flushHeld();
		return result;
	}

	protected override pullInto(
		target: Uint8Array,
		options: WaitOptions | undefined,
	): Promise<number> {
		if (this.closed) return rejectClosed();
		const result = this.#receiver.pullInto(target, options);
		if (this.#receiver.waiting) this.#queue.flushHeld();
		return result;
	}

	protected override checkReadable(): void {
		if (this.closed) throw new ClosedError("The stream");
	}

	#writeWith(data: Uint8Array | string, options: WriteOptions): Promise<void> {
		const passage = Passage.of(options, this.#connection.transport === "unix");
		try {
			this.#checkWritable(options);
			return passage === undefined
				? this.#queue.push(data, options)
				: this.#queue.pushWith(data, passage, options);
		} catch (error) {
			passage?.close();
			throw error;
		}
	}

	#checkWritable(options: WaitOptions | undefined): void {
		if (options !== undefined) checkWait(options);
		if (this.closed) throw new ClosedError("The stream");
		if (this.#writeEnd !== undefined) throw new ClosedError("The writing side of the stream");
	}

	async #endWriting(options: WaitOptions | undefined): Promise<void> {
		try {
			await this.#queue.flush(options);
		} catch (error) {
			// Writing has not ended: it may go on, or end later.
			this.#writeEnd = undefined;
			throw error;
		}
		if (this.socket.closed) throw new ClosedError("The stream");
		const rc = sys.shutdown(this.socket.fd, SHUT_WR);
		// The peer has reset the connection: whatever was sent is out of our hands, and reading tells the rest.
		if (rc !== ENOTCONN) check(rc, "shutdown");
	}

	async #close(options: WaitOptions | undefined): Promise<void> {
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
			this.#connection.reset();
			throw error;
		} finally {
			// What was sent of a write that failed must not look complete to the peer.
			if (this.#queue.failed) this.#connection.reset();
			this.#queue.close();
			// Unread bytes would make a reset of it, and the peer's last reads fail.
			if (!this.#receiver.ended && !this.socket.closed) discardUnread(this.socket);
			this.#connection.close();
		}
		const untold = this.#queue.takeUntoldFailure();
		if (untold !== undefined) throw untold;
	}

	// Only TCP takes back what it has been given, and only when the peer goes on sending.
	#mayLoseBytes(): boolean {
		return (
			this.#connection.transport === "tcp" &&
			!this.#receiver.ended &&
			!this.#queue.failed &&
			this.#queue.takenBytes > 0 &&
			!this.socket.closed &&
			isUndelivered(this.socket)
		);
	}
}

function rejectClosed(): Promise<never> {
	return Promise.reject(new ClosedError("The stream"));
}
