/** The faults of messages, of datagrams and of connections: messages stay whole, and some of them overtake others. */
import type { RandomSource } from "../random.ts";
import { ending } from "./stream-transforms.ts";
import type { Toxic } from "./toxic.ts";
import { type Bytes, bandwidth, latency, type Piece, type Transform } from "./transform.ts";

/** Faults that hit single messages, and count them. */
export type MessageFault = "loss" | "duplicate" | "reorder" | "corrupt";

/** What a fault of messages is told. */
export interface MessageSurroundings {
	/** Whether messages that are late hold up those after them, as in a connection. */
	readonly keepsOrder: boolean;
	/** What a fault that this one replaces has let through. */
	readonly passedBytes: number;
	/** Told of each message that is hit. */
	readonly hit: (fault: MessageFault) => void;
}

const SHARES = 2 ** 32 - 1;

/** Makes the transform of a fault of messages. */
export function messageTransform(
	toxic: Toxic,
	random: RandomSource,
	{ keepsOrder, passedBytes, hit }: MessageSurroundings,
): Transform {
	const { type } = toxic;
	const value = (name: string): number => toxic.attributes[name] ?? 0;
	switch (type) {
		case "latency":
			return latency(value("latency"), value("jitter"), random, keepsOrder);
		case "bandwidth":
			return bandwidth(value("rate"), Number.POSITIVE_INFINITY);
		case "loss":
		case "duplicate":
		case "reorder":
		case "corrupt": {
			const take = (piece: Piece): readonly Piece[] => {
				if (piece.kind !== "bytes") return [piece];
				if (random.below(SHARES) / SHARES >= value("probability")) return [piece];
				// There is no bit to turn.
				if (type === "corrupt" && piece.data.length === 0) return [piece];
				hit(type);
				return struck(type, piece, value("delay"), random);
			};
			return { take };
		}
		default:
			return ending(toxic, passedBytes, true);
	}
}

function struck(
	fault: MessageFault,
	message: Bytes,
	delayMs: number,
	random: RandomSource,
): readonly Piece[] {
	switch (fault) {
		case "loss":
			return [];
		case "duplicate":
			return [message, message];
		case "reorder":
			return [{ ...message, atMs: message.atMs + delayMs }];
		case "corrupt":
			return [{ ...message, data: withTurnedBit(message.data, random) }];
	}
}

function withTurnedBit(data: Uint8Array, random: RandomSource): Uint8Array {
	const bit = random.below(data.length * 8);
	const copy = Buffer.from(data);
	copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
	return copy;
}
