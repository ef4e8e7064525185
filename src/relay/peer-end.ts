/**
 * Whether the end that a read has found is one that the peer has sent. The kernel tells of a broken connection once, to whoever asks first,
 * and lets reads find an end after that. And a splice(2) that is told of it after it has moved some bytes returns their count and keeps the
 * rest to itself: the next one finds no more than EPIPE, which is also what a peer leaves who has ended and then resets.
 */
import { syscallError } from "../errors.ts";
import { ENABLE, readInt32 } from "../socket/little-endian.ts";
import type { Socket } from "../socket/socket.ts";
import { IPPROTO_TCP, MSG_PEEK, TCP_INQ } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { ECONNRESET } from "../sys/errno.ts";

/**
 * Tells why the end that was read from a socket is none; undefined when it is one.
 *
 * @param failure of a send to the same socket
 */
export function whyNoEnd(socket: Socket, failure: Error): Error | undefined {
	if ((failure as NodeJS.ErrnoException).code !== "EPIPE") return failure;
	return hasLostReset(socket) ? syscallError("recv", ECONNRESET) : undefined;
}

// TCP counts an end that has arrived among what is left to read: TCP_INQ, tcp(7), since Linux 4.18. Unix sockets have no such thing, and their
// peers no way to end but to close.
function hasLostReset(socket: Socket): boolean {
	if (sys.setsockopt(socket.fd, IPPROTO_TCP, TCP_INQ, ENABLE) < 0) return false;
	try {
		const { control = [] } = socket.tryRecvmsg([new Uint8Array(1)], { flags: MSG_PEEK }) ?? {};
		const left = control.find(({ level, type }) => level === IPPROTO_TCP && type === TCP_INQ);
		return left !== undefined && readInt32(left.data, 0) === 0;
	} catch {
		return true;
	}
}
