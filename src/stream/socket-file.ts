/**
 * Socket files: made with the mode asked for, taken over only from the dead, removed only when they are still ours.
 *
 * A file is known by its device and inode, never by its path alone: another process may have put its own in the place meanwhile.
 */
import { chmodSync, fchmodSync, lstatSync, unlinkSync } from "node:fs";
import { resolve as absolutePath, basename, dirname } from "node:path";
import { requireInteger, requireOneOf } from "../arguments.ts";
import { check, syscallError } from "../errors.ts";
import type { SocketType } from "../socket/kind.ts";
import type { SocketAddress } from "../socket/sockaddr.ts";
import { encodeSocketAddress } from "../socket/sockaddr.ts";
import { type Socket, socket } from "../socket/socket.ts";
import { sys } from "../sys/current.ts";
import { EADDRINUSE, ECONNREFUSED } from "../sys/errno.ts";

/** Options of everything that binds a Unix path. */
export interface SocketFileOptions {
	/** Permissions of the socket file, 0..0o777, in force from its first moment. Default: 0o777 less the umask, as the kernel does. */
	readonly mode?: number | undefined;
	/**
	 * What to do with a socket file that is there already: fail with EADDRINUSE (the default), or replace it if nobody listens behind it.
	 * Anything that is no socket is never touched.
	 */
	readonly onStale?: "error" | "replace-dead" | undefined;
}

/** A bound socket file. */
export interface SocketFile {
	/** Removes the file if it is still ours; otherwise does nothing. Never fails. */
	remove(): void;
}

/**
 * Binds a socket to a path.
 *
 * @throws {SyscallError} EADDRINUSE: the path exists. EACCES, ENOENT, ENOTDIR, EROFS
 */
export function bindSocketFile(
	target: Socket,
	address: Extract<SocketAddress, { path: string }>,
	type: SocketType,
	options: SocketFileOptions,
): SocketFile {
	const onStale = requireOneOf("onStale", options.onStale ?? "error", ["error", "replace-dead"]);
	const mode =
		options.mode === undefined ? undefined : requireInteger("mode", options.mode, 0, 0o777);
	// Linux: the file gets the mode of the socket's own inode, so that no moment is open to others; unix(7) does not say so, but
	// net/unix/af_unix.c, unix_bind_bsd() does.
	if (mode !== undefined) fchmodSync(target.openFd(), mode);
	if (onStale === "error") target.bind(address);
	else bindOverDead(target, address, type);
	const path = absolutePath(address.path);
	const { dev, ino, mode: given } = lstatSync(path, { bigint: true });
	// The umask may have taken bits away; giving them back opens no window.
	if (mode !== undefined && Number(given & 0o777n) !== mode) chmodSync(path, mode);
	return { remove: () => removeOwn(path, dev, ino) };
}

function bindOverDead(
	target: Socket,
	address: Extract<SocketAddress, { path: string }>,
	type: SocketType,
): void {
	const name = encodeSocketAddress(address);
	const rc = sys.bind(target.openFd(), name);
	if (rc !== EADDRINUSE) {
		check(rc, "bind", { path: address.path });
		return;
	}
	const lock = lockPath(address.path);
	try {
		const found = lstatSync(address.path, { bigint: true });
		if (!found.isSocket() || !isDead(name, type)) {
			throw syscallError("bind", EADDRINUSE, { path: address.path });
		}
		removeOwn(absolutePath(address.path), found.dev, found.ino);
		target.bind(address);
	} finally {
		lock.close();
	}
}

// Two starters that find the same dead file must not both replace it. The lock is an abstract name, which the kernel frees with its
// holder, however that ends.
function lockPath(path: string): Socket {
	const { dev, ino } = lstatSync(dirname(path), { bigint: true });
	const lock = socket("unix", "dgram");
	// Not imported: node:crypto is a quarter of what importing this package would cost, and hardly anybody comes here.
	const name = process
		.getBuiltinModule("node:crypto")
		.createHash("sha256")
		.update(`${dev}:${ino}:${basename(path)}`)
		.digest("hex");
	const rc = sys.bind(
		lock.openFd(),
		encodeSocketAddress({ family: "unix", abstract: `socketry-replace-${name}` }),
	);
	if (rc >= 0) return lock;
	lock.close();
	throw syscallError("bind", rc, { path });
}

// A file without a socket behind it refuses; any other answer, a full queue or another type, comes from somebody alive.
function isDead(name: Uint8Array, type: SocketType): boolean {
	const probe = socket("unix", type);
	try {
		return sys.connect(probe.openFd(), name) === ECONNREFUSED;
	} finally {
		probe.close();
	}
}

function removeOwn(path: string, dev: bigint, ino: bigint): void {
	try {
		const found = lstatSync(path, { bigint: true });
		if (found.dev === dev && found.ino === ino) unlinkSync(path);
	} catch {
		// Gone, or out of reach: either way not ours to remove any more.
	}
}
