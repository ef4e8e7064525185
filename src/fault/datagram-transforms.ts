/** The faults of datagrams as transforms without input, output or clock: datagrams with a time go in, datagrams with a time come out. */
import type { RandomSource } from "../random.ts";
import type { Toxic } from "./toxic.ts";

/** A datagram on its way, and when it may leave. */
export interface TimedDatagram {
	readonly data: Uint8Array;
	readonly atMs: number;
}

/** Faults of datagrams that count what they do. */
export type CountedFault = "loss" | "duplicate" | "reorder" | "corrupt";

/** One fault in one direction of one peer. */
export interface DatagramTransform {
	/** What becomes of a datagram: none, one, or two. */
	take(datagram: TimedDatagram): readonly TimedDatagram[];
}

const SHARES = 2 ** 32 - 1;

/**
 * Makes the transform of a fault of datagrams.
 *
 * @param count told of each datagram that it hits
 */
export function datagramTransform(
	toxic: Toxic,
	random: RandomSource,
	count: (fault: CountedFault) => void,
): DatagramTransform {
	const { type } = toxic;
	const value = (name: string): number => toxic.attributes[name] ?? 0;
	if (type === "latency") return latency(value("latency"), value("jitter"), random);
	const fault = type as CountedFault;
	return {
		take: (datagram) => {
			if (random.below(SHARES) / SHARES >= value("probability")) return [datagram];
			count(fault);
			return hit(fault, datagram, value("delay"), random);
		},
	};
}

// As on a network, jitter lets a datagram overtake another.
function latency(latencyMs: number, jitterMs: number, random: RandomSource): DatagramTransform {
	return {
		take: ({ data, atMs }) => {
			const jitter = jitterMs === 0 ? 0 : random.below(2 * jitterMs + 1) - jitterMs;
			return [{ data, atMs: atMs + Math.max(0, latencyMs + jitter) }];
		},
	};
}

function hit(
	fault: CountedFault,
	datagram: TimedDatagram,
	delayMs: number,
	random: RandomSource,
): readonly TimedDatagram[] {
	switch (fault) {
		case "loss":
			return [];
		case "duplicate":
			return [datagram, datagram];
		case "reorder":
			return [{ ...datagram, atMs: datagram.atMs + delayMs }];
		case "corrupt":
			return [{ ...datagram, data: withFlippedBit(datagram.data, random) }];
	}
}

function withFlippedBit(data: Uint8Array, random: RandomSource): Uint8Array {
	const bit = random.below(data.length * 8);
	const copy = Buffer.from(data);
	if (copy.length > 0) copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
	return copy;
}
