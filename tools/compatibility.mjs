// Holds: the test suites of other projects can be run, unmodified, on streams and listeners of ours; docs/compatibility.md has the results.
//
//   node --import=/path/to/socketry/tools/compatibility.mjs node_modules/.bin/mocha ...
//
// Loaded before a suite, it replaces what `net` and `http` give to whoever asks them: connections become `connectDuplex`, and servers that
// are told to listen get a listener of ours by `attachHttp`. `NET_SOCKET_CLASS=1` replaces the class `net.Socket` too. `SERVER_SOCKETS=net` has servers
// get genuine sockets, and `CLIENT_SOCKETS=net` has clients get them: by `toNetSocket`, of streams of ours. How many of each there were is printed at the
// end.

import { rmSync } from "node:fs";
import http from "node:http";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { adopt, connect as connectOurs, OwnedDescriptor } from "../dist/index.js";
import { attachHttp, connectDuplex, toNetSocket } from "../dist/node/index.js";
import { socket } from "../dist/socket/index.js";

/** @typedef {{ path?: string, host?: string | undefined, port?: number | string, backlog?: number, fd?: number, handle?: unknown, timeout?: number, ipv6Only?: boolean,
 *   autoSelectFamily?: boolean, allowHalfOpen?: boolean, highWaterMark?: number, keepAlive?: boolean, keepAliveInitialDelay?: number, signal?: AbortSignal,
 *   lookup?: Function }} Options */

const counts = { connections: 0, listeners: 0 };
process.on("exit", () => process.stderr.write(`compatibility: ${JSON.stringify(counts)}\n`));

/**
 * The arguments of `connect` and `listen` in all their forms.
 *
 * @param {readonly unknown[]} given
 * @returns {[options: Options, callback: (() => void) | undefined]}
 */
function parse(given) {
	const [first, second] = given;
	const last = given.at(-1);
	const callback = typeof last === "function" ? /** @type {() => void} */ (last) : undefined;
	if (Array.isArray(first)) return parse(first);
	if (typeof first === "object" && first !== null)
		return [/** @type {Options} */ (first), callback];
	if (typeof first === "string" && !/^\d+$/.test(first)) return [{ path: first }, callback];
	const port = /** @type {number} */ (typeof first === "function" ? 0 : first);
	return [typeof second === "string" ? { port, host: second } : { port }, callback];
}

/** @param {Options} options */
function duplexOptions({ allowHalfOpen, highWaterMark, signal, lookup, autoSelectFamily }) {
	// Without it Node tries the first address alone.
	const count = autoSelectFamily === false ? 1 : undefined;
	/** @type {(name: string) => Promise<string[]>} */
	const resolver = (name) =>
		new Promise((resolve, reject) => {
			lookup?.(
				name,
				{ all: true },
				(/** @type {Error | null} */ error, /** @type {any} */ found) => {
					if (error) reject(error);
					else if (!Array.isArray(found)) resolve([found]);
					else resolve(found.slice(0, count).map(({ address }) => address));
				},
			);
		});
	return { allowHalfOpen, highWaterMark, signal, resolver: lookup && resolver };
}

const NetSocket = net.Socket;
const isNative = process.env.CLIENT_SOCKETS === "net";

/** What connects when it is told to. @param {Options} options */
function unconnected(options) {
	counts.connections++;
	return isNative ? netSocketToBe(options) : connectDuplex(undefined, duplexOptions(options));
}

/** @param {...unknown} given */
function connect(...given) {
	const [options, callback] = parse(given);
	const { path, host, port } = options;
	const made = unconnected(options);
	// Agents give null for what they have not.
	made.connect(path ? { path } : { host: host || "localhost", port: Number(port) });
	if (options.timeout !== undefined) made.setTimeout(options.timeout);
	if (options.keepAlive) made.setKeepAlive(true, options.keepAliveInitialDelay);
	return callback === undefined ? made : made.once("connect", callback);
}

/**
 * A genuine socket that is there at once, as whoever calls `net.connect` expects, and gets a connection of ours when it is told to connect.
 *
 * @param {Options} options
 * @returns {net.Socket}
 */
