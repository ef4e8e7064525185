/** Node's HTTP servers on listeners of ours, with the limits against slow clients in force. */
import type { Server } from "node:net";
import { requireOneOf } from "../arguments.ts";
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

/** What Node keeps of a server that it feeds itself; net.js, function onconnection. */
interface FedServer extends Server {
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
	requireOneOf("sockets", options.sockets ?? "net", ["net", "duplex"]);
	const listeners = attached.get(server);
	if (listeners !== undefined) listeners.add(listener);
	else {
		if (server.listening) throw new BusyError("The server listens already: give one that does not");
		attached.set(server, new Set([listener]));
		takeOver(server);
		process.nextTick(() => {
			if (server.listening) server.emit("listening");
		});
	}
	void serve(server as unknown as FedServer, listener, options);
	return server;
}

const attached = new WeakMap<Server, Set<Listener<Stream>>>();

// A server that Node has not told to listen believes that it does not run: it would answer so, and end before its connections.
function takeOver(server: Server): void {
	const listeners = (): Listener<Stream>[] =>
		[...(attached.get(server) ?? [])].filter(({ closed }) => !closed);
	const own = {
		listening: { configurable: true, get: () => listeners().length > 0 },
		address: {
			configurable: true,
			value: () => {
				const [first] = listeners();
				return first === undefined ? null : listeningName(first.address);
			},
		},
		close: {
			configurable: true,
			value: (callback?: (error?: Error) => void) => {
				for (const each of listeners()) each.close();
				attached.delete(server);
				for (const name of Object.keys(own)) Reflect.deleteProperty(server, name);
				if (callback !== undefined) server.once("close", () => callback());
				return server.close();
			},
		},
		ref: { configurable: true, value: () => each(server, (listener) => listener.ref()) },
		unref: { configurable: true, value: () => each(server, (listener) => listener.unref()) },
	};
	Object.defineProperties(server, own);
}

function each(server: Server, act: (listener: Listener<Stream>) => unknown): Server {
	for (const listener of attached.get(server) ?? []) act(listener);
	return server;
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
			// Of its own tick: an exception of the program's is no failure of the listener.
			else process.nextTick(admit, server, stream, isNative);
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
	server._connections++;
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
