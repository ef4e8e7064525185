/** The faults of streams of bytes: pieces keep their order. */
import type { RandomSource } from "../random.ts";
import type { Toxic } from "./toxic.ts";
import {
	bandwidth,
	breakOff,
	latency,
	type Piece,
	slowClose,
	type Transform,
	timeout,
} from "./transform.ts";

// Portions of so long, so that a slow line trickles.
const PORTION_MS = 100;

/**
 * Makes the transform of a fault of streams.
 *
 * @param passedBytes what a fault that this one replaces has let through
 */
export function streamTransform(
	toxic: Toxic,
	random: RandomSource,
	passedBytes: number = 0,
): Transform {
	const value = (name: string): number => toxic.attributes[name] ?? 0;
	switch (toxic.type) {
		case "latency":
			return latency(value("latency"), value("jitter"), random, true);
		case "bandwidth":
			return bandwidth(value("rate"), Math.max(1, Math.floor(value("rate") * PORTION_MS)));
		case "slicer":
			return slicer(value("average_size"), value("size_variation"), value("delay"), random);
		default:
			return ending(toxic, passedBytes, false);
	}
}

/** Makes the transform of a fault that is about the end of a connection. */
export function ending(toxic: Toxic, passedBytes: number, isWhole: boolean): Transform {
	const { name, type, attributes } = toxic;
	const cut = { toxic: name, limitBytes: attributes["bytes"] ?? 0, passedBytes, isWhole };
	const afterMs = attributes["timeout"] ?? 0;
	switch (type) {
		case "slow_close":
			return slowClose(attributes["delay"] ?? 0);
		case "timeout":
			return timeout(name, afterMs);
		case "limit_data":
			return breakOff({ ...cut, kind: "close", afterMs: undefined });
		case "half_open":
			return breakOff({ ...cut, kind: "half-open", afterMs });
		default:
			return breakOff({ ...cut, kind: "reset", afterMs });
	}
}

// Cuts at offsets of the stream that the seed alone decides, however the bytes arrive.
function slicer(size: number, variation: number, delayUs: number, random: RandomSource): Transform {
	let leftBytes = 0;
	let sliceMs = Number.NEGATIVE_INFINITY;
	const take = (piece: Piece): readonly Piece[] => {
		sliceMs = Math.max(sliceMs, piece.atMs);
		if (piece.kind !== "bytes") return [{ ...piece, atMs: sliceMs }];
		const pieces: Piece[] = [];
		for (let start = 0; start < piece.data.length; ) {
			if (leftBytes === 0) {
				leftBytes = Math.max(1, size - variation + random.below(2 * variation + 1));
				sliceMs += delayUs / 1000;
			}
			const data = piece.data.subarray(start, start + leftBytes);
			pieces.push({ kind: "bytes", data, atMs: sliceMs });
			leftBytes -= data.length;
			start += data.length;
		}
		return pieces;
	};
	return { take };
}
