/**
 * A lock for each socket file: whoever makes, replaces or removes one holds it meanwhile. It is flock(2) on a file beside the socket file,
 * which is there only as long as somebody holds it.
 */
import { closeSync, constants as files, fstatSync, lstatSync, openSync, unlinkSync } from "node:fs";
import { LIMITS } from "../limits.ts";
import { LOCK_EX, LOCK_UN } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { EACCES, EAGAIN, EINVAL } from "../sys/errno.ts";
import { besidePath } from "./path-bytes.ts";
import { pause } from "./pause.ts";

const FLAGS = files.O_RDWR | files.O_CREAT | files.O_NOFOLLOW | files.O_NONBLOCK;
// Only its owner may open it, and so hold it.
const MODE = 0o600;
const RETRY_MS = 1;

/** A lock that is held. */
export class FileLock {
	readonly #path: Buffer;
	readonly #fd: number;

	private constructor(path: Buffer, fd: number) {
		this.#path = path;
		this.#fd = fd;
	}

	/**
	 * Takes the lock of a socket file, and blocks this thread while another holds it; holders are done within a millisecond, if they are
	 * not stopped.
	 *
	 * @param path absolute, of the socket file
	 * @returns -errno when there is none: EAGAIN if another did not let it go in time, or why its file cannot be opened
	 */
	static take(path: Buffer): FileLock | number {
		const lockPath = besidePath(path, "lock");
		const deadline = performance.now() + LIMITS.socketFileLockMs;
		for (;;) {
			const fd = openLocked(lockPath);
			if (fd >= 0) return new FileLock(lockPath, fd);
			if (fd !== EAGAIN || performance.now() >= deadline) return fd;
			pause(RETRY_MS);
		}
	}

	/** Lets it go and removes its file. To be called once. */
	release(): void {
		remove(this.#path);
		// A child that is being started may have a copy of the descriptor for a moment.
		sys.flock(this.#fd, LOCK_UN);
		closeSync(this.#fd);
	}
}

function openLocked(path: Buffer): number {
	let fd: number;
	try {
		fd = openSync(path, FLAGS, MODE);
	} catch (error) {
		const { errno } = error as { errno: number };
		// Another user's lock is a lock; a directory that is closed to us is none.
		return errno === EACCES && isThere(path) ? EAGAIN : errno;
	}
	const rc = lock(fd, path);
	if (rc < 0) closeSync(fd);
	return rc < 0 ? rc : fd;
}

function lock(fd: number, path: Buffer): number {
	const opened = fstatSync(fd, { bigint: true });
	if (!opened.isFile()) return EINVAL;
	const rc = sys.flock(fd, LOCK_EX);
	if (rc < 0) {
		// The file system has no locks: then the file is nobody's.
		if (rc !== EAGAIN) remove(path);
		return rc;
	}
	// Its holder may have removed it after we had opened it: then somebody else may have locked another one.
	const there = lstatSync(path, { bigint: true, throwIfNoEntry: false });
	return there?.ino === opened.ino && there.dev === opened.dev ? 0 : EAGAIN;
}

function isThere(path: Buffer): boolean {
	try {
		return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
	} catch {
		return false;
	}
}

function remove(path: Buffer): void {
	try {
		unlinkSync(path);
	} catch {
		// Then the next one who takes the lock does so.
	}
}
