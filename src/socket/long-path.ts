/**
 * Unix paths longer than an address holds: reached through a descriptor, by its name in /proc. The descriptor is open only as long as the
 * call takes.
 */
import { closeSync, openSync } from "node:fs";
import { LIMITS } from "../limits.ts";
import { encodeSocketAddress, type UnixPathAddress } from "./sockaddr.ts";

// open(2); not among Node's constants.
const O_PATH = 0o10_000_000;

/** The bytes of a path. */
export function pathBytes({ path, bytes }: UnixPathAddress): Buffer {
	return Buffer.from(bytes ?? path);
}

/** Whether a path is too long for an address of the kernel; unix(7). */
export function isLongPath(address: UnixPathAddress): boolean {
	const { path, bytes } = address;
	// Most are short beyond doubt: a character takes three bytes at the most.
	if (bytes === undefined && path.length * 3 <= LIMITS.unixPathBytes) return false;
	return (bytes?.length ?? Buffer.byteLength(path)) > LIMITS.unixPathBytes;
}

/** An address that fits, and what it needs to mean something. */
export interface ReachedPath {
	/** Its bytes are for the kernel, its text is the path as it was given. */
	readonly address: UnixPathAddress;
	/** Ends the meaning of the address. */
	close(): void;
}

/**
 * Opens a path without following its last link or touching what is there.
 *
 * @param flags more of open(2), such as O_NOFOLLOW
 * @returns a descriptor that the caller closes with `closeSync`, or -errno
 */
export function openPath(path: Buffer, flags = 0): number {
	try {
		return openSync(path, O_PATH | flags);
	} catch (error) {
		return (error as { errno: number }).errno;
	}
}

/**
 * Makes an address that fits out of any path: the same one, or for a long one the name of a descriptor of the file that it leads to.
 *
 * @returns -errno when nothing is there, or the way to it is closed
 */
export function reachPath(address: UnixPathAddress): ReachedPath | number {
	if (!isLongPath(address)) return { address, close: () => {} };
	const fd = openPath(pathBytes(address));
	if (fd < 0) return fd;
	const bytes = Buffer.from(`/proc/self/fd/${fd}`);
	return {
		address: { family: "unix", path: address.path, bytes },
		close: () => closeSync(fd),
	};
}

/** Makes one system call with the sockaddr of a long path. Returns what it returns, or -errno. */
export function callWithLongPath(
	address: UnixPathAddress,
	call: (name: Uint8Array) => number,
): number {
	const reached = reachPath(address);
	if (typeof reached === "number") return reached;
	try {
		return call(encodeSocketAddress(reached.address));
	} finally {
		reached.close();
	}
}
