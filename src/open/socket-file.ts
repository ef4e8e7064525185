/**
 * Socket files: made with the mode asked for, taken over only from the dead, removed only when they are still ours.
 *
 * A file is known by its device and inode, never by its path alone: another process may have put its own in the place meanwhile. Paths are
 * bytes here, for not every path is UTF-8.
 */
import {
	type BigIntStats,
	chmodSync,
	closeSync,
	fchmodSync,
	constants as files,
	fstatSync,
	lstatSync,
	openSync,
	statSync,
	unlinkSync,
} from "node:fs";
import { check, syscallError } from "../errors.ts";
import type { SocketType } from "../socket/kind.ts";
import type { UnixPathAddress } from "../socket/sockaddr.ts";
import { encodeSocketAddress } from "../socket/sockaddr.ts";
import { type Socket, socket } from "../socket/socket.ts";
import type { BoundFile } from "../stream/connection.ts";
import { sys } from "../sys/current.ts";
import { EADDRINUSE, ECONNREFUSED } from "../sys/errno.ts";
import { isBound } from "./bound-sockets.ts";

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

// open(2); not among Node's constants.
const O_PATH = 0o10_000_000;
const SLASH = 0x2f;

/**
 * Binds a socket to a path.
 *
 * @param options checked
 * @throws {SyscallError} EADDRINUSE: the path exists. EACCES, ENOENT, ENOTDIR, EROFS
 */
export function bindSocketFile(
	target: Socket,
	address: UnixPathAddress,
	type: SocketType,
	{ mode, onStale }: SocketFileOptions,
): BoundFile {
	const path = absolutePath(address);
	// Linux: the file gets the mode of the socket's own inode, so that no moment is open to others; unix(7) does not say so, but
	// net/unix/af_unix.c, unix_bind_bsd() does.
	if (mode !== undefined) fchmodSync(target.openFd(), mode);
	if (onStale === "replace-dead") bindOverDead(target, address, type, path);
	else target.bind(address);
	const found = lstatSync(path, { bigint: true });
	try {
		// The umask may have taken bits away; giving them back opens no window.
		if (mode !== undefined && Number(found.mode & 0o777n) !== mode) setMode(path, found, mode);
	} catch (error) {
		removeIfSame(path, found);
		throw error;
	}
	return ownedFile(path, found);
}

/** A file that is ours to remove, as far as device and inode say that it is still the same. */
export function ownedFile(path: Buffer, { dev, ino }: Pick<BigIntStats, "dev" | "ino">): BoundFile {
	let isOwned = true;
	return {
		path,
		dev,
		ino,
		get isOwned() {
			return isOwned;
		},
		disown() {
			isOwned = false;
		},
		remove() {
			if (isOwned) removeIfSame(path, { dev, ino });
		},
	};
}

function bindOverDead(
	target: Socket,
	address: UnixPathAddress,
	type: SocketType,
	path: Buffer,
): void {
	const name = encodeSocketAddress(address);
	const rc = sys.bind(target.openFd(), name);
	if (rc !== EADDRINUSE) {
		check(rc, "bind", { path: address.path });
		return;
	}
	const lock = lockPath(path, address.path);
	try {
		// It may be gone by now: then there is nothing to replace.
		const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
		if (found !== undefined) {
			if (!found.isSocket() || !isDead(name, type, path, found)) {
				throw syscallError("bind", EADDRINUSE, { path: address.path });
			}
			removeIfSame(path, found);
		}
		target.bind(address);
	} finally {
		lock.close();
	}
}

// Two starters that find the same dead file must not both replace it. The lock is an abstract name, which the kernel frees with its
// holder, however that ends.
function lockPath(path: Buffer, shown: string): Socket {
	const slash = path.lastIndexOf(SLASH);
	const { dev, ino } = statSync(path.subarray(0, slash + 1), { bigint: true });
	const lock = socket("unix", "dgram");
	// Not imported: node:crypto is a quarter of what importing this package would cost, and hardly anybody comes here.
	const name = process
		.getBuiltinModule("node:crypto")
		.createHash("sha256")
		.update(`${dev}:${ino}:`)
		.update(path.subarray(slash + 1))
		.digest("hex");
	const rc = sys.bind(
		lock.openFd(),
		encodeSocketAddress({ family: "unix", abstract: `socketry-replace-${name}` }),
	);
	if (rc >= 0) return lock;
	lock.close();
	throw syscallError("bind", rc, { path: shown });
}

// A file without a socket behind it refuses; any other answer, a full queue or another type, comes from somebody alive. So does a refusal
// between bind and listen.
function isDead(name: Uint8Array, type: SocketType, path: Buffer, found: BigIntStats): boolean {
	const probe = socket("unix", type);
	try {
		if (sys.connect(probe.openFd(), name) !== ECONNREFUSED) return false;
	} finally {
		probe.close();
	}
	return type === "dgram" || !isBound(path, (other) => isSame(other, found));
}

// By descriptor, for somebody may put a link in the file's place.
function setMode(path: Buffer, found: BigIntStats, mode: number): void {
	const fd = openSync(path, O_PATH | files.O_NOFOLLOW);
	try {
		const { dev, ino } = fstatSync(fd, { bigint: true });
		if (dev === found.dev && ino === found.ino) chmodSync(`/proc/self/fd/${fd}`, mode);
	} finally {
		closeSync(fd);
	}
}

function removeIfSame(path: Buffer, found: Pick<BigIntStats, "dev" | "ino">): void {
	try {
		if (isSame(path, found)) unlinkSync(path);
	} catch {
		// Out of reach: not ours to remove any more.
	}
}

function isSame(path: Buffer, { dev, ino }: Pick<BigIntStats, "dev" | "ino">): boolean {
	const there = lstatSync(path, { bigint: true, throwIfNoEntry: false });
	return there !== undefined && there.dev === dev && there.ino === ino;
}

// Of the working directory at this moment, as the kernel takes it.
function absolutePath({ path, bytes }: UnixPathAddress): Buffer {
	const exact = Buffer.from(bytes ?? path);
	return exact[0] === SLASH ? exact : Buffer.concat([Buffer.from(`${process.cwd()}/`), exact]);
}
