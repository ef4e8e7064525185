/** What an error says about the address that a system call was applied to. */
import type { SyscallTarget } from "../errors.ts";
import type { SocketAddress } from "./sockaddr.ts";

/** The address in the fields of Node's errors: `path`, or `address` and `port`; an abstract name is written `@name`. */
export function targetOf(address: SocketAddress): SyscallTarget {
	if (address.family === "vsock") return { address: `cid ${address.cid}`, port: address.port };
	if (address.family !== "unix") return { address: address.host, port: address.port };
	if ("path" in address) return { path: address.path };
	return "abstract" in address ? { address: `@${address.abstract}` } : {};
}
