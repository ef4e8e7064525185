/** `connect` of the Sockets API of WinterTC, for code that runs on edge runtimes too. */

import type { ConnectOptions } from "../open/connect.ts";
import { connect as connectStream } from "../open/connect.ts";
import { connectThrough } from "../proxy/connect-through.ts";
import { type ProxyAddress, parseProxy } from "../proxy/proxy-address.ts";
import type { HostAddress } from "../socket/address.ts";
import { countDown } from "../socket/wait.ts";
import type { Stream } from "../stream/stream.ts";
import type { TlsClientOptions } from "../tls/client-context.ts";
import { startTls } from "../tls/start-tls.ts";
import { tlsConnect } from "../tls/tls-connect.ts";
import type { TlsStream } from "../tls/tls-stream.ts";
import {
	type AnySocketAddress,
	addressText,
	type ReadOptions,
	readAddress,
	readOptions,
	type SocketOptions,
} from "./arguments.ts";
import { Socket } from "./socket.ts";
import { socketError } from "./socket-error.ts";

/** What has a `connect`. */
export interface Connect {
	connect(address: AnySocketAddress, options?: SocketOptions): Socket;
}

/** What a binding's connections have in common. */
export interface BindingOptions {
	/** Certificates and the like; see `TlsClientOptions.tls`. */
	readonly tls?: TlsClientOptions["tls"];
	/** Goes by way of this proxy, which also resolves names; as `connectThrough` of `socketry/proxy` takes it. */
	readonly proxy?: string | ProxyAddress | undefined;
	/** Time for connecting and the handshake, the resolver, and all else that `connect` of `socketry` takes. */
	readonly connect?: Omit<
		ConnectOptions,
		"owner" | "receiveCredentials" | "receiveDescriptors" | "signal"
	>;
}

/**
 * Connects. The socket is returned at once, while it still connects: its streams can be used already.
 *
 * @throws {SocketError} the address is malformed, or the options contradict each other; it is a TypeError
 * @see https://sockets-api.proposal.wintertc.org
 */
export function connect(address: AnySocketAddress, options?: SocketOptions): Socket {
	return connectWith({}, address, options);
}

/**
 * Makes a binding object: a `connect` with settings that the API has no words for, such as authorities to trust.
 *
 * @throws {InvalidAddressError} the proxy is malformed
 */
export function binding(settings: BindingOptions): Connect {
	if (settings.proxy !== undefined) parseProxy(settings.proxy);
	return { connect: (address, options) => connectWith(settings, address, options) };
}

function connectWith(
	settings: BindingOptions,
	address: AnySocketAddress,
	given: SocketOptions | undefined,
): Socket {
	const { hostname, port } = readAddress(address);
	const options = readOptions(given);
	const target = { transport: "tcp", host: hostname, port } as const;
	const { tls, proxy } = settings;
	return new Socket({
		options,
		hostname,
		tls,
		// The proxy's own address tells nothing of whom this is a connection with.
		remoteAddress: proxy === undefined ? undefined : addressText(target),
		open: async (signal) => {
			try {
				return await open(target, settings, options, signal);
			} catch (error) {
				throw socketError(error);
			}
		},
	});
}

async function open(
	target: HostAddress & { readonly transport: "tcp" },
	{ tls, proxy, connect: more = {} }: BindingOptions,
	{ secureTransport, sni = target.host, alpn }: ReadOptions,
	signal: AbortSignal,
): Promise<Stream | TlsStream> {
	const options = { ...more, signal };
	const left = countDown({ signal, timeoutMs: more.timeoutMs });
	const secured = { servername: sni, tls, ...(alpn.length > 0 && { alpn }) };
	if (proxy === undefined) {
		if (secureTransport !== "on") return await connectStream(target, options);
		return await tlsConnect(target, { ...options, ...secured });
	}
	const stream = await connectThrough(proxy, target, options);
	if (secureTransport !== "on") return stream;
	try {
		return await startTls(stream, { ...secured, ...left() });
	} catch (error) {
		stream.abort();
		throw error;
	}
}
