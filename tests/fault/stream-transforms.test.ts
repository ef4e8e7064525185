import assert from "node:assert/strict";
import { test } from "node:test";
import { streamTransform } from "#src/fault/stream-transforms.ts";
import { completeToxic, type ToxicRequest } from "#src/fault/toxic.ts";
import type { Piece } from "#src/fault/transform.ts";
import { randomSource } from "#src/random.ts";

/** What becomes of bytes that arrive in chunks of these lengths, one each 10 ms. */
function timetable(seed: number, toxic: ToxicRequest, lengths: readonly number[]): string[] {
	const transform = streamTransform(completeToxic(toxic, "stream"), randomSource(seed));
	const pieces = lengths.flatMap((length, index) =>
		transform.take({ kind: "bytes", data: new Uint8Array(length), atMs: index * 10 }),
	);
	return [...pieces, ...transform.take({ kind: "end", atMs: lengths.length * 10 })].map(describe);
}

function describe(piece: Piece): string {
	return `${piece.kind === "bytes" ? piece.data.length : piece.kind} at ${piece.atMs}`;
}

function offsets(table: readonly string[]): number[] {
	let offset = 0;
	return table.flatMap((row) => {
		offset += Number.parseInt(row, 10) || 0;
		return row.startsWith("end") ? [] : [offset];
	});
}

const JITTER: ToxicRequest = { type: "latency", attributes: { latency: 50, jitter: 40 } };
const SLICES: ToxicRequest = {
	type: "slicer",
	attributes: { average_size: 100, size_variation: 90, delay: 1500 },
};

test("the same seed gives the same faults exactly, and another one others", () => {
	const lengths = Array.from({ length: 200 }, (_, index) => 1 + ((index * 7919) % 3000));
	for (const toxic of [JITTER, SLICES]) {
		assert.deepEqual(timetable(1, toxic, lengths), timetable(1, toxic, lengths));
		assert.notDeepEqual(timetable(1, toxic, lengths), timetable(2, toxic, lengths));
	}
});

test("slices are cut at the same offsets however the bytes arrive", () => {
	const whole = offsets(timetable(5, SLICES, [9000]));
	const inParts = offsets(timetable(5, SLICES, [1, 4999, 17, 3983]));
	const arrivals = [1, 5000, 5017, 9000];
	assert.deepEqual(
		inParts.filter((at) => !arrivals.includes(at)),
		whole.filter((at) => !arrivals.includes(at)),
	);
	assert.ok(whole.length > 60 && whole.length < 140, String(whole.length));
});

test("jitter stays within its bounds and changes no order", () => {
	const table = timetable(
		9,
		JITTER,
		Array.from({ length: 500 }, () => 1),
	);
	const times = table.map((row) => Number(row.split(" at ")[1]));
	assert.deepEqual(
		times,
		[...times].sort((one, other) => one - other),
	);
	const delays = times.map((atMs, index) => atMs - index * 10);
	assert.ok(Math.min(...delays) >= 10 && Math.max(...delays) <= 90);
	assert.ok(new Set(delays).size > 20);
});

test("bandwidth trickles in portions of a tenth of a second", () => {
	const table = timetable(1, { type: "bandwidth", attributes: { rate: 2 } }, [500]);
	assert.deepEqual(table, ["200 at 100", "200 at 200", "100 at 250", "end at 250"]);
});

test("what makes no sense is refused", () => {
	for (const [request, code] of [
		[{ type: "nonsense" }, "ERR_INVALID_ARG_VALUE"],
		[{ type: "loss" }, "ERR_INVALID_ARG_VALUE"],
		[{ type: "latency", attributes: { latncy: 1 } }, "ERR_INVALID_ARG_VALUE"],
		[{ type: "latency", attributes: { latency: -1 } }, "ERR_OUT_OF_RANGE"],
		[{ type: "latency", toxicity: 2 }, "ERR_OUT_OF_RANGE"],
	] as const) {
		assert.throws(() => completeToxic(request as ToxicRequest, "stream"), { code });
	}
});
