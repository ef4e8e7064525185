/** Pairs of connections with TLS. */
import { socketpair } from "socketry";
import { startTls, type TlsStream } from "socketry/tls";
import type { ByteStream } from "#src/stream/contract.ts";
import { Authority } from "../support/certificates.ts";
import { connectedStreams } from "../support/pairs.ts";

export const authority: Authority = new Authority();
export const localhost: { readonly key: string; readonly cert: string } = authority.issue({
	dns: ["localhost"],
	ips: ["127.0.0.1"],
});

/** Versions of the protocol, as `minVersion` and `maxVersion`. */
export const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

const servers = new Map(
	VERSIONS.map((version) => [version, { ...localhost, minVersion: version, maxVersion: version }]),
);

/** Does the handshake on two connected ends: client and server. */
export function secured(
	[left, right]: readonly [ByteStream, ByteStream],
	version: (typeof VERSIONS)[number] = "TLSv1.3",
): Promise<[TlsStream, TlsStream]> {
	return Promise.all([
		startTls(left, { servername: "localhost", tls: { ca: authority.cert } }),
		startTls(right, { isServer: true, tls: servers.get(version) ?? localhost }),
	]);
}

export async function overTcp(
	version?: (typeof VERSIONS)[number],
): Promise<[TlsStream, TlsStream]> {
	return await secured(await connectedStreams("tcp://127.0.0.1:0"), version);
}

export async function overUnix(
	version?: (typeof VERSIONS)[number],
): Promise<[TlsStream, TlsStream]> {
	return await secured(socketpair(), version);
}
