/** Checks of a byte stream: what is written arrives. */
import assert from "node:assert/strict";
import { type RandomSource, randomSource } from "../../random.ts";
import type { ByteStream } from "../../stream/contract.ts";
import { type Check, defineCheck } from "../check.ts";
import { isPending } from "../expectations.ts";
import { assertPattern, expectEnd, expectPattern, pattern, readText } from "../traffic.ts";

const TRANSFER_BYTES = 4_194_304;
const ROUNDS = 100;

// Around the sizes at which implementations change their way: empty, one, a copied write, a borrowed one, a full buffer.
const SIZES = [0, 1, 2, 63, 1_000, 8_191, 8_192, 8_193, 16_384, 65_535, 65_536, 65_537, 200_000];

export const transferChecks: readonly Check<ByteStream>[] = [
	defineCheck(
		"bytes arrive",
		"What is written at one end is read at the other, in both directions.",
		async (left, right) => {
			await left.write("to the right");
			await right.write("to the left");
			assert.equal(await readText(right, 12), "to the right");
			assert.equal(await readText(left, 11), "to the left");
		},
	),
	defineCheck(
		"ping-pong",
		"A question and its answer go to and fro without anything else to push them.",
		async (left, right) => {
			for (let i = 0; i < ROUNDS; i++) {
				await left.write(`ping ${i}`);
				assert.equal(await readText(right, `ping ${i}`.length), `ping ${i}`);
				await right.write(`pong ${i}`);
				assert.equal(await readText(left, `pong ${i}`.length), `pong ${i}`);
			}
		},
	),
	defineCheck(
		"a read waits for bytes",
		"A read that finds nothing waits, and resolves when bytes come.",
		async (left, right) => {
			const reading = right.read();
			assert.ok(await isPending(reading), "read() did not wait");
			await left.write("here");
			assert.equal(Buffer.from((await reading) ?? []).toString(), "here");
		},
	),
	defineCheck(
		"any chunking",
		"However the writer and the reader cut the bytes, the same bytes arrive in the same order.",
		async (left, right) => {
			await Promise.all([writeChunked(left, 11), readChunked(right, 12)]);
		},
	),
	defineCheck(
		"both ways at once",
		"The two directions carry at the same time, and neither waits for the other.",
		async (left, right) => {
			await Promise.all([
				writeChunked(left, 21),
				writeChunked(right, 22),
				readChunked(left, 23),
				readChunked(right, 24),
			]);
		},
	),
	defineCheck(
		"writes keep their order",
		"Writes that are not awaited arrive in the order of their calls, small and large ones mixed.",
		async (left, right) => {
			const writes: Promise<void>[] = [];
			let position = 0;
			for (let i = 0; i < 60; i++) {
				const size = SIZES[(i * 5) % SIZES.length] ?? 0;
				writes.push(left.write(pattern(position, size)));
				position += size;
			}
			await Promise.all([...writes, expectPattern(right, 0, position)]);
		},
	),
	defineCheck(
		"strings are UTF-8",
		"A string is written as its UTF-8 bytes, whatever its length.",
		async (left, right) => {
			for (const text of [
				"a\u00e9\u20ac\u{1f600}",
				"\u20ac".repeat(5_000),
				"\u{1f600}".repeat(40_000),
			]) {
				const bytes = Buffer.from(text);
				const [received] = await Promise.all([right.readExactly(bytes.length), left.write(text)]);
				assert.ok(bytes.equals(received), `a text of ${bytes.length} bytes came out different`);
			}
			assert.equal(right.bytesRead, left.bytesWritten);
		},
	),
	defineCheck(
		"a buffer is free after its write",
		"Once a write has resolved, its buffer may be changed without changing what arrives.",
		async (left, right) => {
			let position = 0;
			for (const size of [10, 8_192, 8_193, 100_000]) {
				const data = pattern(position, size);
				await Promise.all([
					left.write(data).then(() => data.fill(0)),
					expectPattern(right, position, size),
				]);
				position += size;
			}
		},
	),
	defineCheck(
		"a chunk is the reader's own",
		"What a read returned is neither changed by later reads, nor are they by changes to it.",
		async (left, right) => {
			const chunks: Uint8Array[] = [];
			for (let i = 0; i < 20; i++) {
				await left.write(pattern(i * 1_000, 1_000));
				chunks.push(await right.readExactly(500), (await right.read()) ?? new Uint8Array(0));
			}
			assert.equal(Buffer.concat(chunks).length, 20_000);
			assertPattern(Buffer.concat(chunks), 0);
			const writing = left.write(pattern(20_000, 1_000));
			for (const chunk of chunks) chunk.fill(255);
			await writing;
			await expectPattern(right, 20_000, 1_000);
		},
	),
	defineCheck(
		"nothing is nothing",
		"Empty writes and reads resolve at once, move nothing, and do not look like the end.",
		async (left, right) => {
			await left.write("");
			await left.write(new Uint8Array(0));
			assert.equal(left.bytesWritten, 0);
			assert.equal(await right.readInto(new Uint8Array(0)), 0);
			assert.equal((await right.readExactly(0)).length, 0);
			const reading = right.read();
			assert.ok(await isPending(reading), "an empty write ended a read");
			await left.write("x");
			assert.equal((await reading)?.length, 1);
			await left.write(new Uint8Array(0));
			await left.closeWrite();
			await expectEnd(right);
		},
	),
	defineCheck(
		"counters count",
		"bytesWritten, bytesRead and queuedBytes say what was taken, handed out and not yet handed on.",
		async (left, right) => {
			for (const end of [left, right]) {
				assert.deepEqual([end.bytesRead, end.bytesWritten, end.queuedBytes], [0, 0, 0]);
			}
			await left.write(pattern(0, 10_000));
			await left.write(pattern(10_000, 5));
			assert.equal(left.bytesWritten, 10_005);
			await left.flush();
			assert.equal(left.queuedBytes, 0);
			await right.readExactly(10_004);
			assert.equal(right.bytesRead, 10_004);
			await right.read();
			assert.equal(right.bytesRead, 10_005);
			assert.equal(left.bytesRead + right.bytesWritten, 0);
		},
	),
];

async function writeChunked(end: ByteStream, seed: number): Promise<void> {
	const random = randomSource(seed);
	for (let position = 0; position < TRANSFER_BYTES; ) {
		const size = Math.min(anySize(random), TRANSFER_BYTES - position);
		const writing = end.write(pattern(position, size));
		// Some writes are awaited, some are not: both must do.
		if (random.below(4) > 0 || end.queuedBytes > 1_000_000) await writing;
		position += size;
	}
	await end.closeWrite();
}

async function readChunked(end: ByteStream, seed: number): Promise<void> {
	const random = randomSource(seed);
	let position = 0;
	while (position < TRANSFER_BYTES) {
		const chunk = await readSomehow(end, random, TRANSFER_BYTES - position);
		assert.ok(chunk !== null && chunk.length > 0, `the stream ended after ${position} bytes`);
		assertPattern(chunk, position);
		position += chunk.length;
	}
	await expectEnd(end);
}

async function readSomehow(
	end: ByteStream,
	random: RandomSource,
	left: number,
): Promise<Uint8Array | null> {
	const size = Math.min(anySize(random) + 1, left);
	switch (random.below(3)) {
		case 0:
			return await end.readExactly(size);
		case 1: {
			const target = new Uint8Array(size);
			return target.subarray(0, await end.readInto(target));
		}
		default:
			return await end.read();
	}
}

function anySize(random: RandomSource): number {
	return SIZES[random.below(SIZES.length)] ?? 0;
}
