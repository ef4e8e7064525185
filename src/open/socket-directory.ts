/** The directory of a socket file: made for us alone, or looked at before it is trusted. */
import {
	type BigIntStats,
	chownSync,
	closeSync,
	constants as files,
	fstatSync,
	lstatSync,
	mkdirSync,
	statSync,
} from "node:fs";
import { check, UnsafePathError } from "../errors.ts";
import { openPath } from "../socket/long-path.ts";
import { EEXIST } from "../sys/errno.ts";
import { typedFileError } from "./path-bytes.ts";

const MODE = 0o700;
const WRITABLE_BY_OTHERS = 0o022n;
const STICKY = 0o1000n;
const ROOT = 0;

/**
 * Makes a directory with mode 0700, or checks that nobody else can replace what is in one: it belongs to this process, to `owner` or to root,
 * as does a link that stands for it, and neither its group nor others can write to it unless its sticky bit is set. What lies above is not
 * looked at.
 *
 * @param path absolute, with its last slash
 * @param owner whose directory it shall be, if not this process's
 * @throws {UnsafePathError} somebody else could
 * @throws {SyscallError} ENOENT: the directory above does not exist. EACCES, ENOTDIR, EPERM, EROFS
 */
export function makeSocketDirectory(path: Buffer, owner: number | undefined): void {
	// With the slash, what is asked about a link would be answered for its target.
	const directory = path.length > 1 ? path.subarray(0, -1) : path;
	const shown = String(directory);
	const own = process.geteuid?.() ?? ROOT;
	const wanted = owner ?? own;
	try {
		if (makeDirectory(directory) && wanted !== own) giveAway(directory, shown, own, wanted);
		const trusted = [ROOT, own, wanted];
		const entry = lstatSync(directory, { bigint: true });
		checkOwner(entry, shown, trusted);
		const found = statSync(directory, { bigint: true });
		checkOwner(found, shown, trusted);
		checkMode(found, shown);
	} catch (error) {
		throw typedFileError(error, shown);
	}
}

// Returns whether it is new.
function makeDirectory(path: Buffer): boolean {
	// Asked first, for one that is there need not be one that could be made: in a read-only file system, say.
	if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return false;
	try {
		mkdirSync(path, MODE);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).errno !== EEXIST) throw error;
		return false;
	}
}

// By descriptor, for somebody may put another in its place.
function giveAway(path: Buffer, shown: string, own: number, owner: number): void {
	const fd = check(openPath(path, files.O_DIRECTORY | files.O_NOFOLLOW), "open", { path: shown });
	try {
		const { uid, gid } = fstatSync(fd);
		if (uid === own) chownSync(`/proc/self/fd/${fd}`, owner, gid);
	} finally {
		closeSync(fd);
	}
}

function checkOwner({ uid }: BigIntStats, path: string, trusted: readonly number[]): void {
	if (trusted.includes(Number(uid))) return;
	throw new UnsafePathError(path, `it belongs to user ${uid}, who could replace the socket file`);
}

function checkMode(found: BigIntStats, path: string): void {
	const { mode } = found;
	if ((mode & WRITABLE_BY_OTHERS) === 0n || (mode & STICKY) !== 0n || !found.isDirectory()) return;
	const bits = (mode & 0o7777n).toString(8).padStart(4, "0");
	const who = (mode & 0o002n) === 0n ? "its group" : "everybody";
	throw new UnsafePathError(
		path,
		`its mode is ${bits}, so that ${who} could replace the socket file; take the right to write away (chmod go-w)`,
	);
}
