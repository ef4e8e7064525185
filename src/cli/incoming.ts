/** Connections that come: who really calls, by the header of a proxy, and TLS. */
import {
	type Address,
	InvalidAddressError,
	LIMITS,
	type PacketStream,
	type Stream,
} from "../index.ts";
import type { ProxyHeader } from "../proxy/index.ts";
import type { TlsServerOptions, TlsStream } from "../tls/index.ts";
import type { Trust } from "./trust-option.ts";

/** What can come. */
export type Connection = Stream | PacketStream | TlsStream;

/** A connection that has come, with what is known of its two ends. */
export interface Incoming {
	readonly connection: Connection;
	/** Who calls: as its proxy tells it, or the peer itself. */
	readonly client: Address;
	/** Where it called. */
	readonly destination: Address;
}

/** What has to come before a connection can be served. */
export interface IncomingOptions {
	/** Undefined without TLS. */
	readonly tlsIn: TlsServerOptions | undefined;
	/** Whose connections begin with a header; undefined for nobody's. */
	readonly proxied: Trust | undefined;
}

const GAVE_WAY = "gave way to a newcomer, for its handshake or header was still due";

/** Through which connections come, and where they may have to wait. */
export class Entrance {
	readonly #options: IncomingOptions;
	readonly #signal: AbortSignal;
	readonly #shed = new WeakSet<Stream | PacketStream>();

	/** @param signal ends at once what is being made ready */
	constructor(options: IncomingOptions, signal: AbortSignal) {
		this.#options = options;
		this.#signal = signal;
	}

	/** Ends a connection in favour of another one; undefined where it takes no time of the peer's to make one ready. */
	get shed(): ((accepted: Stream | PacketStream) => void) | undefined {
		const { tlsIn, proxied } = this.#options;
		if ((tlsIn ?? proxied) === undefined) return undefined;
		return (accepted) => {
			this.#shed.add(accepted);
			accepted.abort();
		};
	}

	/**
	 * Reads the header of the PROXY protocol from a proxy that is trusted, and does the handshake of TLS.
	 *
	 * @param accepted taken
	 * @throws why it cannot be served; it is closed then
	 */
	async makeReady(accepted: Stream | PacketStream): Promise<Incoming> {
		try {
			return await makeReady(accepted, this.#options, this.#signal);
		} catch (error) {
			throw this.#shed.has(accepted) ? new Error(GAVE_WAY, { cause: error }) : error;
		}
	}
}

async function makeReady(
	accepted: Stream | PacketStream,
	{ tlsIn, proxied }: IncomingOptions,
	signal: AbortSignal,
): Promise<Incoming> {
	let client: Address = accepted.peer;
	let destination: Address = accepted.address;
	if (tlsIn === undefined && proxied === undefined) {
		return { connection: accepted, client, destination };
	}
	try {
		if (!("write" in accepted)) {
			const reason = "TLS and headers of proxies are for streams, and this one carries messages";
			throw new InvalidAddressError(destination, reason);
		}
		if (proxied?.(client)) {
			const header = await headerOf(accepted, signal);
			client = header.source ?? client;
			destination = header.destination ?? destination;
		}
		if (tlsIn === undefined) return { connection: accepted, client, destination };
		const { startTls } = await import("../tls/index.ts");
		const timeoutMs = LIMITS.tlsHandshakeMs;
		const options = { isServer: true, tls: tlsIn, allowEarlyBytes: true, timeoutMs } as const;
		return { connection: await startTls(accepted, { ...options, signal }), client, destination };
	} catch (error) {
		accepted.abort();
		throw error;
	}
}

async function headerOf(accepted: Stream, signal: AbortSignal): Promise<ProxyHeader> {
	const { readProxyHeader } = await import("../proxy/index.ts");
	try {
		return await readProxyHeader(accepted, { timeoutMs: LIMITS.proxyHeaderMs, signal });
	} catch (error) {
		const { message } = error as Error;
		throw new Error(`no header of the PROXY protocol came: ${message}`, { cause: error });
	}
}
