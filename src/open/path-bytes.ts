/** Paths of socket files and of what lies beside them, as bytes: not every path is UTF-8. */
import { type BigIntStats, lstatSync } from "node:fs";
import { SocketError, syscallError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { pathBytes } from "../socket/long-path.ts";
import type { UnixPathAddress } from "../socket/sockaddr.ts";
import { ENAMETOOLONG, ENOENT } from "../sys/errno.ts";

const SLASH = 0x2f;
const TELLING_NAME_BYTES = 64;
const DIGEST_DIGITS = 32;

/**
 * Path of an address from the root, of the working directory at this moment, as the kernel takes it.
 *
 * @throws {SyscallError} ENOENT: the working directory is gone. ENAMETOOLONG
 */
export function absolutePath(address: UnixPathAddress): Buffer {
	const exact = pathBytes(address);
	if (exact[0] === SLASH) return exact;
	const path = Buffer.concat([Buffer.from(`${workingDirectory(address)}/`), exact]);
	if (path.length <= LIMITS.socketPathBytes) return path;
	throw syscallError("bind", ENAMETOOLONG, { path: address.path });
}

/** The directory in which a path lies, with its last slash. */
export function directoryOf(path: Buffer): Buffer {
	return path.subarray(0, path.lastIndexOf(SLASH) + 1);
}

/** The last part of a path. */
export function nameOf(path: Buffer): Buffer {
	return path.subarray(path.lastIndexOf(SLASH) + 1);
}

/** Path of a hidden file of the library's own beside a socket file. */
export function besidePath(path: Buffer, purpose: "lock" | "new"): Buffer {
	const name = nameOf(path);
	// It is bound to, perhaps behind a descriptor of the directory; then nothing in it has to be known but that no other file has it.
	const isLong = purpose === "new" && name.length > TELLING_NAME_BYTES;
	const stem = isLong ? Buffer.from(digest(name)) : name;
	const ending = Buffer.from(`.socketry-${purpose}`);
	return Buffer.concat([directoryOf(path), Buffer.from("."), stem, ending]);
}

function digest(name: Buffer): string {
	// Not imported: node:crypto is a quarter of what importing this package would cost, and hardly anybody comes here.
	const { createHash } = process.getBuiltinModule("node:crypto");
	return createHash("sha256").update(name).digest("hex").slice(0, DIGEST_DIGITS);
}

/** Whether a path leads, without following a last link, to the file that was found. False when it is out of reach. */
export function isSameFile(path: Buffer, { dev, ino }: Pick<BigIntStats, "dev" | "ino">): boolean {
	try {
		const there = lstatSync(path, { bigint: true, throwIfNoEntry: false });
		return there?.ino === ino && there.dev === dev;
	} catch {
		return false;
	}
}

/** A failed call of node:fs as the library tells it; any other error as it is. */
export function typedFileError(error: unknown, path: string): unknown {
	const { errno, syscall } = error as NodeJS.ErrnoException;
	if (error instanceof SocketError || errno === undefined || syscall === undefined) return error;
	return syscallError(syscall, errno, { path });
}

function workingDirectory({ path }: UnixPathAddress): string {
	try {
		return process.cwd();
	} catch {
		throw syscallError("bind", ENOENT, { path });
	}
}
