/**
 * The header that a proxy puts before the bytes of its client, so that the server behind it knows who calls: the PROXY protocol.
 *
 * @see https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
import { InvalidValueError } from "../errors.ts";
import type { Address, HostAddress } from "../socket/address.ts";

/** Type and value of an extension of version 2: what the proxy knows besides the addresses, such as a TLS name. */
export interface ProxyExtension {
	/** PP2_TYPE_*, 0..255: 1 is the ALPN, 2 the name asked for (SNI), 5 an id of the connection, 0x20 TLS. */
	readonly type: number;
	/** Its bytes, whose meaning the type decides; 65535 at the most. */
	readonly value: Uint8Array;
}

/** What a proxy tells about a connection. */
export interface ProxyHeader {
	/** 1 is a line of text, 2 is binary. */
	readonly version: 1 | 2;
	/** Who connected to the proxy; undefined when the proxy speaks for itself (a health check) or cannot tell. */
	readonly source: Address | undefined;
	/** Where the client connected to; undefined as `source`. */
	readonly destination: Address | undefined;
	/** Extensions in their order; version 1 has none. */
	readonly extensions: readonly ProxyExtension[];
}

/** What `encodeProxyHeader` makes a header of. */
export interface ProxyHeaderInit {
	/** Default 2. */
	readonly version?: 1 | 2 | undefined;
	/** Who connected. Without it the proxy speaks for itself. */
	readonly source?: Address | undefined;
	/** Where to; of the same transport and family as `source`. */
	readonly destination?: Address | undefined;
	/** Only in version 2. */
	readonly extensions?: readonly ProxyExtension[] | undefined;
}

/** @internal The two IP ends of a header. */
export interface IpEnds {
	readonly isIpv4: boolean;
	readonly source: HostAddress;
	readonly destination: HostAddress;
}

/** @internal The ends as a pair of one family; undefined for ends that are no IP addresses. */
export function ipEnds({ source, destination }: ProxyHeaderInit): IpEnds | undefined {
	if (source === undefined || destination === undefined) return undefined;
	if (!("host" in source) || !("host" in destination)) return undefined;
	const isIpv4 = !source.host.includes(":");
	if (destination.host.includes(":") === isIpv4) {
		throw new InvalidValueError("destination", "must be of the family of source", destination);
	}
	return { isIpv4, source, destination };
}

/** @internal Without the zone, which means nothing on another machine. */
export function bareHost({ host }: HostAddress): string {
	return host.split("%", 1)[0] as string;
}
