/** `Listener`: connections as they come, one `accept` after another. */
import type { AsyncResource } from "node:async_hooks";
import { BusyError, ClosedError, syscallError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { loopEndIfClosed, loopOver, loopTurn } from "../loop.ts";
import type { PacketStream } from "../packet/packet-stream.ts";
import type { Address, UnixAddress } from "../socket/address.ts";
import type { Waiter } from "../socket/descriptor.ts";
import {
	contextOfCall,
	tellAccepted,
	tellDetached,
	tellDropped,
	tellError,
	tellOpened,
} from "../socket/diagnostics.ts";
import { decodeSocketAddress, SOCKADDR_BYTES_MAX } from "../socket/sockaddr.ts";
import { Socket } from "../socket/socket.ts";
import type { TcpInfo } from "../socket/tcp-info.ts";
import { fromSocketAddress, type SocketTransport } from "../socket/transport.ts";
import { checkWait, supervise, type WaitOptions } from "../socket/wait.ts";
import { type BoundFile, Connection, readTcpInfo } from "../stream/connection.ts";
import type { Stream } from "../stream/stream.ts";
import { SOCK_CLOEXEC, SOCK_NONBLOCK } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { EAGAIN } from "../sys/errno.ts";
import { EXHAUSTED, PASSING } from "./accept-errors.ts";
import { Admission, type AdmissionOptions } from "./admission.ts";
import { anyone } from "./allow.ts";
import { DescriptorReserve } from "./descriptor-reserve.ts";
import type { ListenerStats } from "./listener-stats.ts";

/** What a listener tells when it ran out of descriptors or memory. */
export interface Overload {
	/** Why accept(2) failed: `"EMFILE"`, `"ENFILE"`, `"ENOBUFS"` or `"ENOMEM"`. */
	readonly code: string;
	/** Connections refused this time. */
	readonly refused: number;
}

/** @internal How a listener is made. */
export interface ListenerSetup<T> extends AdmissionOptions {
	readonly socket: Socket;
	readonly transport: SocketTransport;
	readonly wrap: (connection: Connection) => T;
	readonly file?: BoundFile | undefined;
	readonly busyPollUs?: number | undefined;
	/** Closes the listener when it aborts. */
	readonly signal?: AbortSignal | undefined;
	readonly onOverload?: ((overload: Overload) => void) | undefined;
}

/** @internal What a listener hands over to another owner of its socket. */
export interface ReleasedListener {
	readonly fd: number;
	/** To be removed when that owner closes the socket. */
	readonly file: BoundFile | undefined;
}

const PASSING_MAX = 64;
const FAMILY_BYTES = 2;
const ANY_HOSTS = new Set(["::", "0.0.0.0"]);

const peerName = new Uint8Array(SOCKADDR_BYTES_MAX);

/** Accepts connections. Made by `listen`. */
export class Listener<T extends Stream | PacketStream> implements AsyncIterable<T> {
	/** Address on which it listens, with the port that the kernel chose. */
	readonly address: T["address"];
	readonly #setup: ListenerSetup<T>;
	readonly #unnamed: Address;
	// Of what is accepted, where it is the listener's own.
	readonly #localAddress: Address | undefined;
	readonly #admission: Admission | undefined;
	readonly #reserve: DescriptorReserve;
	// Somebody who had the socket can have closed it.
	readonly #waiter: Waiter = { ready: () => this.#wake(), closed: () => this.close() };
	// Of what it accepts, which T narrows: a listener of TCP streams is a listener of streams.
	#resolve: ((connection: Stream | PacketStream) => void) | undefined;
	#reject: ((error: Error) => void) | undefined;
	#release: (() => void) | undefined;
	#endBackoff: (() => void) | undefined;
	// Of the pending accept.
	#context: AsyncResource | undefined;
	#detached = false;
	#accepted = 0;
	#refused = 0;
	#tcp: TcpInfo | undefined;
	readonly #onAbort = (): void => this.close();

	/** @internal */
	constructor(setup: ListenerSetup<T>) {
		this.#setup = setup;
		const { socket, transport, file, signal } = setup;
		const address = fromSocketAddress(transport, file?.address ?? socket.getsockname());
		this.address = address as T["address"];
		this.#unnamed = { transport } as UnixAddress;
		this.#localAddress = isWildcard(address) ? undefined : address;
		this.#admission = Admission.of(transport, address, setup);
		signal?.addEventListener("abort", this.#onAbort, { once: true });
		// Last, for nobody would close it if this constructor threw.
		this.#reserve = new DescriptorReserve();
		tellOpened(socket, this);
	}

	/** The listening socket, for its options. */
	get socket(): Socket {
		return this.#setup.socket;
	}

	/** @internal The socket file that goes with it. */
	get file(): BoundFile | undefined {
		return this.#setup.file;
	}

	/** Connections accepted so far. */
	get acceptedCount(): number {
		return this.#accepted;
	}

	/** Connections refused for want of descriptors or memory. */
	get refusedCount(): number {
		return this.#refused;
	}

	/** Connections refused because of who made them, by the policy `allow`. */
	get refusedPeersCount(): number {
		return this.#admission?.refusedCount ?? 0;
	}

	/** @internal Whether a policy decides who may connect. */
	get admits(): boolean {
		return this.#admission !== undefined && this.#setup.allow !== anyone();
	}

	/** Tells it from connections and datagram sockets: as in events and figures. */
	get kind(): "listener" {
		return "listener";
	}

	/** The transport of its address, and of what it accepts. */
	get transport(): T["transport"] {
		return this.#setup.transport as T["transport"];
	}

	/** Figures of now: frozen, and the last ones once it is closed. Asks the kernel for a TCP listener's queue. */
	stats(): ListenerStats {
		if (!this.closed && this.transport === "tcp") this.#tcp = readTcpInfo(this.socket);
		const { kind, transport, acceptedCount, refusedCount, refusedPeersCount } = this;
		const queuedCount = this.closed ? 0 : this.#tcp?.unacked;
		const backlogCount = this.#tcp?.sacked;
		const counts = { acceptedCount, refusedCount, refusedPeersCount, queuedCount, backlogCount };
		return Object.freeze({ kind, transport, ...counts });
	}

	/** Whether it was closed, or its socket given away. */
	get closed(): boolean {
		return this.#detached || this.socket.closed;
	}

	/**
	 * Waits for the next connection. Connections that failed while they were queued are skipped. When the process has no descriptor left,
	 * those queued are refused and counted, `onOverload` is called, and accepting goes on after 100 ms.
	 *
	 * @throws {BusyError} another accept is pending
	 * @throws {ClosedError} closed, before or meanwhile
	 * @throws {TimeoutError | AbortError} no connection is lost by that
	 * @see accept(2)
	 */
	accept(options?: WaitOptions): Promise<T> {
		try {
			checkWait(options);
			if (this.closed) {
				this.close();
				throw new ClosedError("The listener");
			}
			if (this.#resolve !== undefined) {
				throw new BusyError("Another accept is pending: await it before the next one");
			}
			const connection = this.#take();
			if (connection !== undefined) return Promise.resolve(connection);
			if (options?.timeoutMs === 0) throw new TimeoutError(0, 0, "Accepting");
			this.#await();
			this.#context = contextOfCall();
		} catch (error) {
			return Promise.reject(error);
		}
		return new Promise((resolve, reject) => {
			this.#resolve = resolve as (connection: Stream | PacketStream) => void;
			this.#reject = reject;
			this.#release = supervise(options, (error) => {
				this.#stopWaiting();
				this.#settle(error(0));
			});
		});
	}

	/** Accepts until it is closed; closing ends the loop, leaving the loop does not close. */
	[Symbol.asyncIterator](): AsyncIterableIterator<T> {
		return loopOver(() => this.#next());
	}

	/**
	 * @internal Gives the descriptor away, open, with its socket file; this listener is closed then.
	 * @throws {BusyError} an accept is pending
	 * @throws {ClosedError} it was closed, or given away
	 */
	release(): ReleasedListener {
		if (this.closed) throw new ClosedError("The listener");
		if (this.#resolve !== undefined) {
			throw new BusyError("An accept is pending: await it before giving the socket away");
		}
		const { socket, file } = this.#setup;
		this.#stopWaiting();
		const fd = socket.detachFd();
		this.close();
		return { fd, file };
	}

	/** Stops listening and removes the socket file if it is still ours. Accepted connections go on; queued ones are reset. A second call does nothing. */
	close(): void {
		// These go even when the socket has been given away: they are ours.
		this.#setup.signal?.removeEventListener("abort", this.#onAbort);
		this.#reserve.close();
		if (!this.closed) {
			this.#stopWaiting();
			// Before the descriptor goes: a client that finds the file gone tries nobody, one that finds it dead would report an error.
			this.#setup.file?.remove();
			this.socket.close();
		}
		this.#settle(new ClosedError("The listener"));
	}

	/**
	 * Gives the socket away, listening, with the connections that are queued; this listener is closed then. A socket file stays: it is the new
	 * owner's to remove.
	 *
	 * @returns yours to close
	 * @throws {ClosedError} it was closed before
	 */
	detach(): Socket {
		if (this.closed) throw new ClosedError("The listener");
		this.#detached = true;
		this.#setup.signal?.removeEventListener("abort", this.#onAbort);
		this.#reserve.close();
		this.#stopWaiting();
		this.#setup.file?.disown();
		this.#settle(new ClosedError("The listener"));
		tellDetached(this.socket);
		return this.socket;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.close();
	}

	/** Lets a pending accept keep the process alive; the default. */
	ref(): this {
		this.socket.ref();
		return this;
	}

	/** Lets the process end although an accept is pending. */
	unref(): this {
		this.socket.unref();
		return this;
	}

	// What is queued is handed out at once.
	#next(): Promise<IteratorResult<T>> {
		if (!this.closed && this.#resolve === undefined) {
			try {
				const connection = this.#take();
				if (connection !== undefined) return Promise.resolve(loopTurn(connection));
			} catch (error) {
				return Promise.reject(error);
			}
		}
		return this.accept().then(loopTurn, loopEndIfClosed);
	}

	#await(): void {
		if (this.#endBackoff === undefined) this.socket.descriptor.awaitReadable(this.#waiter);
	}

	#stopWaiting(): void {
		this.#endBackoff?.();
		this.#endBackoff = undefined;
		this.socket.descriptor.cancelReadable();
	}

	#wake(): void {
		if (this.#context === undefined) this.#ready();
		else this.#context.runInAsyncScope(() => this.#ready());
	}

	#ready(): void {
		try {
			const connection = this.#take();
			if (connection === undefined) this.#await();
			else this.#settle(undefined, connection);
		} catch (error) {
			this.#settle(error as Error);
		}
	}

	#take(): T | undefined {
		const { descriptor } = this.socket;
		for (let passing = 0; passing < PASSING_MAX && descriptor.readCredit > 0; passing++) {
			descriptor.readCredit--;
			const fd = sys.accept4(descriptor.fd, peerName, SOCK_CLOEXEC | SOCK_NONBLOCK);
			if (fd >= 0) {
				const connection = this.#open(fd, sys.out[0] as number);
				if (connection !== undefined || this.closed) return connection;
			} else if (fd === EAGAIN) descriptor.readCredit = 0;
			else if (EXHAUSTED.has(fd)) this.#overloaded(fd);
			else if (!PASSING.has(fd)) throw this.#failed(fd);
		}
		return undefined;
	}

	#failed(rc: number): Error {
		const error = syscallError("accept", rc);
		tellError(this.socket, "accept", error);
		return error;
	}

	// Undefined when its policy refused it, or closed this listener.
	#open(fd: number, nameLength: number): T | undefined {
		const { transport, wrap, busyPollUs } = this.#setup;
		const socket = Socket.adopt(fd);
		try {
			if (busyPollUs !== undefined) socket.busyPoll(busyPollUs);
			// A client that did not bind has nothing but its family, which all of them can share.
			const peer =
				nameLength <= FAMILY_BYTES
					? this.#unnamed
					: fromSocketAddress(transport, decodeSocketAddress(peerName, nameLength));
			const credentials = this.#admission?.admit(socket);
			if (this.#admission !== undefined && (credentials === undefined || this.closed)) {
				if (credentials === undefined) tellDropped(this.socket, "peers", 1);
				socket.close();
				return undefined;
			}
			const connection = wrap(
				new Connection(socket, transport, peer, this.#localAddress, undefined, credentials),
			);
			this.#accepted++;
			tellAccepted(socket, this);
			return connection;
		} catch (error) {
			socket.close();
			throw error;
		}
	}

	#overloaded(rc: number): void {
		const refused = this.#reserve.refuseQueued(this.socket.fd);
		this.#refused += refused;
		const { descriptor } = this.socket;
		descriptor.readCredit = 0;
		this.#endBackoff?.();
		this.#endBackoff = descriptor.sleep(LIMITS.acceptBackoffMs, () => {
			this.#endBackoff = undefined;
			descriptor.readCredit = 1;
			if (this.closed) this.close();
			else if (this.#resolve !== undefined) this.#wake();
		});
		const { code } = syscallError("accept", rc);
		tellDropped(this.socket, "connections", refused, code);
		this.#setup.onOverload?.({ code, refused });
	}

	#settle(error: Error | undefined, connection?: T): void {
		const resolve = this.#resolve;
		const reject = this.#reject;
		const release = this.#release;
		this.#resolve = undefined;
		this.#reject = undefined;
		this.#release = undefined;
		this.#context = undefined;
		release?.();
		if (error === undefined) resolve?.(connection as T);
		else reject?.(error);
	}
}

function isWildcard(address: Address): boolean {
	return "host" in address ? ANY_HOSTS.has(address.host) : "cid" in address;
}
