/** `connect` of the Sockets API of WinterTC, for code that runs on edge runtimes too. */

import type { ConnectOptions } from "../open/connect.ts";
import { connect as connectStream } from "../open/connect.ts";
import type { TlsClientOptions } from "../tls/client-context.ts";
import { tlsConnect } from "../tls/tls-connect.ts";
import {
	type AnySocketAddress,
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

/** Makes a binding object: a `connect` with settings that the API has no words for, such as authorities to trust. */
export function binding(settings: BindingOptions): Connect {
	return { connect: (address, options) => connectWith(settings, address, options) };
}

function connectWith(
	{ tls, connect: more = {} }: BindingOptions,
	address: AnySocketAddress,
	given: SocketOptions = {},
): Socket {
	const { hostname, port } = readAddress(address);
	const options = readOptions(given);
	const { secureTransport, alpn, sni = hostname } = options;
	const target = { transport: "tcp", host: hostname, port } as const;
	return new Socket({
		options,
		hostname,
		tls,
		open: async (signal) => {
			try {
				if (secureTransport !== "on") return await connectStream(target, { ...more, signal });
				const agreed = alpn.length > 0 ? { alpn } : {};
				return await tlsConnect(target, { ...more, ...agreed, servername: sni, tls, signal });
			} catch (error) {
				throw socketError(error);
			}
		},
	});
}
