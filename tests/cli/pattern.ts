/** Bytes that can be checked wherever they are cut, and pauses at random: both from a seed, which is printed. */
import assert from "node:assert/strict";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { type RandomSource, randomSource } from "#src/random.ts";
import type { Connection } from "./chain.ts";

// No power of two, so that nothing that is lost or doubled in the usual units goes unseen.
const PATTERN_BYTES = 262_147;
const PIECE_BYTES_MAX = 200_000;
const PACKET_BYTES_MAX = 100_000;
const TURNS_ONCE_IN = 40;
const PAUSE_ONCE_IN = 400;
const PAUSE_MS_MAX = 20;

const made = new Map<number, Buffer>();

// Twice, so that any piece of it is in one piece.
function makeBytes(seed: number): Buffer {
	const random = randomSource(seed);
	const once = Buffer.alloc(PATTERN_BYTES);
	for (let i = 0; i < PATTERN_BYTES; i++) once[i] = random.below(256);
	return Buffer.concat([once, once]);
}

/** What one side sends, and when it pauses. */
export class Pattern {
	readonly #bytes: Buffer;
	readonly #random: RandomSource;

	constructor(seed: number) {
		this.#random = randomSource(seed);
		this.#bytes = made.get(seed) ?? makeBytes(seed);
		made.set(seed, this.#bytes);
	}

	/** Sends so many bytes, in pieces of any size, then ends. Rejects when the connection does not take them. */
	async send(sink: Connection, bytes: number): Promise<void> {
		const most = "write" in sink ? PIECE_BYTES_MAX : PACKET_BYTES_MAX;
		for (let sent = 0; sent < bytes; ) {
			const length = Math.min(1 + this.#random.below(most), bytes - sent);
			const piece = this.piece(sent, length);
			await ("write" in sink ? sink.write(piece) : sink.send(piece));
			sent += length;
			await this.#pause();
		}
		await sink.closeWrite();
	}

	/** Reads to the end, and compares. `onBytes` is told how many there are so far. */
	async receive(
		source: Connection,
		sent: Pattern,
		onBytes: (bytes: number) => void = () => {},
	): Promise<number> {
		let received = 0;
		for await (const chunk of source) {
			const isRight = sent.piece(received, chunk.length).equals(chunk);
			assert.ok(isRight, `bytes ${received} to ${received + chunk.length} are others`);
			received += chunk.length;
			onBytes(received);
			await this.#pause();
		}
		return received;
	}

	/** A part of it, of up to 262,147 bytes. */
	piece(offset: number, length: number): Buffer {
		const start = offset % PATTERN_BYTES;
		return this.#bytes.subarray(start, start + length);
	}

	// Now and then, so that both full and empty queues are met.
	async #pause(): Promise<void> {
		const chance = this.#random.below(PAUSE_ONCE_IN);
		if (chance === 0) await pause(1 + this.#random.below(PAUSE_MS_MAX));
		else if (chance < PAUSE_ONCE_IN / TURNS_ONCE_IN) for (let i = 0; i < 10; i++) await turn();
	}
}
