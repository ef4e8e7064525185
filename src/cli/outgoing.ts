/** Connections that are made: directly or through a proxy, with TLS or without. */
import {
	type Address,
	type ConnectOptions,
	connect,
	type PacketStream,
	type Stream,
} from "../index.ts";
import type { ProxyAddress } from "../proxy/index.ts";
import type { TlsClientOptions, TlsStream } from "../tls/index.ts";

/** How to connect. */
export interface OutgoingOptions {
	/** Undefined for no proxy. */
	readonly proxy: ProxyAddress | undefined;
	/** Undefined without TLS. */
	readonly tls: TlsClientOptions | undefined;
}

/**
 * Connects.
 *
 * @param options of the connection; with a proxy, of that to the proxy
 * @throws as `connect`, `connectThrough` and `tlsConnect`; nothing stays open
 */
export async function open(
	address: Address,
	{ proxy, tls }: OutgoingOptions,
	options: ConnectOptions,
): Promise<Stream | PacketStream | TlsStream> {
	if (proxy === undefined && tls === undefined) return await connect(address, options);
	if (proxy === undefined) {
		const { tlsConnect } = await import("../tls/index.ts");
		return await tlsConnect(address as Parameters<typeof tlsConnect>[0], { ...options, ...tls });
	}
	const started = performance.now();
	const { connectThrough } = await import("../proxy/index.ts");
	const stream = await connectThrough(proxy, address, options);
	if (tls === undefined) return stream;
	const { startTls } = await import("../tls/index.ts");
	const { signal, timeoutMs } = options;
	const left = timeoutMs && Math.max(0, timeoutMs - Math.ceil(performance.now() - started));
	try {
		const servername = tls.servername ?? ("host" in address ? address.host : undefined);
		return await startTls(stream, { ...tls, servername, signal, timeoutMs: left });
	} catch (error) {
		stream.abort();
		throw error;
	}
}
