/** `connectDuplex`: what `net.connect` is for libraries, over this library's own path: a duplex at once, which connects meanwhile. */

import { type Known, optionsFor, requireOptions } from "../arguments.ts";
import { CONNECT_CHECKS, type ConnectOptions } from "../open/connect.ts";
import { type Address, parseAddress } from "../socket/address.ts";
import { connectStream } from "./connect-socket.ts";
import { StreamDuplex } from "./stream-duplex.ts";
import { DUPLEX, type StreamDuplexOptions } from "./stream-duplex-options.ts";

/** Options of `connectDuplex`. */
export interface ConnectDuplexOptions extends StreamDuplexOptions, Omit<ConnectOptions, "signal"> {}

/** What `connectDuplex` knows. */
export const CONNECT_DUPLEX: Known<ConnectDuplexOptions> = { ...CONNECT_CHECKS, ...DUPLEX };

type Callback = (error?: Error | null) => void;

// Node's own, although a test may fake them later: its sockets are not held still either.
const { setImmediate } = globalThis;

class ConnectingDuplex extends StreamDuplex {
	readonly #options: ConnectDuplexOptions;
	readonly #abort = new AbortController();
	#address: Address | undefined;
	#opened: Callback | undefined;
	#isReadable = false;

	constructor(address: Address | undefined, options: ConnectDuplexOptions) {
		super(undefined, options);
		this.#address = address;
		this.#options = options;
	}

	/** As `net.Socket.connect`, where no address was given before; otherwise its arguments are passed over. */
	override connect(...args: unknown[]): this {
		super.connect(...args);
		if (this.#address !== undefined) return this;
		try {
			this.#address = addressOf(args);
		} catch (error) {
			// A name that is none is looked up in vain by a `net.Socket`, and no exception.
			return this.destroy(error as Error);
		}
		this.#begin();
		return this;
	}

	override destroy(error?: Error): this {
		super.destroy(error);
		this.#abort.abort();
		// Nothing has begun, so nothing ends by that.
		if (this.#address === undefined) this.#settle();
		return this;
	}

	override _construct(callback: Callback): void {
		this.#opened = callback;
		if (this.destroyed) this.#settle();
		else this.#begin();
	}

	override _read(): void {
		if (this.#isReadable) super._read();
	}

	#begin(): void {
		if (this.#address === undefined || this.#opened === undefined) return;
		const { signal } = this.#abort;
		connectStream(this.#address, { ...optionsFor(this.#options, CONNECT_CHECKS), signal }).then(
			(stream) => {
				this.open(stream);
				this.#settle();
				process.nextTick(() => this.#announce());
			},
			// Who has destroyed it knows why it does not connect.
			(error: Error) => this.#settle(this.destroyed ? null : error),
		);
	}

	#announce(): void {
		if (this.destroyed) return;
		this.emit("connect");
		this.emit("ready");
		// As every socket of Node's, it reads ahead, and not before the next turn of the loop: who asks when it is connected has asked before an answer
		// or an end is there.
		setImmediate(() => {
			this.#isReadable = true;
			if (!this.destroyed) this._read();
		});
	}

	#settle(error?: Error | null): void {
		const opened = this.#opened;
		this.#opened = undefined;
		opened?.(error);
	}
}

/**
 * Connects, and is a duplex at once, as `net.connect`: for libraries that ask for a socket by a function, such as `createConnection` of
 * `http`, `http2` and `ws`, and `stream` of `pg`. Emits `connect` and `ready`, or `error` and `close`. What is written meanwhile waits.
 *
 * @param address of a byte stream; undefined to be told by the library, which calls `connect` as of a `net.Socket`
 * @param options of `connect`, and of the duplex
 * @throws {InvalidAddressError | InvalidTypeError | InvalidValueError} the address is none, or an option wrong or unknown; what fails later is the event `error`
 */
export function connectDuplex(
	address?: string | Address,
	options: ConnectDuplexOptions = {},
): StreamDuplex {
	const target = address === undefined ? undefined : parseAddress(address);
	return new ConnectingDuplex(target, requireOptions(options, CONNECT_DUPLEX));
}

/** What `createConnection` is in the options of `http.request`, `http2.connect` and `ws`: it is given the options of a request. */
export type CreateConnection = (...given: unknown[]) => StreamDuplex;

/**
 * Makes a `createConnection` whose connections go to one address: `new WebSocket(url, { createConnection: createConnectionTo(address) })`. It
 * keeps to the `timeout` of a request, as `net.connect` does.
 *
 * @param address of a byte stream
 * @throws {InvalidAddressError} the address is malformed
 */
export function createConnectionTo(
	address: string | Address,
	options: ConnectDuplexOptions = {},
): CreateConnection {
	const target = parseAddress(address);
	requireOptions(options, CONNECT_DUPLEX);
	return (...given) => {
		const duplex = connectDuplex(target, options);
		for (const each of given) {
			const timeout = (each as { timeout?: unknown } | undefined)?.timeout;
			if (typeof timeout === "number") duplex.setTimeout(timeout);
		}
		return duplex;
	};
}

// connect(port, host), connect(path) and connect({ port, host, path }), each with or without a callback.
function addressOf([first, second]: readonly unknown[]): Address {
	if (typeof first === "object" && first !== null) {
		const { path, port, host } = first as Record<string, unknown>;
		return path === undefined ? internet(port, host) : unix(path);
	}
	return typeof first === "string" && !/^\d+$/.test(first) ? unix(first) : internet(first, second);
}

function internet(port: unknown, host: unknown): Address {
	const name = typeof host === "string" ? host : "localhost";
	return parseAddress({ transport: "tcp", host: name, port: Number(port) });
}

function unix(path: unknown): Address {
	const name = String(path);
	return name.startsWith("\0")
		? { transport: "unix", abstract: name.slice(1) }
		: { transport: "unix", path: name };
}
