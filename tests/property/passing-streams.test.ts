/**
 * Random writes, some with descriptors and some withdrawn, against random reads: every descriptor of every write that went comes once, in order,
 * with a range that holds the first byte of its write and nothing that was written after it.
 */
import assert from "node:assert/strict";
import { fstatSync } from "node:fs";
import { test } from "node:test";
import { give, Memfd, type Stream, socketpair } from "socketry";
import { assertNoLeaks, injectFaults, openResources } from "socketry/testing";
import { type RandomSource, randomSource } from "#src/random.ts";

const RUNS = 200;
const WRITES = 60;

/** A write with descriptors that went, by its place in the stream. */
interface Sent {
	readonly position: number;
	readonly length: number;
	readonly ids: readonly number[];
}

interface Came {
	readonly start: number;
	readonly end: number;
	readonly ids: readonly number[];
}

let nextId = 1;

// Known by its size on the other side.
function makeMemory(): { id: number; memory: Memfd } {
	const id = nextId++;
	return { id, memory: Memfd.create(id) };
}

async function writeAll(stream: Stream, random: RandomSource): Promise<Sent[]> {
	const sent: Sent[] = [];
	const pending: Promise<void>[] = [];
	for (let i = 0; i < WRITES; i++) {
		const length = 1 + random.below(random.below(5) === 0 ? 120_000 : 300);
		const made = Array.from({ length: random.below(4) }, makeMemory);
		const descriptors = made.map(({ memory }) => (random.below(2) === 0 ? memory : give(memory)));
		const stop = new AbortController();
		const position = stream.bytesWritten;
		const isDoomed = random.below(4) === 0;
		const write = stream.write(Buffer.alloc(length, 7), {
			descriptors,
			...(isDoomed && { signal: stop.signal }),
		});
		for (const { memory } of made) memory.close();
		if (isDoomed) stop.abort();
		try {
			if (isDoomed || random.below(3) === 0) await write;
			else pending.push(write);
		} catch (error) {
			const { bytesMoved } = error as { bytesMoved: number };
			if (bytesMoved === 0) continue;
		}
		if (made.length > 0) sent.push({ position, length, ids: made.map(({ id }) => id) });
	}
	await Promise.all(pending);
	await stream.closeWrite();
	return sent;
}

async function readAll(stream: Stream, random: RandomSource): Promise<Came[]> {
	const came: Came[] = [];
	for (;;) {
		const size = 1 + random.below(random.below(3) === 0 ? 70_000 : 200);
		const isWhole = random.below(3) === 0;
		let isOver = false;
		if (isWhole)
			isOver = await stream.readExactly(size).then(
				() => false,
				() => false,
			);
		else isOver = (await stream.readInto(new Uint8Array(size))) === 0;
		for (const { descriptors, start, end } of stream.takeDescriptors()) {
			assert.ok(start < stream.bytesRead);
			came.push({ start, end, ids: descriptors.map(({ fd }) => fstatSync(fd).size) });
			for (const each of descriptors) each.close();
		}
		if (isOver) return came;
	}
}

test("random writes with descriptors arrive as they were made, whatever the reads", async (context) => {
	const { seed } = randomSource();
	context.diagnostic(`seed ${seed}`);
	for (let run = 0; run < RUNS; run++) {
		const random = randomSource((seed + run) >>> 0);
		const before = openResources();
		const [left, right] = socketpair("stream", { receiveDescriptors: 3 });
		// In every other run no system call moves more than a part.
		const short = 1 + random.below(50_000);
		const times = run % 2 === 0 ? 1 : Number.POSITIVE_INFINITY;
		const faults = injectFaults([
			{ call: "send", short, times },
			{ call: "sendmsg", short, times },
			{ call: "recvmsg", short, times },
		]);
		const [sent, came] = await Promise.all([
			writeAll(left, random),
			readAll(right, random),
		]).finally(() => faults.restore());
		const hint = `run ${run} of seed ${seed}`;
		assert.deepEqual(
			came.map(({ ids }) => ids),
			sent.map(({ ids }) => ids),
			hint,
		);
		for (const [i, { start, end }] of came.entries()) {
			const { position, length } = sent[i] as Sent;
			assert.ok(start <= position && position < end, `${hint}: ${start}..${end} for ${position}`);
			assert.ok(end <= position + length, `${hint}: ${start}..${end} for ${position}`);
		}
		await Promise.all([left.close(), right.close()]);
		await assertNoLeaks(before);
	}
});
