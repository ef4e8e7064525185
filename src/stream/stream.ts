/** `Stream`: a connected byte stream over a socket. */
import { AbortError, BusyError, ClosedError, check } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Address } from "../socket/address.ts";
import type { PeerCredentials } from "../socket/peer-credentials.ts";
import type { Socket } from "../socket/socket.ts";
import { checkWait, type WaitOptions } from "../socket/wait.ts";
import { SHUT_WR } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { ENOTCONN } from "../sys/errno.ts";
import { ByteReader } from "./byte-reader.ts";
import { Connection } from "./connection.ts";
import type { ByteStream } from "./contract.ts";
import { discardUnread, isUndelivered, linger } from "./linger.ts";
import { Receiver } from "./receiver.ts";
import { WriteQueue } from "./write-queue.ts";

/** Transports of byte streams. */
export type StreamTransport = "tcp" | "unix" | "vsock";

const DONE: Promise<void> = Promise.resolve();

/** A connected byte stream: TCP, Unix or vsock. Made by `connect`, a `Listener`, `streamPair` or `Stream.over`. */
export class Stream extends ByteReader implements ByteStream {
	readonly #connection: Connection;
	readonly #receiver: Receiver;
	readonly #queue: WriteQueue;
	#closing: Promise<void> | undefined;
	#writeEnd: Promise<void> | undefined;

	/** @internal */
	constructor(connection: Connection) {
		super();
		const { socket } = connection;
		this.#connection = connection;
		this.#receiver = new Receiver(socket);
		this.#queue = new WriteQueue(socket, this.#receiver);
	}

	/**
	 * Makes a stream of a connected socket.
	 *
	 * @param socket taken: it is closed with the stream
	 * @throws {SyscallError} ENOTCONN, ENOTSOCK
	 */
	static over(socket: Socket, transport: StreamTransport): Stream {
		return new Stream(new Connection(socket, transport));
	}

	/** The socket below, for its options. Reading or writing through it corrupts this stream. */
	get socket(): Socket {
		return this.#connection.socket;
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

	write(data: Uint8Array | string, options?: WaitOptions): Promise<void> {
		try {
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
			checkWait(options);
		} catch (error) {
			// A wrong call closes nothing. An aborted signal is a wish to have it closed at once.
			if (!(error instanceof AbortError)) return Promise.reject(error);
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
		if (this.queuedBytes > 0 || this.bytesRead !== this.#receiver.receivedBytes) {
			throw new BusyError("Bytes are queued or read ahead: flush and read them before detach()");
		}
		this.#closing = DONE;
		this.#queue.close();
		this.#receiver.close();
		return this.socket;
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
