/**
 * Faults as transforms without input, output or clock: pieces with a time go in, pieces with a time come out. So each fault can be computed
 * ahead, and the same seed gives the same faults. Here are those that streams and messages share.
 */
import type { RandomSource } from "../random.ts";

/** A part of a stream, or a message, on its way, and when it may leave. */
export interface Bytes {
	readonly kind: "bytes";
	readonly data: Uint8Array;
	readonly atMs: number;
}

/** What a fault does to a connection: both sides are closed, or reset; or the receiver's is reset and the sender's stays open. */
export type Doom = "close" | "reset" | "half-open";

/** What happens to the direction after what came before it: its end, or what a fault does to the connection. */
export interface Fate {
	readonly kind: "end" | Doom;
	readonly atMs: number;
	/** The fault that does it, by its name; undefined for an end that its sender has made. */
	readonly toxic?: string;
}

/** What goes through a transform. */
export type Piece = Bytes | Fate;

/** One fault in one direction of one connection. */
export interface Transform {
	/** What happens by itself, in time and whatever passes. */
	begin?(nowMs: number): Fate;
	/** What becomes of a piece. */
	take(piece: Piece): readonly Piece[];
	/** Bytes that it has let through so far: what the same fault with other values goes on from. */
	readonly passedBytes?: number;
}

/**
 * Delays everything, the end too.
 *
 * @param keepsOrder whether nothing overtakes anything
 */
export function latency(
	latencyMs: number,
	jitterMs: number,
	random: RandomSource,
	keepsOrder: boolean,
): Transform {
	let lastMs = Number.NEGATIVE_INFINITY;
	return {
		take: (piece) => {
			const jitter = jitterMs === 0 ? 0 : random.below(2 * jitterMs + 1) - jitterMs;
			const atMs = piece.atMs + Math.max(0, latencyMs + jitter);
			lastMs = keepsOrder ? Math.max(lastMs, atMs) : atMs;
			return [{ ...piece, atMs: lastMs }];
		},
	};
}

/**
 * Passes so many bytes in so much time. 0 is no limit.
 *
 * @param bytesPerMs Toxiproxy's KB/s are bytes per millisecond
 * @param portionBytes what is longer leaves in such parts, so that a slow line trickles
 */
export function bandwidth(bytesPerMs: number, portionBytes: number): Transform {
	if (bytesPerMs === 0) return { take: (piece) => [piece] };
	let freeMs = Number.NEGATIVE_INFINITY;
	return {
		take: (piece) => {
			freeMs = Math.max(freeMs, piece.atMs);
			if (piece.kind !== "bytes") return [{ ...piece, atMs: freeMs }];
			const pieces: Piece[] = [];
			let start = 0;
			do {
				const data = piece.data.subarray(start, start + portionBytes);
				freeMs += data.length / bytesPerMs;
				pieces.push({ kind: "bytes", data, atMs: freeMs });
				start += data.length;
			} while (start < piece.data.length);
			return pieces;
		},
	};
}

/** Delays the end and nothing else. */
export function slowClose(delayMs: number): Transform {
	return {
		take: (piece) => [piece.kind === "end" ? { ...piece, atMs: piece.atMs + delayMs } : piece],
	};
}

/** Passes nothing, and closes both connections after a time; never with 0. */
export function timeout(toxic: string, timeoutMs: number): Transform {
	// The end passes: otherwise a sender that has left would never be forgotten.
	const take = (piece: Piece): readonly Piece[] => (piece.kind === "bytes" ? [] : [piece]);
	if (timeoutMs === 0) return { take };
	return { begin: (nowMs) => ({ kind: "close", atMs: nowMs + timeoutMs, toxic }), take };
}

/** What `breakOff` is told. */
export interface BreakOff {
	readonly kind: Doom;
	readonly toxic: string;
	readonly limitBytes: number;
	/** Bytes that count as passed already. */
	readonly passedBytes: number;
	/** Time from what comes first beyond the limit, bytes or the end, to the fate; undefined: with the last byte that passes. */
	readonly afterMs: number | undefined;
	/** Whether a message passes whole or not at all. */
	readonly isWhole: boolean;
}

/** Passes so many bytes and then no more. */
export function breakOff(options: BreakOff): Transform {
	const { kind, toxic, limitBytes, afterMs, isWhole } = options;
	let { passedBytes } = options;
	let isOver = false;
	const fate = (atMs: number): Fate => ({ kind, atMs: atMs + (afterMs ?? 0), toxic });
	const take = (piece: Piece): readonly Piece[] => {
		if (isOver) return [];
		const leftBytes = Math.max(0, limitBytes - passedBytes);
		if (piece.kind !== "bytes") {
			isOver = afterMs !== undefined && leftBytes === 0;
			return isOver ? [fate(piece.atMs)] : [piece];
		}
		const isBeyond = piece.data.length > leftBytes;
		const data = piece.data.subarray(0, isBeyond && isWhole ? 0 : leftBytes);
		passedBytes += data.length;
		isOver = isBeyond || (afterMs === undefined && passedBytes >= limitBytes);
		const passing: Piece[] = isBeyond && data.length === 0 ? [] : [{ ...piece, data }];
		return isOver ? [...passing, fate(piece.atMs)] : passing;
	};
	return {
		take,
		get passedBytes() {
			return passedBytes;
		},
	};
}
