/** Who is at the other end of a Unix connection, as the kernel noted it when the connection was made. */
import { check, UnsupportedError } from "../errors.ts";
import { SO_PEERCRED, SO_PEERGROUPS, SO_PEERSEC, SOL_SOCKET } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { ENOPROTOOPT, ERANGE } from "../sys/errno.ts";
import type { Endpoint } from "./endpoint.ts";
import { decodeOption, optionRoomBytes } from "./option-codec.ts";
import type { Credentials } from "./option-value.ts";
import type { SocketTransport } from "./transport.ts";

/**
 * The process and the user at the other end of a Unix connection. The kernel takes them once and never changes them: of a client when it
 * called connect(2), of a server when it called listen(2), of both ends of a pair when somebody called socketpair(2), who may be yourself.
 * What the process has become since, or to whom it gave its end, they do not tell. Frozen.
 *
 * @see unix(7), SO_PEERCRED, SO_PEERGROUPS and SO_PEERSEC
 */
export interface PeerCredentials extends Credentials {
	/**
	 * Process id, 0 when our PID namespace does not show the process. The process may have ended, and its number be another's by now:
	 * `openPeerPidfd()` gets hold of the process itself.
	 */
	readonly pid: number;
	/** Effective user id. 65534 (the overflow id) stands for every user that our user namespace has no number for. */
	readonly uid: number;
	/** Effective group id. 65534 as for `uid`. */
	readonly gid: number;
	/** Supplementary groups, which need not contain `gid`. */
	readonly groups: readonly number[];
	/** Label of the security module, such as an SELinux context; absent where no module labels sockets. Read as UTF-8. */
	readonly securityLabel?: string;
}

/** The feature by the name that `supports` takes. */
const FEATURE = "SO_PEERCRED";
// Nobody has more at first sight; setgroups(2) allows 65536.
const GROUPS_BYTES = 256;
const GROUPS_BYTES_MAX = 262_144;
const LABEL_BYTES = 256;
const LABEL_BYTES_MAX = 65_536;

const ucredRoom = new Uint8Array(optionRoomBytes("ucred"));
const groupsRoom = new Uint8Array(GROUPS_BYTES);
const labelRoom = new Uint8Array(LABEL_BYTES);

/** Tells whether connections of this transport have credentials. */
export function hasPeerCredentials(transport: SocketTransport): boolean {
	return transport === "unix" || transport === "unix-seqpacket";
}

/**
 * Expects a transport whose connections have credentials.
 *
 * @param what the option or property that needs them
 * @throws {UnsupportedError} it has none
 */
export function requirePeerCredentials(transport: SocketTransport, what: string): void {
	if (hasPeerCredentials(transport)) return;
	const why = `${what} needs the kernel's word for who the peer is, which only unix: and unix-seqpacket: connections have, not ${transport}`;
	throw new UnsupportedError(FEATURE, why);
}

/**
 * Reads the credentials of a connected Unix socket; also when the peer has gone.
 *
 * @throws {ClosedError} the socket is closed
 * @throws {SyscallError} ENODATA: it has no peer
 */
export function readPeerCredentials(socket: Endpoint): PeerCredentials {
	const fd = socket.openFd();
	const groups = readSized(fd, SO_PEERGROUPS, groupsRoom, GROUPS_BYTES_MAX);
	const label = readSized(fd, SO_PEERSEC, labelRoom, LABEL_BYTES_MAX);
	return Object.freeze({
		...readUserOfPeer(socket),
		groups: Object.freeze(groups === undefined ? [] : decodeOption("uint32s", groups)),
		...(label !== undefined && { securityLabel: decodeOption("string", label) }),
	});
}

/** Reads process, user and group alone. */
export function readUserOfPeer(socket: Endpoint): Credentials {
	check(sys.getsockopt(socket.openFd(), SOL_SOCKET, SO_PEERCRED, ucredRoom), "getsockopt");
	return decodeOption("ucred", ucredRoom);
}

// Undefined where the kernel does not have the option: for labels that is the answer when no module gives any.
function readSized(
	fd: number,
	option: number,
	room: Uint8Array,
	mostBytes: number,
): Uint8Array | undefined {
	let value = room;
	let rc = sys.getsockopt(fd, SOL_SOCKET, option, value);
	if (rc === ERANGE) {
		value = new Uint8Array(mostBytes);
		rc = sys.getsockopt(fd, SOL_SOCKET, option, value);
	}
	return rc === ENOPROTOOPT ? undefined : value.subarray(0, check(rc, "getsockopt"));
}
