/** Getting hold of the process at the other end of a Unix connection, whose number may be another's at any moment. */
import { readFileSync } from "node:fs";
import { type Known, requireBoolean, requireOptions } from "../arguments.ts";
import {
	ClosedError,
	check,
	InvalidValueError,
	syscallError,
	UnsupportedError,
} from "../errors.ts";
import { SO_PEERPIDFD, SOL_SOCKET } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { EINVAL, ENOPROTOOPT, ESRCH } from "../sys/errno.ts";
import type { Endpoint } from "./endpoint.ts";
import { readInt32 } from "./little-endian.ts";
import { OwnedDescriptor } from "./owned-descriptor.ts";
import { readUserOfPeer } from "./peer-credentials.ts";

/** Options of `openPeerPidfd`. */
export interface PidfdOptions {
	/**
	 * Where the kernel cannot name the process itself (before Linux 6.5): opens it by its number, as far as it still runs as the same user.
	 * Had the peer ended before, that may be another process of this user. Default false: `UnsupportedError`.
	 */
	readonly allowRace?: boolean | undefined;
}

const KNOWN: Known<PidfdOptions> = { allowRace: true };
const POLLIN = 1;
const FD_BYTES = 4;

const room = new Uint8Array(FD_BYTES);
const table = new Int32Array(3);

/**
 * Opens the process that made the other end.
 *
 * @throws {UnsupportedError} the kernel is older than Linux 6.5, and `allowRace` was not given
 * @throws {SyscallError} ESRCH: the process has ended, which kernels before 6.16 tell in this way
 */
export function openPeerPidfd(socket: Endpoint, options: PidfdOptions = {}): OwnedDescriptor {
	requireOptions(options, KNOWN);
	const allowRace = requireBoolean("allowRace", options.allowRace ?? false);
	const rc = sys.getsockopt(socket.openFd(), SOL_SOCKET, SO_PEERPIDFD, room);
	if (rc !== ENOPROTOOPT) {
		// Linux 6.5: EINVAL for a process that has ended; kernel/fork.c, pidfd_prepare().
		check(rc === EINVAL ? ESRCH : rc, "getsockopt");
		return OwnedDescriptor.adopt(readInt32(room, 0));
	}
	if (allowRace) return openByNumber(socket);
	throw new UnsupportedError(
		"SO_PEERPIDFD",
		"it came with Linux 6.5; allowRace: true opens the process by its number, which may be another's by now",
	);
}

/**
 * Tells whether the process of a pidfd still runs. One that has ended and was not waited for yet (a zombie) does not.
 *
 * @throws {InvalidValueError} it is no pidfd
 * @throws {ClosedError} it is closed
 * @see pidfd_open(2)
 */
export function isAlive(pidfd: OwnedDescriptor): boolean {
	if (!(pidfd instanceof OwnedDescriptor) || (!pidfd.closed && pidfd.kind !== "pidfd")) {
		throw new InvalidValueError("pidfd", "must be an OwnedDescriptor of a process", pidfd);
	}
	if (pidfd.closed) throw new ClosedError("The pidfd");
	table.set([pidfd.fd, POLLIN, 0]);
	return check(sys.poll(table, 0), "poll") === 0;
}

function openByNumber(socket: Endpoint): OwnedDescriptor {
	const { pid, uid } = readUserOfPeer(socket);
	const pidfd = OwnedDescriptor.adopt(
		check(pid === 0 ? ESRCH : sys.pidfd_open(pid, 0), "pidfd_open"),
	);
	// Asked only now that it is held: if the number had gone to another user's process before, it would show.
	if (runsAs(pid, uid)) return pidfd;
	pidfd.close();
	throw syscallError("pidfd_open", ESRCH);
}

// Real, effective, saved and file system's user; proc_pid_status(5).
function runsAs(pid: number, uid: number): boolean {
	try {
		const [, ids = ""] = /^Uid:\s(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
		return ids.split(/\s+/).includes(String(uid));
	} catch {
		return false;
	}
}
