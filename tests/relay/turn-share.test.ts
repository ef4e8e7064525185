/** How much flows move at a visit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TurnShare } from "#src/relay/turn-share.ts";

/** What each of `count` flows may move in the turn after one in which as many were ready. */
function shareOf(count: number): number {
	const shares = new TurnShare();
	for (let flow = 0; flow < count; flow++) shares.take(1);
	return shares.take(2);
}

test("flows that are ready in one turn share what is moved in it", () => {
	assert.deepEqual([1, 2, 8].map(shareOf), [4_194_304, 2_097_152, 524_288]);
});

test("however many flows are ready, each moves enough to be worth its calls", () => {
	assert.deepEqual([32, 100, 5_000].map(shareOf), [131_072, 131_072, 131_072]);
});

test("a flow that is alone again has all of the turn", () => {
	const shares = new TurnShare();
	for (let flow = 0; flow < 1_000; flow++) shares.take(1);
	assert.deepEqual([shares.take(2), shares.take(3)], [131_072, 4_194_304]);
});
