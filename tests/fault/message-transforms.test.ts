import assert from "node:assert/strict";
import { test } from "node:test";
import type { ToxicRequest } from "socketry/fault";
import { messageTransform } from "#src/fault/message-transforms.ts";
import { completeToxic } from "#src/fault/toxic.ts";
import type { Bytes, Piece } from "#src/fault/transform.ts";
import { randomSource } from "#src/random.ts";

/** What becomes of so many datagrams, one each millisecond, by their numbers in the order of their arrival. */
function arrivals(seed: number, request: ToxicRequest, count: number): string[] {
	const toxic = completeToxic(request, "datagrams");
	const transform = messageTransform(toxic, randomSource(seed), {
		keepsOrder: false,
		passedBytes: 0,
		hit: () => undefined,
	});
	const passing: Bytes[] = [];
	for (let number = 0; number < count; number++) {
		const data = Buffer.alloc(4);
		data.writeUInt32BE(number);
		const pieces = transform.take({ kind: "bytes", data, atMs: number });
		passing.push(...pieces.filter((each): each is Bytes => each.kind === "bytes"));
	}
	return passing
		.sort((one, other) => one.atMs - other.atMs)
		.map(({ data }) => Buffer.from(data).toString("hex"));
}

test("the same seed loses, doubles, turns and delays the same datagrams", () => {
	for (const type of ["loss", "duplicate", "reorder", "corrupt"] as const) {
		const request: ToxicRequest = { type, attributes: { probability: 0.2 } };
		const plain = arrivals(1, { type, attributes: { probability: 0 } }, 1000);
		assert.deepEqual(arrivals(1, request, 1000), arrivals(1, request, 1000));
		assert.notDeepEqual(arrivals(1, request, 1000), arrivals(2, request, 1000));
		assert.notDeepEqual(arrivals(1, request, 1000), plain);
	}
});

test("a fifth is lost, doubled or turned, as it was asked for", () => {
	const counts = (type: ToxicRequest["type"]): number =>
		arrivals(5, { type, attributes: { probability: 0.2 } }, 10_000).length;
	assert.ok(Math.abs(counts("loss") - 8000) < 200, String(counts("loss")));
	assert.ok(Math.abs(counts("duplicate") - 12_000) < 200, String(counts("duplicate")));
	assert.equal(counts("reorder"), 10_000);
	assert.equal(counts("corrupt"), 10_000);
});

test("reordered datagrams all arrive, and a corrupt one differs by one bit", () => {
	const all = arrivals(3, { type: "reorder", attributes: { probability: 0.5 } }, 500);
	assert.equal(new Set(all).size, 500);
	assert.notDeepEqual(all, [...all].sort());
	const [bad] = arrivals(3, { type: "corrupt", attributes: { probability: 1 } }, 1);
	const ones = Number.parseInt(bad ?? "0", 16)
		.toString(2)
		.replaceAll("0", "");
	assert.equal(ones.length, 1);
});

/** What a fault makes of messages of these lengths, one each 10 ms, in a connection. */
function inConnection(request: ToxicRequest, lengths: readonly number[]): string[] {
	const toxic = completeToxic(request, "packets");
	const surroundings = { keepsOrder: true, passedBytes: 0, hit: () => undefined };
	const transform = messageTransform(toxic, randomSource(1), surroundings);
	const messages = lengths.map((length, index): Piece => {
		return { kind: "bytes", data: new Uint8Array(length), atMs: index * 10 };
	});
	return [...messages, { kind: "end", atMs: lengths.length * 10 } as const].flatMap((piece) =>
		transform
			.take(piece)
			.map((each) => `${each.kind === "bytes" ? each.data.length : each.kind} at ${each.atMs}`),
	);
}

test("messages pass whole or not at all, empty ones too", () => {
	const limited = { type: "limit_data", attributes: { bytes: 10 } } as const;
	assert.deepEqual(inConnection(limited, [4, 0, 4, 4, 1]), [
		...["4 at 0", "0 at 10", "4 at 20", "close at 30"],
	]);
	const slow = { type: "bandwidth", attributes: { rate: 0.5 } } as const;
	assert.deepEqual(inConnection(slow, [10, 0, 5]), ["10 at 20", "0 at 20", "5 at 30", "end at 30"]);
	const reset = { type: "reset_peer", attributes: { bytes: 4, timeout: 7 } } as const;
	assert.deepEqual(inConnection(reset, [4]), ["4 at 0", "reset at 17"]);
});

test("an empty message has no bit that could be turned, and is not counted", () => {
	const hits: string[] = [];
	const toxic = completeToxic({ type: "corrupt", attributes: { probability: 1 } }, "datagrams");
	const transform = messageTransform(toxic, randomSource(1), {
		...{ keepsOrder: false, passedBytes: 0 },
		hit: (fault) => hits.push(fault),
	});
	const empty = { kind: "bytes", data: new Uint8Array(0), atMs: 0 } as const;
	assert.deepEqual(transform.take(empty), [empty]);
	assert.deepEqual(hits, []);
});
