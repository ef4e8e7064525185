/** Who may use a socket file: its mode, owner and group, set so that nobody else may at any moment. */
import {
	type BigIntStats,
	chmodSync,
	chownSync,
	closeSync,
	fchmodSync,
	constants as files,
	fstatSync,
	readFileSync,
} from "node:fs";
import { check, InvalidValueError } from "../errors.ts";
import type { Address } from "../socket/address.ts";
import { openPath } from "../socket/long-path.ts";
import { type Group, groupId, type User, userId } from "./accounts.ts";

/** Who may use a socket file. */
export interface FileAccess {
	/** Permissions; undefined for what the kernel makes of the umask. */
	readonly mode: number | undefined;
	readonly owner: number | undefined;
	readonly group: number | undefined;
}

interface AccessOptions {
	readonly mode?: number | undefined;
	readonly owner?: User | undefined;
	readonly group?: Group | undefined;
}

const ALL = 0o777;
const OWNER_ONLY = 0o700;
const NOBODY = 0;
const PERMISSIONS = 0o777n;
const CAUTIOUS_UMASK = 0o077;

/**
 * Reads the options `mode`, `owner` and `group`, which have been checked.
 *
 * @throws {InvalidValueError} there is no user or group of this name
 */
export function fileAccess(options: AccessOptions): FileAccess {
	const owner = options.owner === undefined ? undefined : userId("owner", options.owner);
	const group = options.group === undefined ? undefined : groupId("group", options.group);
	const isGiven = owner !== undefined || group !== undefined;
	const mode = options.mode ?? (isGiven ? ALL & ~umask() : undefined);
	return { mode, owner, group };
}

/**
 * Checks the options `owner` and `group`, and that there is a file for them and `mode` to protect, or may be one of whoever passed the socket.
 *
 * @param address none: one that the kernel chooses
 * @throws {InvalidValueError} there is no user or group of this name, or no file
 */
export function checkFileAccess(options: AccessOptions, address: Address | undefined): void {
	fileAccess(options);
	if (address !== undefined && mayHaveFile(address)) return;
	for (const name of ["mode", "owner", "group"] as const) {
		if (options[name] === undefined) continue;
		const rule = "must be left out: this address has no socket file that it could protect";
		throw new InvalidValueError(name, rule, options[name]);
	}
}

function mayHaveFile(address: Address): boolean {
	return "path" in address || address.transport === "fd" || address.transport === "systemd";
}

/**
 * Prepares a socket so that the file which bind(2) makes for it lets nobody in who shall not be: the file gets the mode of the socket's own inode;
 * unix(7) does not say so, but net/unix/af_unix.c, unix_bind_bsd() does. Its owner and group come from the process alone, so a file that is
 * for another group begins closed to groups, and one for another owner closed to all.
 */
export function restrictAccess(fd: number, { mode, owner, group }: FileAccess): void {
	if (mode === undefined) return;
	if ((owner ?? process.geteuid?.()) !== process.geteuid?.()) fchmodSync(fd, NOBODY);
	else fchmodSync(fd, owner === undefined && group === undefined ? mode : mode & OWNER_ONLY);
}

/**
 * Gives a file that was just made its owner, group and mode, in this order.
 *
 * @param made what the file is
 * @throws {Error} of Node: EPERM, only root may give files away
 */
export function settleAccess(path: Buffer, made: BigIntStats, access: FileAccess): void {
	if (isWanted(made, access)) return;
	// By descriptor, for somebody may put a link in the file's place.
	const fd = check(openPath(path, files.O_NOFOLLOW), "open", { path: String(path) });
	try {
		const { dev, ino } = fstatSync(fd, { bigint: true });
		if (dev === made.dev && ino === made.ino) setAccess(`/proc/self/fd/${fd}`, made, access);
	} finally {
		closeSync(fd);
	}
}

function isWanted(made: BigIntStats, { mode, owner, group }: FileAccess): boolean {
	const { uid, gid } = made;
	// The umask may have taken bits away; giving them back opens no window.
	return (
		(mode === undefined || Number(made.mode & PERMISSIONS) === mode) &&
		(owner === undefined || Number(uid) === owner) &&
		(group === undefined || Number(gid) === group)
	);
}

function setAccess(path: string, made: BigIntStats, { mode, owner, group }: FileAccess): void {
	const [uid, gid] = [Number(made.uid), Number(made.gid)];
	if ((owner ?? uid) !== uid || (group ?? gid) !== gid) chownSync(path, owner ?? uid, group ?? gid);
	if (mode !== undefined) chmodSync(path, mode);
}

// process.umask() can only read it by setting it for a moment, for all threads.
function umask(): number {
	const [, digits] = /^Umask:\s*([0-7]+)$/m.exec(readStatus()) ?? [];
	return digits === undefined ? CAUTIOUS_UMASK : Number.parseInt(digits, 8);
}

function readStatus(): string {
	try {
		return readFileSync("/proc/self/status", "latin1");
	} catch {
		return "";
	}
}
