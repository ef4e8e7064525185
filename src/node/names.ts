/** Names of sockets as Node's own sockets tell them. */
import type { AddressInfo } from "node:net";
import type { Address } from "../socket/address.ts";

/** What `net.Server` tells: an object for TCP, a path for Unix sockets, which for an abstract name begins with a NUL; null for an unnamed one. */
export function listeningName(address: Address): AddressInfo | string | null {
	if ("host" in address) return internetName(address.host, address.port);
	if ("path" in address) return address.path;
	if ("abstract" in address) return `\0${address.abstract}`;
	return null;
}

/** What `net.Socket` tells; an empty object where there is no port. */
export function socketName(address: Address | undefined): AddressInfo | Record<string, never> {
	return address !== undefined && "host" in address ? internetName(address.host, address.port) : {};
}

function internetName(address: string, port: number): AddressInfo {
	return { address, family: address.includes(":") ? "IPv6" : "IPv4", port };
}
