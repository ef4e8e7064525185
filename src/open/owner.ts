/** `owner` of `connect`: proof that the right user made the socket file and listens behind it. */
import { closeSync, constants as files, fstatSync } from "node:fs";
import {
	check,
	InvalidValueError,
	PeerError,
	SyscallError,
	syscallError,
	UnsupportedError,
} from "../errors.ts";
import { openPath, pathBytes } from "../socket/long-path.ts";
import { readUserOfPeer, requirePeerCredentials } from "../socket/peer-credentials.ts";
import type { SocketAddress, UnixPathAddress } from "../socket/sockaddr.ts";
import type { Socket } from "../socket/socket.ts";
import { targetOf } from "../socket/target.ts";
import type { SocketTransport } from "../socket/transport.ts";
import type { WaitOptions } from "../socket/wait.ts";
import { ELOOP } from "../sys/errno.ts";
import { type User, userId } from "./accounts.ts";

/** Who may own and serve a socket: a number, a name of /etc/passwd, or `"self"` for the effective user of this process. */
export type SocketOwner = User | "self";

/**
 * The numbers of the users asked for; undefined when nobody was.
 *
 * @throws {UnsupportedError} the transport has no credentials
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} it is no user, or none that this user namespace knows for sure
 */
export function ownerIds(
	transport: SocketTransport,
	owner: SocketOwner | readonly SocketOwner[] | undefined,
): readonly number[] | undefined {
	if (owner === undefined) return undefined;
	requirePeerCredentials(transport, "owner");
	const list: readonly SocketOwner[] = Array.isArray(owner) ? owner : [owner];
	if (list.length === 0) throw new InvalidValueError("owner", "must name a user", owner);
	return list.map((user) => userId("owner", user === "self" ? process.geteuid?.() : user));
}

/**
 * Connects to a socket whose file belongs to one of these users, and behind which one of them listens. The file that was looked at is the
 * one that is connected to, whatever its path leads to meanwhile.
 *
 * @throws {PeerError} another user's; the socket is to be closed
 * @throws {SyscallError} ELOOP: the path is a symbolic link. Others as `connect`
 */
export async function connectToOwner(
	opened: Socket,
	address: SocketAddress,
	owners: readonly number[],
	options: WaitOptions,
): Promise<void> {
	if (address.family === "unix" && "path" in address) {
		await connectToFile(opened, address, owners, options);
	} else {
		await opened.connect(address, options);
	}
	checkListener(opened, owners, shown(address));
}

/**
 * Expects that one of these users called listen(2) at the other end.
 *
 * @throws {PeerError} somebody else did
 */
export function checkListener(opened: Socket, owners: readonly number[], place: string): void {
	const { uid } = readUserOfPeer(opened);
	if (!owners.includes(uid)) throw new PeerError("listener", place, owners, uid);
}

async function connectToFile(
	opened: Socket,
	address: UnixPathAddress,
	owners: readonly number[],
	options: WaitOptions,
): Promise<void> {
	const target = targetOf(address);
	const fd = check(openPath(pathBytes(address), files.O_NOFOLLOW), "connect", target);
	try {
		const stats = fstatSync(fd);
		if (stats.isSymbolicLink()) throw syscallError("connect", ELOOP, target);
		if (!owners.includes(stats.uid)) throw new PeerError("file", address.path, owners, stats.uid);
		await opened.connect({ family: "unix", path: `/proc/self/fd/${fd}` }, options);
	} catch (error) {
		throw asTold(error, address);
	} finally {
		closeSync(fd);
	}
}

// The way through /proc is our own business. That it is not there can only mean that there is no /proc: the file is open.
function asTold(error: unknown, address: UnixPathAddress): unknown {
	if (!(error instanceof SyscallError)) return error;
	if (error.code === "ENOENT") {
		const why = "it needs /proc, through which the very file that was looked at is connected to";
		return new UnsupportedError("owner", why, { cause: error });
	}
	return syscallError("connect", error.errno, targetOf(address));
}

function shown(address: SocketAddress): string {
	const { path, address: name } = targetOf(address);
	return path ?? name ?? "";
}
