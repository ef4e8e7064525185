/** Connections for undici, the client behind `fetch`, and a dispatcher for the `fetch` that is built in. */

import type { Socket as NetSocket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { type Known, optionsFor, requireOptions } from "../arguments.ts";
import { UnsupportedError } from "../errors.ts";
import { type Address, parseAddress } from "../socket/address.ts";
import { connectSecured } from "./connect-socket.ts";
import { CONNECT_DUPLEX, type ConnectDuplexOptions, connectDuplex } from "./connecting-duplex.ts";
import type { StreamDuplex } from "./stream-duplex.ts";

/** Options of `connector`. */
export interface ConnectorOptions extends ConnectDuplexOptions {
	/** Options of TLS for `https:` URLs. */
	readonly tls?: ConnectionOptions | undefined;
}

const KNOWN: Known<ConnectorOptions> = { ...CONNECT_DUPLEX, tls: true };

/** What undici tells about a connection that it wants. */
export interface ConnectorRequest {
	/** `"http:"` or `"https:"`. */
	readonly protocol: string;
	/** Host of the URL. */
	readonly hostname: string;
	/** The name that TLS asks for and proves. */
	readonly servername?: string | null | undefined;
}

/** What undici takes as `connect` of its `Agent`, `Pool` and `Client`. */
export type Connector = (
	request: ConnectorRequest,
	callback: (...result: [null, NetSocket | TLSSocket] | [Error, null]) => void,
) => void;

/**
 * A dispatcher for the `fetch` that is built in, as its option `dispatcher` takes it. The DOM types of TypeScript, which it takes where `lib`
 * says nothing, know no such option: there write `fetch(url, { dispatcher } as RequestInit)`.
 */
export type FetchDispatcher = RequestInit extends { dispatcher?: infer D }
	? NonNullable<D>
	: { close(): Promise<void>; destroy(): Promise<void> };

type AgentClass = new (options: { readonly connect: Connector }) => FetchDispatcher;

/**
 * Has undici connect to one address, whatever the host of a URL: `new Agent({ connect: connector("unix:/run/docker.sock") })`, of the
 * undici that your `fetch` or `request` is of. The host of the URL is what the server reads in the header `Host`.
 *
 * @param address of a byte stream
 * @throws {InvalidAddressError} the address is malformed
 */
export function connector(address: string | Address, options: ConnectorOptions = {}): Connector {
	const target = parseAddress(address);
	const { tls = {} } = requireOptions(options, KNOWN);
	const connect = optionsFor(options, CONNECT_DUPLEX);
	return (request, callback) => {
		if (request.protocol !== "https:") {
			settle(connectDuplex(target, connect), "connect", callback);
			return;
		}
		connectSecured(target, connect, (socket) => {
			const secure = process.getBuiltinModule("node:tls").connect({
				ALPNProtocols: ["http/1.1"],
				...tls,
				servername: tls.servername ?? nameOf(request),
				socket,
			});
			settle(secure, "secureConnect", callback);
		}).catch((error: Error) => callback(error, null));
	};
}

/**
 * Makes a dispatcher for the `fetch` that is built in, whose connections go to one address:
 * `fetch("http://docker/v1.43/info", { dispatcher: fetchDispatcher("unix:/run/docker.sock") })`. No package is needed, and the version always
 * fits: it is an `Agent` of Node's own undici.
 *
 * @param address of a byte stream
 * @throws {InvalidAddressError} the address is malformed
 * @throws {UnsupportedError} the global dispatcher was replaced by one of another kind: give the `Agent` of your undici a `connector`
 */
export function fetchDispatcher(
	address: string | Address,
	options: ConnectorOptions = {},
): FetchDispatcher {
	const connect = connector(address, options);
	return new (agentClass())({ connect });
}

function settle(
	socket: StreamDuplex | TLSSocket,
	event: "connect" | "secureConnect",
	callback: Parameters<Connector>[1],
): void {
	const onError = (error: Error): void => callback(error, null);
	socket.once("error", onError);
	socket.once(event, () => {
		socket.off("error", onError);
		// undici takes any duplex; its types know the sockets of Node alone.
		callback(null, socket as unknown as NetSocket);
	});
}

// An address has no name for TLS; RFC 6066 section 3.
function nameOf({ servername, hostname }: ConnectorRequest): string {
	if (typeof servername === "string") return servername;
	return /^[\d.]+$|:/.test(hostname) ? "" : hostname;
}

// Where undici keeps its global dispatcher, by whatever copy of it that was set; undici, lib/global.js. Looking at Response loads it.
function agentClass(): AgentClass {
	void globalThis.Response;
	const places = globalThis as unknown as Record<symbol, object | undefined>;
	const dispatcher =
		places[Symbol.for("undici.globalDispatcher.2")] ??
		places[Symbol.for("undici.globalDispatcher.1")];
	const found = dispatcher?.constructor;
	if (found?.name === "Agent") return found as AgentClass;
	throw new UnsupportedError(
		"a dispatcher of the built-in fetch",
		"its global dispatcher is not Node's own; give the Agent of your undici a connector()",
	);
}
