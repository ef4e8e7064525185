/**
 * `Socket` of the Sockets API. Comments quote the text where it decides.
 *
 * @see https://sockets-api.proposal.wintertc.org
 */
import { TlsError } from "../errors.ts";
import { Stream } from "../stream/stream.ts";
import type { TlsClientOptions } from "../tls/client-context.ts";
import { startTls } from "../tls/start-tls.ts";
import type { TlsStream } from "../tls/tls-stream.ts";
import { addressText, type ReadOptions, type SecureTransportKind } from "./arguments.ts";
import { Readable } from "./readable.ts";
import { SocketError, socketError } from "./socket-error.ts";
import { Writable } from "./writable.ts";

/** What is known of a connection once it is established. */
export interface SocketInfo {
	/** Host and port of the peer, as it was reached: `"192.0.2.1:443"`. */
	readonly remoteAddress: string | null;
	/** Host and port of this end. */
	readonly localAddress: string | null;
	/** Application protocol that was agreed on. */
	readonly alpn: string | null;
}

/** @internal How a socket is made. */
export interface Setup {
	readonly options: ReadOptions;
	readonly hostname: string;
	/** What `opened` tells in place of the address that was connected to. */
	readonly remoteAddress?: string | null | undefined;
	readonly tls: TlsClientOptions["tls"];
	/** Makes the connection. */
	open(signal: AbortSignal): Promise<Stream | TlsStream>;
}

function ignore(): void {}

/** A TCP connection, with TLS or without. Made by `connect`. */
export class Socket {
	readonly #setup: Setup;
	readonly #readable: Readable;
	readonly #writable: Writable;
	readonly #opened: Promise<SocketInfo>;
	readonly #closed: Promise<undefined>;
	readonly #stream: Promise<Stream | TlsStream>;
	readonly #calledOff: AbortController = new AbortController();
	#rejectOpened!: (reason: unknown) => void;
	#resolveClosed!: (value: undefined) => void;
	#rejectClosed!: (reason: SocketError) => void;
	#hasPeerEnded = false;
	#isOver = false;
	#isUpgraded = false;

	get [Symbol.toStringTag](): string {
		return "Socket";
	}

