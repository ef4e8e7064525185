/** `TlsListener`: connections with TLS as they get ready. */
import type { SecureContextOptions } from "node:tls";
import { BusyError, ClosedError, LimitError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { loopEndIfClosed, loopOver, loopTurn } from "../loop.ts";
import type { Listener } from "../open/listener.ts";
import type { Address, AddressOf } from "../socket/address.ts";
import { checkWait, supervise, type WaitOptions } from "../socket/wait.ts";
import type { Stream, StreamTransport } from "../stream/stream.ts";
import type { ServerContext } from "./server-context.ts";
import type { TlsStream } from "./tls-stream.ts";

/** How a listener does its handshakes. */
export interface HandshakeOptions {
	/** Time that a client has for the handshake, 1..2147483647 ms. Default 10000. */
	readonly handshakeTimeoutMs?: number | undefined;
	/** Handshakes under way, 1..1048576; beyond that the oldest gives way. Default 512. */
	readonly maxHandshakes?: number | undefined;
	/** Closes the listener when it aborts. */
	readonly signal?: AbortSignal | undefined;
	/** Called when a handshake failed, with the address of the client. Its connection is closed already, or about to be. */
	readonly onHandshakeError?: ((error: Error, peer: Address) => void) | undefined;
}

interface Waiting {
	readonly resolve: (stream: TlsStream) => void;
	readonly reject: (error: Error) => void;
}

/**
 * Accepts connections with TLS. Handshakes run side by side, from the first accept on: who is slow holds up nobody, and who says nothing is
 * dropped. Made by `tlsListen`.
 */
export class TlsListener<T extends StreamTransport = StreamTransport>
	implements AsyncIterable<TlsStream>
{
	readonly #listener: Listener<Stream<T>>;
	readonly #context: ServerContext;
	readonly #options: HandshakeOptions;
	// In the order in which they began.
	readonly #handshakes: Set<AbortController> = new Set();
	readonly #ready: TlsStream[] = [];
	#waiting: Waiting | undefined;
	#hasRoom: (() => void) | undefined;
	#isRunning = false;
	#acceptedCount = 0;
	#failedCount = 0;
	readonly #onAbort = (): void => this.close();

	/** @internal */
	constructor(listener: Listener<Stream<T>>, context: ServerContext, options: HandshakeOptions) {
		this.#listener = listener;
		this.#context = context;
		this.#options = options;
		options.signal?.addEventListener("abort", this.#onAbort, { once: true });
	}

	/** Address on which it listens, with the port that the kernel chose. */
	get address(): AddressOf<T> {
		return this.#listener.address;
	}

	/** Connections handed out so far. */
	get acceptedCount(): number {
		return this.#acceptedCount;
	}

	/** Handshakes that failed so far. */
	get failedHandshakesCount(): number {
		return this.#failedCount;
	}

	/** Handshakes under way. */
	get handshakesCount(): number {
		return this.#handshakes.size;
	}

	/** Whether it was closed. */
	get closed(): boolean {
		return this.#listener.closed;
	}

	/**
	 * Waits for the next connection whose handshake is done.
	 *
	 * @throws {BusyError} another accept is pending
	 * @throws {ClosedError} closed, before or meanwhile
	 * @throws {TimeoutError | AbortError} no connection is lost by that
	 * @throws {SyscallError} as `Listener.accept`
	 */
	accept(options?: WaitOptions): Promise<TlsStream> {
		try {
			checkWait(options);
			if (this.closed) throw new ClosedError("The listener");
			if (this.#waiting !== undefined) {
				throw new BusyError("Another accept is pending: await it before the next one");
			}
			if (!this.#isRunning) void this.#run();
			const ready = this.#take();
			if (ready !== undefined) return Promise.resolve(ready);
			if (options?.timeoutMs === 0) throw new TimeoutError(0, 0, "Accepting");
		} catch (error) {
			return Promise.reject(error);
		}
		return new Promise((resolve, reject) => {
			const release = supervise(options, (error) => this.#waiting?.reject(error(0)));
			const over = (): void => {
				this.#waiting = undefined;
				release?.();
			};
			this.#waiting = {
				resolve: (stream) => {
					over();
					resolve(stream);
				},
				reject: (error) => {
					over();
					reject(error);
				},
			};
		});
	}

	/** Accepts until it is closed; closing ends the loop, leaving the loop does not close. */
	[Symbol.asyncIterator](): AsyncIterableIterator<TlsStream> {
		return loopOver(() => this.accept().then(loopTurn, loopEndIfClosed));
	}

	/** Uses another certificate, for all names that `sni` does not have, from the next handshake on: for renewals without a restart. */
	renew(options: SecureContextOptions): void {
		this.#context.renew(options);
	}

	/** Stops listening, drops handshakes under way and what is ready but was not accepted. Accepted connections go on. */
	close(): void {
		this.#options.signal?.removeEventListener("abort", this.#onAbort);
		this.#listener.close();
		for (const handshake of this.#handshakes) handshake.abort();
		for (const stream of this.#ready.splice(0)) stream.abort();
		this.#hasRoom?.();
		this.#waiting?.reject(new ClosedError("The listener"));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.close();
	}

	/** Lets listening keep the process alive; the default. */
	ref(): this {
		this.#listener.ref();
		return this;
	}

	/** Lets the process end although it listens. */
	unref(): this {
		this.#listener.unref();
		return this;
	}

	async #run(): Promise<void> {
		this.#isRunning = true;
		try {
			while (!this.closed) {
				if (this.#ready.length >= LIMITS.tlsReadyCount) await this.#untilRoom();
				this.#begin(await this.#listener.accept());
			}
		} catch (error) {
			// With nobody waiting the next accept() finds out by itself.
			this.#waiting?.reject(error as Error);
		} finally {
			this.#isRunning = false;
			if (this.closed) this.close();
		}
	}

	#untilRoom(): Promise<void> {
		return new Promise((resolve) => {
			this.#hasRoom = resolve;
		});
	}

	#begin(stream: Stream): void {
		const max = this.#options.maxHandshakes ?? LIMITS.tlsHandshakesCount;
		const [oldest] = this.#handshakes;
		if (oldest !== undefined && this.#handshakes.size >= max) {
			this.#handshakes.delete(oldest);
			oldest.abort(new LimitError("maxHandshakes", max + 1, max, "others came meanwhile"));
		}
		void this.#shakeHands(stream);
	}

	async #shakeHands(below: Stream): Promise<void> {
		const { handshakeTimeoutMs = LIMITS.tlsHandshakeMs, onHandshakeError } = this.#options;
		const handshake = new AbortController();
		const { signal } = handshake;
		this.#handshakes.add(handshake);
		try {
			const stream = await this.#context.handshake(below, {
				signal,
				timeoutMs: handshakeTimeoutMs,
			});
			this.#handshakes.delete(handshake);
			this.#give(stream);
		} catch (error) {
			this.#handshakes.delete(handshake);
			if (this.closed) return;
			this.#failedCount++;
			onHandshakeError?.(signal.aborted ? signal.reason : (error as Error), below.peer);
		}
	}

	#give(stream: TlsStream): void {
		if (this.closed) stream.abort();
		else if (this.#waiting === undefined) this.#ready.push(stream);
		else {
			this.#acceptedCount++;
			this.#waiting.resolve(stream);
		}
	}

	#take(): TlsStream | undefined {
		const stream = this.#ready.shift();
		if (stream === undefined) return undefined;
		this.#acceptedCount++;
		this.#hasRoom?.();
		return stream;
	}
}
