/** Whether a socket file is one that its owner left behind. */
import type { BigIntStats } from "node:fs";
import { LIMITS } from "../limits.ts";
import type { SocketType } from "../socket/kind.ts";
import { reachPath } from "../socket/long-path.ts";
import { encodeSocketAddress, type UnixPathAddress } from "../socket/sockaddr.ts";
import { socket } from "../socket/socket.ts";
import { sys } from "../sys/current.ts";
import { ECONNREFUSED } from "../sys/errno.ts";
import { type Silence, silenceAt } from "./bound-sockets.ts";
import { isSameFile } from "./path-bytes.ts";
import { pause } from "./pause.ts";

const LOOK_AGAIN_MS = 1;

/**
 * Tells whether no socket is bound to a file any more; when in doubt, one is.
 *
 * @param path absolute, of the file
 * @param found what the file is
 */
export function isDead(
	address: UnixPathAddress,
	type: SocketType,
	path: Buffer,
	found: BigIntStats,
): boolean {
	if (!isRefused(address, type)) return false;
	if (type === "dgram") return true;
	const look = (): Silence => silenceAt(path, (other) => isSameFile(other, found));
	let silence = look();
	// Who has another file of this name, wherever, is about to listen, and no longer in the way then. Pauses count, and not the clock: where
	// processors are rare, he needs them more than we.
	for (let ms = 0; silence === "doubtful" && ms < LIMITS.socketFileDoubtMs; ms += LOOK_AGAIN_MS) {
		pause(LOOK_AGAIN_MS);
		silence = look();
	}
	// It may have begun to listen between the looks.
	return silence === "none" && isRefused(address, type);
}

// A file without a socket behind it refuses; any other answer, a full queue or another type, comes from somebody alive. So does a refusal
// between bind and listen.
function isRefused(address: UnixPathAddress, type: SocketType): boolean {
	const reached = reachPath(address);
	if (typeof reached === "number") return false;
	const probe = socket("unix", type);
	try {
		return sys.connect(probe.openFd(), encodeSocketAddress(reached.address)) === ECONNREFUSED;
	} finally {
		probe.close();
		reached.close();
	}
}