	/** @internal */
	constructor(setup: Setup) {
		if (typeof setup?.open !== "function")
			throw new TypeError("Illegal constructor: use connect()");
		this.#setup = setup;
		this.#closed = new Promise((resolve, reject) => {
			this.#resolveClosed = resolve;
			this.#rejectClosed = reject;
		});
		this.#stream = setup.open(this.#calledOff.signal);
		this.#opened = new Promise((resolve, reject) => {
			this.#rejectOpened = reject;
			this.#stream.then(
				(stream) => resolve(infoOf(stream, setup.remoteAddress)),
				(error: unknown) => this.#fail(socketError(error)),
			);
		});
		// "Set opened.[[PromiseIsHandled]] to true", and so for closed.
		this.#opened.catch(ignore);
		this.#closed.catch(ignore);
		this.#readable = new Readable(
			this.#stream,
			() => this.#peerEnded(),
			() => this.#peerReset(),
		);
		this.#writable = new Writable(
			this.#stream,
			() => this.#writingEnded(),
			() => this.#reset(),
		);
	}

	/** What the peer sends: a byte stream, so that readers may bring their own memory. Nothing is read before it is asked for. */
	get readable(): ReadableStream<Uint8Array> {
		return this.#readable.stream;
	}

	/** What the peer is sent: bytes, or text as UTF-8. Closing it ends writing; aborting it resets the connection. */
	get writable(): WritableStream<ArrayBuffer | ArrayBufferView | string> {
		return this.#writable.stream;
	}

	/** Resolves when the connection is established, and its handshake of TLS done. Rejects with a `SocketError`, or with what `close` was given. */
	get opened(): Promise<SocketInfo> {
		return this.#opened;
	}

	/**
	 * Resolves after `close()`, and when the peer's end or a reset has been read; with `allowHalfOpen` an end counts once the writable is closed or has failed.
	 * Rejects with a `SocketError` when the connection could not be established.
	 */
	get closed(): Promise<undefined> {
		return this.#closed;
	}

	/** Whether `startTls` was called: then the connection belongs to another socket. */
	get upgraded(): boolean {
		return this.#isUpgraded;
	}

	/** What `connect` was told; `"on"` for a socket that `startTls` made. Not in the text yet, but in Cloudflare's implementation. */
	get secureTransport(): SecureTransportKind {
		return this.#setup.options.secureTransport;
	}

	/**
	 * Closes the connection, once what the writable has taken is sent. The readable is cancelled and the writable aborted, with `reason`.
	 *
	 * @returns `closed`
	 */
	close(reason?: unknown): Promise<undefined> {
		if (this.#isOver) return this.#closed;
		this.#isOver = true;
		// "If the opened promise is still pending, it will be rejected with the reason."
		this.#rejectOpened(reason);
		void this.#cancel(reason);
		void this.#finish();
		return this.#closed;
	}

	/**
	 * Begins TLS on this connection, as soon as it is established and what was written is sent. This socket is closed then; the one that is returned has
	 * new streams, and an `opened` that waits for the handshake. It fails if the peer has sent something that nobody has read.
	 *
	 * @throws {SocketError} `secureTransport` is not `"starttls"`, or this socket is closed
	 */
	startTls(): Socket {
		const { options, hostname, remoteAddress, tls } = this.#setup;
		if (options.secureTransport !== "starttls") {
			const why = options.secureTransport === "on" ? "it has TLS already" : 'it is "off"';
			throw new SocketError(`startTls() needs secureTransport "starttls": ${why}`);
		}
		if (this.#isOver) throw new SocketError("startTls() needs an open socket: this one is closed");
		this.#isUpgraded = true;
		this.#isOver = true;
		const quiet = this.#cancel(new SocketError("startTls() was called: use what it returned"));
		this.#resolveClosed(undefined);
		const { alpn, sni = hostname } = options;
		const open = async (signal: AbortSignal): Promise<TlsStream> => {
			const stream = await this.#stream;
			const earlyBytes = await quiet;
			if (earlyBytes > 0) {
				stream.abort();
				throw new TlsError("plaintext", `${earlyBytes} bytes came before the handshake of TLS`);
			}
			try {
				const agreed = alpn.length > 0 ? { alpn } : {};
				return await startTls(stream, { servername: sni, ...agreed, tls, signal });
			} catch (error) {
				stream.abort();
				throw error;
			}
		};
		const secured = { ...options, secureTransport: "on" } as const;
		return new Socket({ hostname, remoteAddress, tls, open, options: secured });
	}

	// "the readable is canceled with error and the writable is aborted with error"
	#fail(error: SocketError): void {
		this.#rejectOpened(error);
		if (this.#isOver) return;
		this.#isOver = true;
		void this.#cancel(error);
		this.#rejectClosed(error);
	}

	// Resolves to bytes that came for a read which was cancelled.
	async #cancel(reason: unknown): Promise<number> {
		const writing = this.#writable.abort(reason);
		const earlyBytes = await this.#readable.cancel();
		await writing;
		return earlyBytes;
	}

	// "The WritableStream- and the socket instance- will be automatically closed when a FIN packet is received"
	#peerEnded(): void {
		if (this.#isOver) return;
		this.#hasPeerEnded = true;
		if (this.#setup.options.allowHalfOpen && !this.#writable.isOver) return;
		this.#isOver = true;
		void this.#writable.end().then(() => this.#finish());
	}

	// A connection both of whose halves have ended is not half-open any more.
	#writingEnded(): void {
		if (this.#isOver || !this.#hasPeerEnded) return;
		this.#isOver = true;
		void this.#finish();
	}

	#peerReset(): void {
		if (this.#isOver) return;
		this.#isOver = true;
		void this.#writable.abort(new SocketError("the connection was reset"));
		void this.#finish();
	}

	#reset(): void {
		if (this.#isOver) return;
		this.#isOver = true;
		void this.#readable.cancel();
		this.#calledOff.abort();
		this.#stream.then((stream) => stream.abort(), ignore);
		this.#resolveClosed(undefined);
	}

	async #finish(): Promise<void> {
		// Of a connection that is not there yet.
		this.#calledOff.abort();
		try {
			await (await this.#stream).close();
		} catch {
			// It is closed nevertheless.
		}
		this.#resolveClosed(undefined);
	}
}

// "Exposed": as of every interface of the Web, what it has can be enumerated.
for (const name of ["readable", "writable", "opened", "closed", "upgraded", "close", "startTls"]) {
	Object.defineProperty(Socket.prototype, name, { enumerable: true });
}

function infoOf(stream: Stream | TlsStream, remoteAddress = addressText(stream.peer)): SocketInfo {
	return {
		remoteAddress,
		localAddress: addressText(stream.address),
		alpn: stream instanceof Stream ? null : (stream.alpn ?? null),
	};
}
