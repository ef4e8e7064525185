/** Figures of one datagram socket. */
import type { Socket } from "../socket/socket.ts";
import type { DatagramTransport } from "./datagram-contract.ts";
import type { DatagramIntake } from "./datagram-intake.ts";
import type { DatagramQueue } from "./datagram-queue.ts";

/** What `Datagrams.stats` tells: counters from the beginning of the socket, and what waits now. */
export interface DatagramsStats {
	readonly kind: "datagrams";
	readonly transport: DatagramTransport;
	/** Datagrams received. */
	readonly receivedCount: number;
	/** Bytes of them, with what was cut off. */
	readonly receivedBytes: number;
	/** Datagrams received that were cut. */
	readonly truncatedCount: number;
	/**
	 * Datagrams that the kernel dropped on the way in: its queue for the socket was full, or a checksum was wrong. Those that it had glued together
	 * count as one. Undefined where it does not tell (before Linux 4.12); of a closed socket as it was last asked for, or as it was when the socket closed if
	 * somebody listened to `socketry:closed`.
	 */
	readonly missedCount: number | undefined;
	/** Datagrams that the kernel has taken. */
	readonly sentCount: number;
	/** Bytes of them. */
	readonly sentBytes: number;
	/** Datagrams that were taken from callers and not sent. */
	readonly droppedCount: number;
	/** Bytes of datagrams that wait for the kernel. */
	readonly queuedBytes: number;
	/** Datagrams whose descriptors were refused. */
	readonly refusedDescriptorsCount: number;
}

// SK_MEMINFO_DROPS; linux/sock_diag.h.
const DROPS_INDEX = 8;

/** The figures of one socket. */
export function datagramsStats(
	transport: DatagramTransport,
	intake: DatagramIntake,
	queue: DatagramQueue,
	missedCount: number | undefined,
): DatagramsStats {
	const { receivedCount, receivedBytes, truncatedCount } = intake;
	const { queuedBytes } = queue;
	const { sentCount, sentBytes, droppedCount } = queue.ledger;
	return Object.freeze({
		kind: "datagrams",
		transport,
		receivedCount,
		receivedBytes,
		truncatedCount,
		missedCount,
		sentCount,
		sentBytes,
		droppedCount,
		queuedBytes,
		refusedDescriptorsCount: intake.companions.refusedCount,
	});
}

/** Datagrams that the kernel has dropped on their way to the socket; undefined where it does not tell. */
export function readMissedCount(socket: Socket): number | undefined {
	try {
		return socket.getOption("SO_MEMINFO")[DROPS_INDEX];
	} catch {
		return undefined;
	}
}
