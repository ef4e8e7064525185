/**
 * `StreamDuplex`: a `Duplex` of Node's over a stream of ours, for libraries that take any stream. Bytes stay on this library's own path; only
 * buffering, events and back-pressure are Node's. It has the methods of `net.Socket` that libraries call, but no `_handle`: Node's TLS, HTTP
 * and HTTP/2 treat it as what it is.
 */
import type { AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import { requireFunction, requireInteger, requireOptions } from "../arguments.ts";
import { InvalidTypeError, syscallError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { ByteStream } from "../stream/contract.ts";
import { Stream } from "../stream/stream.ts";
import { EPIPE } from "../sys/errno.ts";
import { bytesOf, type Chunk, isCopied } from "./chunk.ts";
import { dropStream } from "./drop-stream.ts";
import { IdleTimer } from "./idle-timer.ts";
import { tellInTurn } from "./in-turn.ts";
import { endWhenQuiet } from "./lazy-end.ts";
import { socketName } from "./names.ts";
import { DUPLEX, nodeOptions, type StreamDuplexOptions } from "./stream-duplex-options.ts";
import { setKeepAlive, setNoDelay } from "./tcp-switches.ts";

type Callback = (error?: Error | null) => void;

const TIMEOUT_MS_MAX = 2_147_483_647;

// Node's own, although a test may fake them later: its sockets are not held still either.
const { setImmediate } = globalThis;

function ignore(): void {}

/** A `Duplex` over a stream. Made by `toDuplex` and `connectDuplex`. */
export class StreamDuplex extends Duplex {
	/** Milliseconds without traffic until `timeout`, as set by `setTimeout`. */
	timeout: number | undefined;
	#stream: ByteStream | undefined;
	readonly #idle: IdleTimer;
	#idleQueuedBytes = 0;
	#isReading = false;
	#isFlushing = false;
	#isReset = false;
	// The peer has ended, and this side is to end too. What it will not read any more is lost without a word, as over TCP.
	#isOver = false;
	#isEndedByPeer = false;
	#isBelowTls = false;
	// Tells `close`, once TLS has read everything.
	#heldClose: (() => void) | undefined;
	#activity = 0;
	// What was asked for before there was a stream.
	readonly #wishes: ((stream: Stream) => unknown)[] = [];

	static {
		// Node's TLS asks for this with every chunk that it takes from a stream which is no `net.Socket`; nobody else asks one that is being
		// listened to. TLS loses what it has deciphered, and its program has not read yet, when the stream below ends writing or tells `close`
		// before it is told to. `internal/js_stream_socket` of Node 20 to 26.
		Object.defineProperty(StreamDuplex.prototype, "readableObjectMode", {
			get(this: StreamDuplex): boolean {
				this.#noteTls();
				return false;
			},
		});
	}

	/** @internal */
	constructor(stream: ByteStream | undefined, options: StreamDuplexOptions) {
		super(nodeOptions(options));
		this.#stream = stream;
		this.#idle = new IdleTimer(() => this.#onIdle());
		if (!this.allowHalfOpen) this.once("end", () => this.#endLazily());
		// As every socket of Node's, it reads ahead: an end or a failure is noticed although nobody consumes.
		if (stream !== undefined) this.read(0);
	}

	/** The stream below, for its options, and for who is at its other end. Reading or writing through it corrupts this duplex. Undefined while it connects. */
	get stream(): Stream | undefined {
		return this.#stream instanceof Stream ? this.#stream : undefined;
	}

	/** Whether it still waits for its connection. */
	get connecting(): boolean {
		return this.#stream === undefined && !this.destroyed;
	}

	/** As `connecting`. */
	get pending(): boolean {
		return this.#stream === undefined;
	}

	/** `"opening"`, `"open"`, `"readOnly"`, `"writeOnly"` or `"closed"`, as of `net.Socket`. */
	get readyState(): "opening" | "open" | "readOnly" | "writeOnly" | "closed" {
		if (this.connecting) return "opening";
		if (this.readable) return this.writable ? "open" : "readOnly";
		return this.writable ? "writeOnly" : "closed";
	}

	/** Bytes received so far. */
	get bytesRead(): number {
		return this.#stream?.bytesRead ?? 0;
	}

	/** Bytes given to `write` so far. */
	get bytesWritten(): number {
		return (this.#stream?.bytesWritten ?? 0) + this.writableLength;
	}

	/** Address of the peer; undefined where there is no port. */
	get remoteAddress(): string | undefined {
		return socketName(this.stream?.peer).address;
	}

	get remotePort(): number | undefined {
		return socketName(this.stream?.peer).port;
	}

	get remoteFamily(): string | undefined {
		return socketName(this.stream?.peer).family;
	}

	get localAddress(): string | undefined {
		return this.address().address;
	}

	get localPort(): number | undefined {
		return this.address().port;
	}

	get localFamily(): string | undefined {
		return this.address().family;
	}

	/** Address of this end; empty where there is no port. */
	address(): AddressInfo | Record<string, never> {
		const socket = this.stream;
		if (socket === undefined || this.destroyed) return {};
		return socketName(socket.address);
	}

	/** Sends small writes at once, or gathers them; does nothing but for TCP. */
	setNoDelay(noDelay = true): this {
		return this.#whenOpen((stream) => setNoDelay(stream, noDelay));
	}

	/** Has the kernel probe a silent peer; does nothing but for TCP. @param initialDelayMs silence before the first probe; 0 keeps what is set */
	setKeepAlive(enable = false, initialDelayMs = 0): this {
		return this.#whenOpen((stream) => setKeepAlive(stream, enable, initialDelayMs));
	}

	/**
	 * Emits `timeout` when nothing has moved for `ms` milliseconds, 0..2147483647; 0 turns that off. The connection goes on.
	 *
	 * @throws {InvalidTypeError | OutOfRangeError} `ms` is out of range, or `callback` no function
	 */
	setTimeout(ms: number, callback?: () => void): this {
		this.timeout = requireInteger("ms", Math.trunc(ms), 0, TIMEOUT_MS_MAX);
		this.#idle.start(this.destroyed ? 0 : this.timeout);
		if (callback === undefined) return this;
		requireFunction("callback", callback);
		return this.timeout === 0
			? this.removeListener("timeout", callback)
			: this.once("timeout", callback);
	}

	/** Lets the connection keep the process alive; the default. */
	ref(): this {
		return this.#whenOpen((stream) => stream.ref());
	}

	/** Lets the process end although the connection is open. */
	unref(): this {
		return this.#whenOpen((stream) => stream.unref());
	}

	/** Does what `connect` of a `net.Socket` is called for by libraries that are given one: emits `connect` once it is connected. */
	connect(...args: unknown[]): this {
		const callback = args.at(-1);
		if (typeof callback === "function") this.once("connect", callback as () => void);
		if (!this.pending) process.nextTick(() => this.emit("connect"));
		return this;
	}

	/** Ends writing, and destroys the duplex when everything is written. */
	destroySoon(): void {
		if (this.writable) this.end();
		if (this.writableFinished) this.destroy();
		else this.once("finish", () => this.destroy());
	}

	/** Destroys it so that TCP answers the peer with a reset. */
	resetAndDestroy(): this {
		this.#isReset = true;
		return this.destroy();
	}

	/** As of every `Duplex`; after the peer's end has ended this side too, it is EPIPE. */
	override write(chunk: unknown, callback?: Callback): boolean;
	override write(chunk: unknown, encoding?: BufferEncoding, callback?: Callback): boolean;
	override write(chunk: unknown, ...rest: [(BufferEncoding | Callback)?, Callback?]): boolean {
		this.#activity++;
		if (!this.#isEndedByPeer) return super.write(chunk, ...(rest as [BufferEncoding, Callback]));
		const error = syscallError("send", EPIPE);
		const callback = rest.find((each) => typeof each === "function");
		if (callback !== undefined) process.nextTick(callback, error);
		this.destroy(error);
		return false;
	}

	override _read(): void {
		if (this.#isReading || this.#stream === undefined) return;
		this.#isReading = true;
		this.#readNext(this.#stream);
	}

	override _write(chunk: Uint8Array | string, encoding: BufferEncoding, callback: Callback): void {
		this._writev([{ chunk, encoding }], callback);
	}

	override _writev(chunks: readonly Chunk[], callback: Callback): void {
		this.#send(this.#stream as ByteStream, chunks, 0, callback);
	}

	override _final(callback: Callback): void {
		const stream = this.#stream as ByteStream;
		const isOver = this.#isOver;
		stream.closeWrite().then(
			() => callback(),
			(error) => callback(isOver ? null : error),
		);
	}

	/** As of every `Duplex`. Below TLS of Node's, `close` comes when TLS destroys it, and not when both sides have ended. */
	override destroy(error?: Error): this {
		this.#heldClose?.();
		this.#heldClose = undefined;
		return super.destroy(error);
	}

	override _destroy(error: Error | null, callback: Callback): void {
		this.#idle.start(0);
		// As of a `net.Socket`: the error is told in the next tick, and `close` in a turn of its own, when the socket is closed.
		callback(error);
		const tell = (): void => void this.emit("close", error !== null);
		const stream = this.#stream;
		if (stream === undefined) {
			process.nextTick(tell);
			return;
		}
		const isDone = error === null && this.writableFinished;
		if (!isDone || this.#isReset) dropStream(stream, this.#isReset);
		const closing = stream.close(isDone ? {} : { timeoutMs: 0 }).catch(ignore);
		const tellClosed = (): void => void closing.then(() => setImmediate(tell));
		if (this.#isBelowTls && isDone && this.readableEnded) this.#heldClose = tellClosed;
		else tellClosed();
	}

	/** @internal Begins to use a stream that was not there when this object was made. */
	protected open(stream: Stream): void {
		this.#stream = stream;
		for (const wish of this.#wishes.splice(0)) wish(stream);
	}

	#whenOpen(act: (stream: Stream) => unknown): this {
		if (this.stream !== undefined) act(this.stream);
		else if (this.connecting) this.#wishes.push(act);
		return this;
	}

	#noteTls(): void {
		if (this.listenerCount("data") > 0) this.#isBelowTls = true;
	}

	// Node would end it right after its event `end`, if it did not believe for so long that it may be half open.
	#endLazily(): void {
		const stream = this.#stream as ByteStream;
		this.#isOver = true;
		this.allowHalfOpen = true;
		process.nextTick(() => {
			this.allowHalfOpen = false;
		});
		if (this.#isBelowTls) return;
		void endWhenQuiet({
			isOver: () => this.writableEnded || this.destroyed,
			activity: () => this.#activity,
			flush: () => stream.flush().catch(ignore),
			end: () => {
				this.#isEndedByPeer = true;
				this.end();
			},
		});
	}

	#readNext(stream: ByteStream): void {
		// By a tick, as every socket of Node's: what the program defers by `nextTick` comes before what it defers by a promise.
		stream.read().then(
			(chunk) => tellInTurn(() => this.#take(stream, chunk)),
			(error: Error) => {
				if (!this.destroyed) this.destroy(error);
			},
		);
	}

	#take(stream: ByteStream, chunk: Uint8Array | null): void {
		if (this.destroyed) return;
		this.#idle.refresh();
		let wantsMore = true;
		try {
			wantsMore = this.push(chunk);
		} finally {
			// What the program throws is its own, and it may go on. As every socket of Node's, the end is told although nobody consumes.
			if (chunk === null) this.read(0);
			else if (wantsMore) this.#readNext(stream);
			else this.#isReading = false;
		}
	}

	// As many chunks as the stream has room for; the others when these have gone.
	#send(stream: ByteStream, chunks: readonly Chunk[], first: number, callback: Callback): void {
		const waits: Promise<void>[] = [];
		let next = first;
		while (next < chunks.length && stream.queuedBytes < LIMITS.writeHighWaterBytes) {
			const { chunk, encoding } = chunks[next++] as Chunk;
			const data = bytesOf(chunk, encoding);
			const written = stream.write(data);
			// A large chunk is borrowed until it is sent; a small one has been copied.
			if (isCopied(data) && stream.queuedBytes < LIMITS.writeHighWaterBytes) this.#watch(written);
			else waits.push(written);
		}
		this.#idle.refresh();
		this.#flushSoon(stream);
		const goOn = (): void => {
			if (next < chunks.length) this.#send(stream, chunks, next, callback);
			else callback();
		};
		if (waits.length === 0 && next === chunks.length) callback();
		else {
			const room = waits.length === 0 ? stream.flush() : Promise.all(waits);
			room.then(goOn, (error) => {
				callback(this.#isOver ? null : error);
				if (this.#isOver && !this.writableEnded) this.destroy();
			});
		}
	}

	// Writes of one tick leave together; a failure that comes later than its write is told as an event.
	#flushSoon(stream: ByteStream): void {
		if (this.#isFlushing) return;
		this.#isFlushing = true;
		process.nextTick(() => {
			this.#isFlushing = false;
			if (!this.destroyed && !this.writableFinished) this.#watch(stream.flush());
		});
	}

	#watch(written: Promise<void>): void {
		written.then(ignore, (error: Error) => {
			// A peer that had ended, and is gone now, is no error; but whoever goes on writing shall find the end.
			if (!this.destroyed && !this.writableEnded) this.destroy(this.#isOver ? undefined : error);
		});
	}

	#onIdle(): void {
		const queuedBytes = this.#stream?.queuedBytes ?? 0;
		// A slow peer is no silent one.
		if (queuedBytes !== this.#idleQueuedBytes) {
			this.#idleQueuedBytes = queuedBytes;
			this.#idle.refresh();
			return;
		}
		this.emit("timeout");
	}
}

/**
 * Makes a `Duplex` of a stream, to be given to libraries that take a socket. Bytes stay on this library's own path. An error of the stream
 * destroys it; destroying it closes the stream, gently if writing has ended, and otherwise at once.
 *
 * @param stream taken: read or write it by the duplex only, from now on. A `Stream` gives the duplex its addresses and switches too
 * @throws {InvalidTypeError | InvalidValueError} it is no stream, or an option is wrong or unknown
 */
export function toDuplex(stream: ByteStream, options: StreamDuplexOptions = {}): StreamDuplex {
	if (typeof (stream as Partial<ByteStream> | null)?.closeWrite !== "function") {
		throw new InvalidTypeError("stream", "a Stream", stream);
	}
	return new StreamDuplex(stream, requireOptions(options, DUPLEX));
}
