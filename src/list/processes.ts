/** Which process has which socket open, as far as /proc shows it; proc_pid_fd(5). */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { syscallError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/** A process that has a socket open. */
export interface SocketHolder {
	readonly pid: number;
	/** Its descriptors of the socket. */
	readonly fds: readonly number[];
	/** Name of the program that it runs, which it may have chosen itself. */
	readonly command: string;
	/** Effective user. */
	readonly uid: number;
	/** Name of that user in /etc/passwd; absent where it has none. */
	readonly user?: string;
}

/** All processes and their sockets. */
export interface ProcessScan {
	/** Who holds a socket, by its inode. */
	readonly holders: ReadonlyMap<number, readonly SocketHolder[]>;
	/** Processes whose descriptors we may not see. */
	readonly hiddenCount: number;
	/** Whether /proc does not even show processes of other users. */
	readonly isHiding: boolean;
	/** Whether there is no /proc that shows any. */
	readonly isBlind: boolean;
	/** A process in each network namespace other than ours, by the namespace's inode. */
	readonly namespaces: ReadonlyMap<number, number>;
	/** The namespace of each process that has sockets and is not in ours. */
	readonly namespaceOf: ReadonlyMap<number, number>;
}

const SOCKET_LINK = /^socket:\[(\d+)\]$/;

/** Goes through /proc, a few milliseconds a turn. Knows of no process where there is no /proc. */
export async function scanProcesses(
	userName: (uid: number) => string | undefined,
): Promise<ProcessScan> {
	const holders = new Map<number, SocketHolder[]>();
	const namespaces = new Map<number, number>();
	const namespaceOf = new Map<number, number>();
	const own = namespaceOfProcess("self");
	let hiddenCount = 0;
	let turnEnd = performance.now() + LIMITS.listingTurnMs;
	const names = processNames();
	for (const name of names) {
		const sockets = socketsOf(name);
		if (sockets === "hidden") hiddenCount += 1;
		else if (sockets.size > 0) {
			const pid = Number(name);
			addProcess(pid, sockets, userName, holders);
			const namespace = namespaceOfProcess(name) ?? own;
			if (namespace !== undefined && namespace !== own) {
				namespaceOf.set(pid, namespace);
				namespaces.set(namespace, pid);
			}
		}
		if (performance.now() >= turnEnd) {
			await nextTurn();
			turnEnd = performance.now() + LIMITS.listingTurnMs;
		}
	}
	const isHiding = hidesProcesses();
	return { holders, hiddenCount, isHiding, isBlind: names.length === 0, namespaces, namespaceOf };
}

/** Whether a descriptor of a process still is the socket of this inode. */
export function stillHolds(pid: number, fd: number, inode: number): boolean {
	return link(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`;
}

function addProcess(
	pid: number,
	sockets: ReadonlyMap<number, readonly number[]>,
	userName: (uid: number) => string | undefined,
	holders: Map<number, SocketHolder[]>,
): void {
	const status = read(`/proc/${pid}/status`);
	// It has ended meanwhile.
	if (status === undefined) return;
	const uid = Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1]);
	const user = userName(uid);
	const command = commandOf(pid, /^Name:\s(.*)$/m.exec(status)?.[1] ?? "");
	for (const [inode, fds] of sockets) {
		const holder = { pid, fds, command, uid, ...(user !== undefined && { user }) };
		const others = holders.get(inode);
		if (others === undefined) holders.set(inode, [holder]);
		else others.push(holder);
	}
}

// The kernel keeps 15 bytes of a name; the command line has all of it, unless the process wrote something else there.
function commandOf(pid: number, name: string): string {
	const plain = name.replace(/\\([\\n])/g, (_, letter) => (letter === "n" ? "\n" : "\\"));
	if (plain.length < 15) return plain;
	const [first = ""] = (read(`/proc/${pid}/cmdline`) ?? "").split("\0");
	const base = first.slice(first.lastIndexOf("/") + 1);
	return base.startsWith(plain) && !/\s/.test(base) ? base : plain;
}

function socketsOf(pid: string): ReadonlyMap<number, number[]> | "hidden" {
	const sockets = new Map<number, number[]>();
	const folder = `/proc/${pid}/fd`;
	let names: readonly string[];
	try {
		names = readdirSync(folder);
	} catch (error) {
		const { code = "", errno = 0 } = error as NodeJS.ErrnoException;
		if (code === "EACCES" || code === "EPERM") return "hidden";
		// It has ended meanwhile; all else would make a listing that lacks something without a word.
		if (code === "ENOENT" || code === "ESRCH") return sockets;
		throw syscallError("open", errno, { path: folder });
	}
	for (const name of names) {
		const [, inode] = SOCKET_LINK.exec(link(`${folder}/${name}`) ?? "") ?? [];
		if (inode === undefined) continue;
		const fds = sockets.get(Number(inode));
		if (fds === undefined) sockets.set(Number(inode), [Number(name)]);
		else fds.push(Number(name));
	}
	return sockets;
}

function namespaceOfProcess(pid: string): number | undefined {
	const [, inode] = /^net:\[(\d+)\]$/.exec(link(`/proc/${pid}/ns/net`) ?? "") ?? [];
	return inode === undefined ? undefined : Number(inode);
}

// The mount option hidepid of proc(5), from the second degree on. Root and a chosen group see everything all the same.
function hidesProcesses(): boolean {
	if (process.geteuid?.() === 0) return false;
	const mounts = (read("/proc/self/mountinfo") ?? "").split("\n");
	const mount = mounts.findLast((line) => line.split(" ")[4] === "/proc") ?? "";
	const [, group] = /[ ,]gid=(\d+)/.exec(mount) ?? [];
	if (group !== undefined && process.getgroups?.().includes(Number(group))) return false;
	return /[ ,]hidepid=(?:2|4|invisible|ptraceable)\b/.test(mount);
}

function processNames(): readonly string[] {
	try {
		return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
	} catch {
		return [];
	}
}

function link(path: string): string | undefined {
	try {
		return readlinkSync(path);
	} catch {
		return undefined;
	}
}

function read(path: string): string | undefined {
	try {
		return readFileSync(path, "utf8");
	} catch {
		return undefined;
	}
}
