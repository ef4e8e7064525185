/** What a descriptor is, found out by looking at it; nothing is changed by that. */
import { fstatSync, readlinkSync, type Stats } from "node:fs";
import { F_GET_SEALS, SO_ACCEPTCONN, SO_DOMAIN, SO_TYPE, SOL_SOCKET } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { familyName, type SocketType, typeName } from "./kind.ts";

/**
 * What a descriptor is. `"stream"`, `"packets"` and `"datagrams"` are sockets by their type, `"listener"` one that accepts. What the kernel
 * has no name for, or hides because /proc is not mounted, is `"unknown"`.
 */
export type DescriptorKind =
	| "stream"
	| "packets"
	| "listener"
	| "datagrams"
	| "file"
	| "directory"
	| "pipe"
	| "character-device"
	| "block-device"
	| "memfd"
	| "pidfd"
	| "eventfd"
	| "timerfd"
	| "signalfd"
	| "epoll"
	| "unknown";

const SOCKETS: Readonly<Record<SocketType, DescriptorKind>> = {
	stream: "stream",
	seqpacket: "packets",
	dgram: "datagrams",
};

// Texts of the links in /proc/self/fd; proc_pid_fd(5). A pidfd has a file system of its own since Linux 6.9.
const ANONYMOUS: readonly (readonly [RegExp, DescriptorKind])[] = [
	[/^anon_inode:\[pidfd\]$|^pidfd:/, "pidfd"],
	[/^anon_inode:\[eventfd\]$/, "eventfd"],
	[/^anon_inode:\[timerfd\]$/, "timerfd"],
	[/^anon_inode:\[signalfd\]$/, "signalfd"],
	[/^anon_inode:\[eventpoll\]$/, "epoll"],
];

const value = new Uint8Array(4);
const view = new DataView(value.buffer);

/**
 * Tells what an open descriptor is; `"unknown"` for one that is not open.
 *
 * @see fstat(2), socket(7) for SO_TYPE and SO_ACCEPTCONN, proc_pid_fd(5)
 */
export function kindOfDescriptor(fd: number): DescriptorKind {
	const stats = statOf(fd);
	if (stats === undefined) return "unknown";
	if (stats.isSocket()) return kindOfSocket(fd);
	const link = linkOf(fd);
	const anonymous = ANONYMOUS.find(([pattern]) => pattern.test(link ?? ""));
	if (anonymous !== undefined) return anonymous[1];
	if (stats.isFIFO()) return "pipe";
	if (stats.isDirectory()) return "directory";
	if (stats.isCharacterDevice()) return "character-device";
	if (stats.isBlockDevice()) return "block-device";
	if (!stats.isFile() || link?.startsWith("anon_inode:")) return "unknown";
	return isMemory(fd, stats, link) ? "memfd" : "file";
}

function kindOfSocket(fd: number): DescriptorKind {
	if (familyName(optionOf(fd, SO_DOMAIN)) === undefined) return "unknown";
	const type = typeName(optionOf(fd, SO_TYPE));
	if (type === undefined) return "unknown";
	return optionOf(fd, SO_ACCEPTCONN) > 0 ? "listener" : SOCKETS[type];
}

// Memory has no name in any directory and can be asked for its seals, as else only files of tmpfs can that were deleted; memfd_create(2).
function isMemory(fd: number, stats: Stats, link: string | undefined): boolean {
	const isNamed = link !== undefined && !link.startsWith("/memfd:");
	return !isNamed && stats.nlink === 0 && sys.fcntl(fd, F_GET_SEALS) >= 0;
}

function optionOf(fd: number, name: number): number {
	return sys.getsockopt(fd, SOL_SOCKET, name, value) < 0 ? -1 : view.getInt32(0, true);
}

function statOf(fd: number): Stats | undefined {
	try {
		return fstatSync(fd);
	} catch {
		return undefined;
	}
}

function linkOf(fd: number): string | undefined {
	try {
		return readlinkSync(`/proc/self/fd/${fd}`);
	} catch {
		return undefined;
	}
}
