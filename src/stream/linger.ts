/**
 * The end of a TCP connection whose peer may still send. A socket that is closed with bytes unread, or that gets more of them afterwards,
 * answers by a reset, and with that the kernel throws away what the peer has not acknowledged: the end of a reply; RFC 2525 section 2.17,
 * RFC 9112 section 9.6. So the descriptor is kept, and what comes in thrown away, until the peer's kernel has everything.
 */
import { LIMITS } from "../limits.ts";
import type { Descriptor } from "../socket/descriptor.ts";
import type { Socket } from "../socket/socket.ts";
import { IPPROTO_TCP, SHUT_WR, TCP_INFO } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { EAGAIN } from "../sys/errno.ts";

const DISCARDS_MAX = 16;
// The kernel has no event for an acknowledgement; most come at once, and a delayed one within 40 ms.
const PAUSE_MIN_MS = 1;
const PAUSE_MAX_MS = 40;

// struct tcp_info; linux/tcp.h.
const INFO_BYTES = 148;
const UNACKED_OFFSET = 24;
const NOT_SENT_OFFSET = 144;

const info = new Uint8Array(INFO_BYTES);
const infoView = new DataView(info.buffer);
let discarded: Buffer | undefined;

/** Whether something that was sent has not arrived in the peer's kernel. */
export function isUndelivered(socket: Socket): boolean {
	if (sys.getsockopt(socket.fd, IPPROTO_TCP, TCP_INFO, info) < INFO_BYTES) return false;
	return infoView.getUint32(UNACKED_OFFSET, true) + infoView.getUint32(NOT_SENT_OFFSET, true) > 0;
}

/** Throws away what was received, up to 1 MiB. Returns false when nothing more can come. */
export function discardUnread(socket: Socket): boolean {
	discarded ??= Buffer.allocUnsafeSlow(LIMITS.readChunkBytes);
	const { length } = discarded;
	let received = length;
	for (let i = 0; i < DISCARDS_MAX && received === length; i++) {
		received = sys.recv(socket.fd, discarded, 0, length, 0);
	}
	return received > 0 || received === EAGAIN;
}

/** Ends writing, and waits as `untilDelivered`; never rejects. */
export async function linger(
	socket: Socket,
	timeoutMs: number,
	signal: AbortSignal | undefined,
): Promise<void> {
	if (sys.shutdown(socket.fd, SHUT_WR) >= 0) await untilDelivered(socket, timeoutMs, signal);
}

/** Waits until everything is delivered, the peer has ended too, or the signal aborts; returns false when time was up. Never rejects. */
export async function untilDelivered(
	socket: Socket,
	timeoutMs: number,
	signal: AbortSignal | undefined,
): Promise<boolean> {
	const deadline = performance.now() + timeoutMs;
	let pauseMs = PAUSE_MIN_MS;
	while (!socket.closed && discardUnread(socket) && isUndelivered(socket) && !signal?.aborted) {
		const leftMs = deadline - performance.now();
		if (leftMs <= 0) return false;
		await pause(socket.descriptor, Math.min(pauseMs, leftMs));
		pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS);
	}
	return true;
}

/** Resolves when something has come in, or after a while. */
function pause(descriptor: Descriptor, ms: number): Promise<void> {
	return new Promise((resolve) => {
		const endSleep = descriptor.sleep(ms, () => {
			descriptor.cancelReadable();
			resolve();
		});
		const wake = (): void => {
			endSleep();
			resolve();
		};
		try {
			descriptor.awaitReadable({ ready: wake, closed: wake });
		} catch {
			// Then only time helps.
		}
	});
}
