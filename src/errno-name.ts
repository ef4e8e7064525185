/** Names and texts of error numbers: Node's own, and the few that Linux has and Node leaves out. */
import { getSystemErrorMap } from "node:util";

type ErrnoEntry = readonly [name: string, text: string];

// Linux generic ABI numbers that libuv 1.x has no name for; asm-generic/errno.h.
const UNNAMED_BY_NODE: ReadonlyMap<number, ErrnoEntry> = new Map<number, ErrnoEntry>([
	[-8, ["ENOEXEC", "exec format error"]],
	[-10, ["ECHILD", "no child processes"]],
	[-33, ["EDOM", "numerical argument out of domain"]],
	[-35, ["EDEADLK", "resource deadlock would occur"]],
	[-37, ["ENOLCK", "no locks available"]],
	[-42, ["ENOMSG", "no message of the desired type"]],
	[-62, ["ETIME", "timer expired"]],
	[-65, ["ENOPKG", "package not installed"]],
	[-67, ["ENOLINK", "link has been severed"]],
	[-74, ["EBADMSG", "bad message"]],
	[-77, ["EBADFD", "file descriptor in bad state"]],
	[-96, ["EPFNOSUPPORT", "protocol family not supported"]],
	[-102, ["ENETRESET", "network dropped connection because of reset"]],
	[-109, ["ETOOMANYREFS", "too many references"]],
	[-115, ["EINPROGRESS", "operation now in progress"]],
	[-116, ["ESTALE", "stale file handle"]],
	[-122, ["EDQUOT", "disk quota exceeded"]],
	[-129, ["EKEYREJECTED", "key was rejected by service"]],
	[-133, ["EHWPOISON", "memory page has hardware error"]],
]);

let entries: ReadonlyMap<number, ErrnoEntry> | undefined;

/**
 * Names a negative error number: -111 is `"ECONNREFUSED"`; `"UNKNOWN"` when it has no name.
 *
 * 95 is both ENOTSUP and EOPNOTSUPP on Linux; like Node, we say `"ENOTSUP"`.
 */
export function errnoName(rc: number): string {
	return entryOf(rc)?.[0] ?? "UNKNOWN";
}

/** Describes a negative error number in a few words, as the C library does. */
export function errnoText(rc: number): string {
	return entryOf(rc)?.[1] ?? `error number ${-rc}`;
}

function entryOf(rc: number): ErrnoEntry | undefined {
	entries ??= getSystemErrorMap();
	return entries.get(rc) ?? (process.platform === "linux" ? UNNAMED_BY_NODE.get(rc) : undefined);
}
