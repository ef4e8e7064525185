/** Addresses of listed sockets as text. */
import { formatAddress } from "../socket/address.ts";
import type { SocketAddress } from "../socket/sockaddr.ts";
import { fromSocketAddress, type SocketTransport } from "../socket/transport.ts";
import type { SocketKind } from "./kernel-socket.ts";

const AS_UDP: ReadonlySet<SocketKind> = new Set(["mptcp", "udplite", "raw", "icmp"]);

/**
 * Writes an address: as `connect` takes it where the library has such a kind, and in the same manner with the kind as first word where it has none.
 *
 * @returns undefined when there is no address: a Unix socket without a name
 */
export function addressText(
	kind: SocketKind,
	address: SocketAddress | undefined,
): string | undefined {
	if (address === undefined || (address.family === "unix" && isUnnamed(address))) return undefined;
	if (AS_UDP.has(kind)) {
		return formatAddress(fromSocketAddress("udp", address)).replace(/^udp/, kind);
	}
	return formatAddress(fromSocketAddress(kind as SocketTransport, address));
}

function isUnnamed(address: SocketAddress): boolean {
	return !("path" in address) && !("abstract" in address);
}
