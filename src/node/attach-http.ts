/** Node's HTTP servers on listeners of ours, with the limits against slow clients in force. */
import type { AddressInfo, Server } from "node:net";
import { type Known, requireOneOf, requireOptions } from "../arguments.ts";
import { BusyError, InvalidTypeError } from "../errors.ts";
import { Listener } from "../open/listener.ts";
import type { Stream } from "../stream/stream.ts";
import { listeningName, socketName } from "./names.ts";
import { toDuplex } from "./stream-duplex.ts";
import { netSocketOver } from "./to-net-socket.ts";

/** Options of `attachHttp`. */
export interface AttachHttpOptions {
	/**
	 * What the server gets for a connection: `"net"`, a genuine `net.Socket`, on which Node's HTTP parser and TLS run natively (the default, but for
	 * vsock, which Node does not know); or `"duplex"`, which stays on this library's own path.
	 */
	readonly sockets?: "net" | "duplex" | undefined;
}

const KNOWN: Known<AttachHttpOptions> = {
	sockets: true,
};

/** What Node keeps of a server that it feeds itself; net.js, function onconnection. */
interface FedServer extends Server {
	_handle: ServerHandle | null;
	_pipeName?: string;
	_connections: number;
	allowHalfOpen?: boolean;
	highWaterMark?: number;
	_emitCloseIfDrained(): void;
}

/**
 * Has a server of Node's serve what a listener accepts: of `http`, `https` or `http2`, or of a framework upon them. It emits `listening`, which is
 * what arms its `headersTimeout` and `requestTimeout`, has the listener's address, counts connections, and keeps to `maxConnections`.
 * `server.close()` closes the listener; an error of the listener is an `error` of the server.
 *
 * @param server that does not listen. It can have several listeners, which it closes together
 * @param listener of byte streams; taken
 * @returns the server
 * @throws {BusyError} the server listens by itself
 */
export function attachHttp<S extends Server>(
	server: S,
	listener: Listener<Stream>,
	options: AttachHttpOptions = {},
): S {
	if (!(listener instanceof Listener)) {
		throw new InvalidTypeError("listener", "a Listener", listener);
	}
	requireOptions(options, KNOWN);
	requireOneOf("sockets", options.sockets ?? "net", ["net", "duplex"]);
	const fed = server as unknown as FedServer;
	const handle = fed._handle;
	if (handle instanceof ServerHandle) handle.listeners.push(listener);
	else {
		if (server.listening) throw new BusyError("The server listens already: give one that does not");
		begin(fed, listener);
	}
	void serve(fed, listener, options);
	return server;
}

/**
 * Stands where a server has its handle in libuv. A server that had none would believe that it does not run: it would not listen, would have no
 * address, and would end before its connections do.
 */
class ServerHandle {
	readonly listeners: Listener<Stream>[];
	/** Of the first listener; undefined for a Unix one, whose path the server has itself. */
	readonly getsockname?: (out: object) => number;

	constructor(listener: Listener<Stream>, name: AddressInfo | undefined) {
		this.listeners = [listener];
		if (name === undefined) return;
		this.getsockname = (out) => {
			Object.assign(out, name);
			return 0;
		};
	}

	close(): void {
		for (const listener of this.listeners) listener.close();
	}

	ref(): void {
		for (const listener of this.listeners) listener.ref();
	}

	unref(): void {
		for (const listener of this.listeners) listener.unref();
	}
}

function begin(server: FedServer, listener: Listener<Stream>): void {
	const name = listeningName(listener.address);
	const isPath = typeof name === "string";
	const handle = new ServerHandle(listener, isPath ? undefined : (name ?? undefined));
	server._handle = handle;
	if (isPath) server._pipeName = name;
	process.nextTick(() => {
		if (server._handle === handle) server.emit("listening");
	});
}

async function serve(
	server: FedServer,
	listener: Listener<Stream>,
	{ sockets }: AttachHttpOptions,
): Promise<void> {
	try {
		for await (const stream of listener) {
			const isNative = sockets !== "duplex" && stream.transport !== "vsock";
			if (isFull(server)) drop(server, stream);
			else {
				server._connections++;
				// Of its own tick: an exception of the program's is no failure of the listener.
				process.nextTick(admit, server, stream, isNative);
			}
		}
	} catch (error) {
		server.emit("error", error);
	}
}

// As Node does it for connections that it has accepted itself.
function admit(server: FedServer, stream: Stream, isNative: boolean): void {
	const { allowHalfOpen = false, highWaterMark } = server;
	const options = { allowHalfOpen, highWaterMark };
	const socket = isNative ? netSocketOver(stream, options) : toDuplex(stream, options);
	if (isNative) Object.assign(socket, { server, _server: server });
	else {
		socket.once("close", () => {
			server._connections--;
			server._emitCloseIfDrained();
		});
	}
	server.emit("connection", socket);
}

function isFull({ maxConnections, _connections }: FedServer): boolean {
	return maxConnections > 0 && _connections >= maxConnections;
}

function drop(server: FedServer, stream: Stream): void {
	const local = socketName(stream.address);
	const remote = socketName(stream.peer);
	// Nobody is interested in how that ends.
	stream.close({ timeoutMs: 0 }).catch(() => undefined);
	server.emit("drop", {
		localAddress: local.address,
		localPort: local.port,
		localFamily: local.family,
		remoteAddress: remote.address,
		remotePort: remote.port,
		remoteFamily: remote.family,
	});
}