function netSocketToBe(options) {
	const socket = new NetSocket(/** @type {net.SocketConstructorOpts} */ (options));
	/** @param {...unknown} given */
	const begin = (...given) => {
		const [{ path, host, port }, callback] = parse(given);
		if (callback !== undefined) socket.once("connect", callback);
		/** @type {import("socketry").Address} */
		const address = path
			? { transport: "unix", path }
			: { transport: "tcp", host: host || "localhost", port: Number(port) };
		Object.assign(socket, { connecting: true });
		const { resolver, signal } = duplexOptions(options);
		connectOurs(address, { resolver, signal })
			.then((stream) => toNetSocket(/** @type {import("socketry").Stream} */ (stream)))
			.then(
				(made) => moveHandle(made, socket),
				(error) => socket.destroy(error),
			);
		return socket;
	};
	return Object.assign(socket, { connect: begin });
}

/**
 * As `net` itself does when a connection is there.
 *
 * @param {any} from @param {any} to
 */
function moveHandle(from, to) {
	const { _handle: handle } = from;
	if (to.destroyed) {
		from.destroy();
		return;
	}
	const owner = Object.getOwnPropertySymbols(handle).find((each) => handle[each] === from);
	handle.readStop();
	handle.reading = false;
	handle[/** @type {symbol} */ (owner)] = to;
	from._handle = null;
	from.destroy();
	to._handle = handle;
	to.connecting = false;
	to.emit("connect");
	to.emit("ready");
	if (!to.destroyed && !to.isPaused()) to.read(0);
}

/** @this {unknown} @param {Options} options @returns {any} */
function SocketOfOurs(options = {}) {
	// Node's own subclasses, and whoever has a handle already.
	if (new.target === undefined) return Reflect.apply(NetSocket, this, [options]);
	if (new.target !== SocketOfOurs) return Reflect.construct(NetSocket, [options], new.target);
	if (options.fd !== undefined || options.handle !== undefined) {
		return new NetSocket(/** @type {net.SocketConstructorOpts} */ (options));
	}
	return unconnected(options);
}
SocketOfOurs.prototype = NetSocket.prototype;

/** @param {Options} options */
function open({ path, host, port = 0, backlog, ipv6Only = false }) {
	const isIpv4 = net.isIPv4(host ?? "");
	const family = isIpv4 ? "inet" : "inet6";
	const opened = socket(path ? "unix" : family, "stream");
	try {
		if (path) opened.bind({ family: "unix", path });
		else {
			opened.setOption("SO_REUSEADDR", true);
			opened.setOption("TCP_NODELAY", true);
			if (!isIpv4) opened.setOption("IPV6_V6ONLY", ipv6Only);
			opened.bind({ family, host: host || "::", port: Number(port) });
		}
		opened.listen(backlog);
	} catch (error) {
		opened.close();
		throw error;
	}
	const owned = OwnedDescriptor.fromFd(opened.detachFd());
	return /** @type {import("socketry").Listener<import("socketry").Stream>} */ (
		adopt(owned, { kind: "listener" })
	);
}

/**
 * Node's own removes the file of a socket when the server is told to close, not when its last connection has ended.
 *
 * @param {{ close: () => void }} handle
 * @param {string} path
 */
function removeWith(handle, path) {
	const { close } = handle;
	handle.close = () => {
		rmSync(path, { force: true });
		close.call(handle);
	};
}

/** @this {net.Server} @param {...unknown} given */
function listen(...given) {
	const [options, callback] = parse(given);
	if (callback !== undefined) this.once("listening", callback);
	const begin = (/** @type {string | undefined} */ host) => {
		try {
			const sockets = process.env.SERVER_SOCKETS === "net" ? "net" : "duplex";
			attachHttp(this, open({ ...options, host }), { sockets });
			counts.listeners++;
			const { path } = options;
			if (path) removeWith(/** @type {any} */ (this)._handle, path);
			options.signal?.addEventListener("abort", () => this.close(), { once: true });
		} catch (error) {
			process.nextTick(() => this.emit("error", error));
		}
	};
	const { host } = options;
	if (!host || net.isIP(host) !== 0) begin(host);
	else {
		process.getBuiltinModule("node:dns").lookup(host, (error, address) => {
			if (error) this.emit("error", error);
			else begin(address);
		});
	}
	return this;
}

Object.assign(net, { connect, createConnection: connect });
if (process.env.NET_SOCKET_CLASS) Object.assign(net, { Socket: SocketOfOurs });
Object.assign(net.Server.prototype, { listen });
Object.assign(http.Agent.prototype, { createConnection: connect });
syncBuiltinESMExports();
