/** Listeners and `net.Server`s: the listening socket goes from one to the other with all connections that wait in it. */
import { linkSync, lstatSync, renameSync, unlinkSync } from "node:fs";
import { type Socket as NetSocket, Server, type ServerOpts } from "node:net";
import { resolve } from "node:path";
import { BusyError, InvalidTypeError, UnsupportedError } from "../errors.ts";
import {
	ACCEPTING_CHECKS,
	type AcceptingOption,
	type ListenOptions,
	listenerOver,
} from "../open/listen.ts";
import { Listener } from "../open/listener.ts";
import { checkOpenOptions } from "../open/open-options.ts";
import { ownedFile } from "../open/socket-file.ts";
import { TRANSPORTS } from "../socket/transport.ts";
import type { BoundFile } from "../stream/connection.ts";
import { inheritedOption, takeInherited } from "../stream/inherited.ts";
import type { Stream } from "../stream/stream.ts";
import { SO_ACCEPTCONN } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { listeningName } from "./names.ts";
import { beforeClosing, duplicateOf, requireNative } from "./native-handle.ts";

/** Options of `toNetServer`. */
export interface NetServerOptions extends ServerOpts {
	/** Connections that may wait for accept, for Node sets that anew. Default 511. */
	readonly backlog?: number | undefined;
}

/** Options of `fromServer`: those of `listen` that concern accepting. */
export type FromServerOptions = Pick<ListenOptions, AcceptingOption>;

/**
 * Makes a `net.Server` of a listener, which is closed then; connections that wait are the server's. It emits `listening` as one that was
 * told to listen, and takes the listener's socket file away when it is closed.
 *
 * @param listener of TCP or Unix streams
 * @param options of `net.createServer`; or a server of Node's that does not listen yet, such as one of `http.createServer`
 * @throws {BusyError} an accept is pending
 * @throws {ClosedError} the listener is closed
 * @throws {UnsupportedError} a vsock listener, or one with a policy of who may connect, which Node would not ask
 */
export function toNetServer<S extends Server = Server>(listener: Listener<Stream>, server: S): S;
export function toNetServer(
	listener: Listener<Stream>,
	options?: NetServerOptions,
	onConnection?: (socket: NetSocket) => void,
): Server;
export function toNetServer(
	listener: Listener<Stream>,
	serverOrOptions: Server | NetServerOptions = {},
	onConnection?: (socket: NetSocket) => void,
): Server {
	if (!(listener instanceof Listener)) {
		throw new InvalidTypeError("listener", "a Listener", listener);
	}
	const { address } = listener;
	requireNative("transport" in address ? address.transport : "", "net.Server");
	if (listener.admits) {
		throw new UnsupportedError(
			"a policy of who may connect in a net.Server",
			"Node lets everybody in; listen with `allow: anyone()`, or use attachHttp()",
		);
	}
	const isServer = serverOrOptions instanceof Server;
	const server = isServer ? serverOrOptions : new Server(serverOrOptions, onConnection);
	const backlog = isServer ? undefined : serverOrOptions.backlog;
	if (server.listening) throw new BusyError("The server listens already: give one that does not");
	const { referenced } = listener.socket.descriptor;
	const { fd, file } = listener.release();
	try {
		server.listen({ fd, exclusive: true, ...(backlog !== undefined && { backlog }) });
	} catch (error) {
		sys.close(fd);
		file?.remove();
		throw error;
	}
	if (!referenced) server.unref();
	const name = listeningName(address);
	// Node does not know the path of a socket that it has not bound.
	if (typeof name === "string") Object.assign(server, { _pipeName: name });
	if (file !== undefined) beforeClosing(server, () => file.remove());
	return server;
}

/**
 * Makes a listener of a server of Node's, which is closed then: connections that wait are the listener's, those that the server has
 * accepted stay its own. The socket file stays; for a moment of microseconds its name is another one.
 *
 * @param server of `net`, `http` or the like. What the listener accepts are the bare connections, without HTTP or TLS
 * @throws {ClosedError} the server does not listen
 * @throws {UnsupportedError} it is that of a cluster's worker, which has no socket of its own
 */
export function fromServer(server: Server, options: FromServerOptions = {}): Listener<Stream> {
	if (!(server instanceof Server)) throw new InvalidTypeError("server", "a net.Server", server);
	checkOpenOptions(options, ACCEPTING_CHECKS);
	const path = server.address();
	const fd = duplicateOf(server, "The server");
	try {
		return takeInherited(
			fd,
			(transport) =>
				TRANSPORTS[transport].type === "stream" && inheritedOption(fd, SO_ACCEPTCONN) !== 0,
			"it is no listener of byte streams",
			(socket, transport) => {
				const file = typeof path === "string" && path[0] !== "\0" ? fileAt(path) : undefined;
				const listener = listenerOver(socket, transport, options, file) as Listener<Stream>;
				// Not its own method, which may end idle connections of HTTP, or take the socket file away.
				const close = (): unknown => Server.prototype.close.call(server);
				if (file !== undefined) keepFile(path as string, close);
				else close();
				return listener;
			},
		);
	} catch (error) {
		sys.close(fd);
		throw error;
	}
}

function fileAt(path: string): BoundFile | undefined {
	const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
	return found?.isSocket() ? ownedFile(Buffer.from(resolve(path)), found) : undefined;
}

/** Runs `close`, in which libuv removes whatever has that path: so it shall find nothing there. */
function keepFile(path: string, close: () => unknown): void {
	const aside = `${path}.${process.pid}.moved`;
	try {
		renameSync(path, aside);
	} catch {
		// No such file, or no right to move it; then libuv has no right to remove it either.
		close();
		return;
	}
	try {
		close();
	} finally {
		putBack(aside, path);
	}
}

// A link does not replace what somebody may have put there meanwhile.
function putBack(aside: string, path: string): void {
	try {
		linkSync(aside, path);
		unlinkSync(aside);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "EEXIST") unlinkSync(aside);
		else renameSync(aside, path);
	}
}
