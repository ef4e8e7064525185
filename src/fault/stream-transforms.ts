/**
 * The faults of a stream as transforms without input, output or clock: pieces with a time go in, pieces with a time come out. So each fault can
 * be computed ahead, and the same seed gives the same faults.
 */
import type { RandomSource } from "../random.ts";
import type { Toxic } from "./toxic.ts";

/** Bytes on their way, and when they may leave. */
export interface Bytes {
	readonly kind: "bytes";
	readonly data: Uint8Array;
	readonly atMs: number;
}

/**
 * What happens to the direction after what came before it: its end; or both connections are closed, or reset; or the receiver's is reset and
 * the sender's stays open.
 */
export interface Fate {
	readonly kind: "end" | "close" | "reset" | "half-open";
	readonly atMs: number;
}

/** What goes through a transform. */
export type Piece = Bytes | Fate;

/** One fault in one direction of one connection. */
export interface StreamTransform {
	/** What happens by itself, in time and whatever passes. */
	begin(nowMs: number): Fate | undefined;
	/** What becomes of a piece; times never go back. */
	take(piece: Piece): readonly Piece[];
}

/** Makes the transform of a fault of streams. */
export function streamTransform(toxic: Toxic, random: RandomSource): StreamTransform {
	const value = (name: string): number => toxic.attributes[name] ?? 0;
	switch (toxic.type) {
		case "latency":
			return latency(value("latency"), value("jitter"), random);
		case "bandwidth":
			return bandwidth(value("rate"));
		case "slicer":
			return slicer(value("average_size"), value("size_variation"), value("delay"), random);
		case "slow_close":
			return always((piece) => [
				piece.kind === "end" ? { ...piece, atMs: piece.atMs + value("delay") } : piece,
			]);
		case "timeout":
			return timeout(value("timeout"));
		case "limit_data":
			return breakOff("close", value("bytes"), undefined);
		case "half_open":
			return breakOff("half-open", value("bytes"), value("timeout"));
		default:
			return breakOff("reset", value("bytes"), value("timeout"));
	}
}

function always(take: StreamTransform["take"]): StreamTransform {
	return { begin: () => undefined, take };
}

function latency(latencyMs: number, jitterMs: number, random: RandomSource): StreamTransform {
	let lastMs = Number.NEGATIVE_INFINITY;
	return always((piece) => {
		const jitter = jitterMs === 0 ? 0 : random.below(2 * jitterMs + 1) - jitterMs;
		lastMs = Math.max(lastMs, piece.atMs + Math.max(0, latencyMs + jitter));
		return [{ ...piece, atMs: lastMs }];
	});
}

// Portions of so long, so that a slow line trickles.
const PORTION_MS = 100;

// Toxiproxy's KB/s are bytes per millisecond; 0 is no limit.
function bandwidth(bytesPerMs: number): StreamTransform {
	if (bytesPerMs === 0) return always((piece) => [piece]);
	const portion = Math.max(1, Math.floor(bytesPerMs * PORTION_MS));
	let freeMs = Number.NEGATIVE_INFINITY;
	return always((piece) => {
		freeMs = Math.max(freeMs, piece.atMs);
		if (piece.kind !== "bytes") return [{ ...piece, atMs: freeMs }];
		const pieces: Piece[] = [];
		for (let start = 0; start < piece.data.length; start += portion) {
			const data = piece.data.subarray(start, start + portion);
			freeMs += data.length / bytesPerMs;
			pieces.push({ kind: "bytes", data, atMs: freeMs });
		}
		return pieces;
	});
}

// Cuts at offsets of the stream that the seed alone decides, however the bytes arrive.
function slicer(
	size: number,
	variation: number,
	delayUs: number,
	random: RandomSource,
): StreamTransform {
	let leftBytes = 0;
	let sliceMs = Number.NEGATIVE_INFINITY;
	return always((piece) => {
		sliceMs = Math.max(sliceMs, piece.atMs);
		if (piece.kind !== "bytes") return [{ ...piece, atMs: sliceMs }];
		const pieces: Piece[] = [];
		for (let start = 0; start < piece.data.length; ) {
			if (leftBytes === 0) {
				leftBytes = size - variation + random.below(2 * variation + 1);
				sliceMs += delayUs / 1000;
			}
			const data = piece.data.subarray(start, start + leftBytes);
			pieces.push({ kind: "bytes", data, atMs: sliceMs });
			leftBytes -= data.length;
			start += data.length;
		}
		return pieces;
	});
}

function timeout(timeoutMs: number): StreamTransform {
	return {
		begin: (nowMs) => (timeoutMs === 0 ? undefined : { kind: "close", atMs: nowMs + timeoutMs }),
		// The end passes: otherwise a sender that has left would never be forgotten.
		take: (piece) => (piece.kind === "bytes" ? [] : [piece]),
	};
}

/**
 * Passes so many bytes and then no more.
 *
 * @param afterMs time from the first byte beyond to the fate; undefined: with the last byte that passes
 */
function breakOff(
	kind: "close" | "reset" | "half-open",
	limitBytes: number,
	afterMs: number | undefined,
): StreamTransform {
	let leftBytes = limitBytes;
	let isOver = false;
	return always((piece) => {
		if (isOver) return [];
		if (piece.kind !== "bytes") return [piece];
		const { atMs } = piece;
		const data = piece.data.subarray(0, leftBytes);
		leftBytes -= data.length;
		isOver = data.length < piece.data.length || (afterMs === undefined && leftBytes === 0);
		const passing: Piece[] = data.length === 0 ? [] : [{ kind: "bytes", data, atMs }];
		return isOver ? [...passing, { kind, atMs: atMs + (afterMs ?? 0) }] : passing;
	});
}
