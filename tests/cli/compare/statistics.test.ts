import assert from "node:assert/strict";
import { test } from "node:test";
import { estimate, isTie, median } from "#src/cli/compare/statistics.ts";

test("the median is the middle, or the mean of the two in the middle", () => {
	assert.equal(median([3, 1, 2]), 2);
	assert.equal(median([4, 1, 3, 2]), 2.5);
	assert.ok(Number.isNaN(median([])));
});

test("five rounds give their extremes, nine leave one outlier out on each side", () => {
	const five = estimate([5, 1, 4, 2, 3]);
	assert.deepEqual([five.value, five.low, five.high], [3, 1, 5]);
	const nine = estimate([9, 1, 8, 2, 7, 3, 6, 4, 1000]);
	assert.deepEqual([nine.value, nine.low, nine.high], [6, 2, 9]);
	assert.deepEqual(nine.rounds, [9, 1, 8, 2, 7, 3, 6, 4, 1000]);
});

test("the interval holds the true median as often as it says", () => {
	// Values whose true median is 0.5, from a generator with a fixed seed.
	let state = 12_345;
	const random = (): number => {
		state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
		return state / 0x8000_0000;
	};
	for (const rounds of [5, 7, 9, 15]) {
		let held = 0;
		for (let trial = 0; trial < 2000; trial++) {
			const { low, high } = estimate(Array.from({ length: rounds }, random));
			if (low <= 0.5 && high >= 0.5) held++;
		}
		assert.ok(held / 2000 > 0.89, `${rounds} rounds: ${held / 2000}`);
	}
});

test("figures whose intervals overlap are a tie, and so are those within 5 %", () => {
	const figure = (value: number, low: number, high: number) => ({ value, low, high, rounds: [] });
	assert.equal(isTie(figure(10, 9, 11), figure(12, 11, 13)), true);
	assert.equal(isTie(figure(10, 9, 10.5), figure(12, 11, 13)), false);
	assert.equal(isTie(figure(12, 11, 13), figure(10, 9, 10.5)), false);
	assert.equal(isTie(figure(100, 99.9, 100.1), figure(104, 103.9, 104.1)), true);
});
