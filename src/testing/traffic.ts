/** Bytes whose place in a stream can be told by looking at them, and the loops that send and expect them. */
import assert from "node:assert/strict";
import { randomSource } from "../random.ts";
import type { ByteSink, ByteSource } from "../stream/contract.ts";
import { isPending, settled } from "./expectations.ts";

// A prime, so that no power-of-two buffer size divides it: bytes that a buffer's length went astray never match.
const PERIOD_BYTES = 1_048_573;
const CLOG_CHUNK_BYTES = 65_536;
const CLOG_MAX_BYTES = 134_217_728;
const CLOG_SETTLE_MS = 25;
const WAIT_MS = 25_000;
const period = makePeriod();

function makePeriod(): Buffer {
	const random = randomSource(1);
	const bytes = Buffer.allocUnsafeSlow(PERIOD_BYTES);
	for (let i = 0; i < PERIOD_BYTES; i++) bytes[i] = random.below(256);
	return bytes;
}

/** The bytes from `position` on of an endless pattern, in memory of their own. */
export function pattern(position: number, length: number): Buffer {
	const bytes = Buffer.allocUnsafeSlow(length);
	for (let filled = 0; filled < length; ) {
		const from = (position + filled) % PERIOD_BYTES;
		filled += period.copy(bytes, filled, from, Math.min(PERIOD_BYTES, from + length - filled));
	}
	return bytes;
}

/** Fails unless `bytes` are those of the pattern from `position` on. */
export function assertPattern(bytes: Uint8Array, position: number): void {
	const expected = pattern(position, bytes.length);
	if (expected.equals(bytes)) return;
	const wrong = bytes.findIndex((byte, index) => byte !== expected[index]);
	assert.fail(
		`byte ${position + wrong} of the stream is wrong (${wrong} in a chunk of ${bytes.length} bytes)`,
	);
}

/** Reads exactly the next bytes of the pattern; `readExactly` is not used, so that it can be checked itself. */
export async function expectPattern(
	source: ByteSource,
	position: number,
	length: number,
): Promise<void> {
	let got = 0;
	while (got < length) {
		const target = new Uint8Array(Math.min(length - got, CLOG_CHUNK_BYTES));
		const count = await settled(source.readInto(target), WAIT_MS, "readInto()");
		assert.notEqual(count, 0, `the stream ended after ${position + got} bytes`);
		assertPattern(target.subarray(0, count), position + got);
		got += count;
	}
}

/** Reads to the end and expects the pattern from `position` on; returns how many bytes came. */
export async function expectPatternToEnd(source: ByteSource, position = 0): Promise<number> {
	let got = 0;
	for (;;) {
		const chunk = await settled(source.read(), WAIT_MS, "read()");
		if (chunk === null) return got;
		assert.notEqual(chunk.length, 0, "read() resolved to an empty chunk");
		assertPattern(chunk, position + got);
		got += chunk.length;
	}
}

/** Expects the end of the stream, and nothing before it. */
export async function expectEnd(source: ByteSource): Promise<void> {
	const chunk = await settled(source.read(), WAIT_MS, "read() at the end");
	assert.equal(chunk, null, `${chunk?.length} bytes came in place of the end`);
}

/** Reads text of a known length. */
export async function readText(source: ByteSource, length: number): Promise<string> {
	return Buffer.from(
		await settled(source.readExactly(length), WAIT_MS, "readExactly()"),
	).toString();
}

/** What `clog` has done. */
export interface Clogged {
	/** Bytes written, all of the pattern from 0 on. */
	readonly bytes: number;
	/** The write that waits for room. */
	readonly pending: Promise<void>;
}

/** Writes the pattern until a write waits for the peer to read. */
export async function clog(sink: ByteSink): Promise<Clogged> {
	for (let bytes = 0; bytes < CLOG_MAX_BYTES; ) {
		const pending = sink.write(pattern(bytes, CLOG_CHUNK_BYTES));
		bytes += CLOG_CHUNK_BYTES;
		// TCP finds room in its buffers for a while after it has refused.
		if ((await isPending(pending)) && (await staysPending(pending))) return { bytes, pending };
		await pending;
	}
	assert.fail(`the stream took ${CLOG_MAX_BYTES} bytes that nobody read, and never asked to wait`);
}

async function staysPending(promise: Promise<void>): Promise<boolean> {
	try {
		await settled(promise, CLOG_SETTLE_MS, "the write");
		return false;
	} catch {
		return await isPending(promise);
	}
}
