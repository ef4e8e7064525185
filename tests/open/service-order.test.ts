import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { inServiceOrder } from "#src/open/service-order.ts";
import { randomSource } from "#src/random.ts";

const weights = fc.array(fc.oneof(fc.constant(0), fc.nat(12)), { minLength: 1, maxLength: 8 });
const records = fc.array(fc.record({ priority: fc.nat(3), weight: fc.nat(65_535) }), {
	maxLength: 20,
});

test("every record is in the order once, and better priorities come first", () => {
	fc.assert(
		fc.property(records, fc.nat(), (given, seed) => {
			const { below } = randomSource(seed);
			const order = inServiceOrder(given, below);
			assert.equal(new Set(order.flat()).size, given.length);
			assert.ok(order.flat().every((record) => given.includes(record)));
			const priorities = order.map((group) => group[0]?.priority);
			assert.deepEqual(priorities, [...new Set(given.map((each) => each.priority))].sort());
			for (const group of order) {
				assert.ok(group.every(({ priority }) => priority === group[0]?.priority));
			}
		}),
	);
});

test("each record is first in as many draws as its weight, and one draw finds those without", () => {
	fc.assert(
		fc.property(weights, (given) => {
			const group = given.map((weight, id) => ({ id, weight, priority: 0 }));
			const sum = given.reduce((total, weight) => total + weight, 0);
			const firsts = new Map<number, number>();
			for (let draw = 0; draw <= sum; draw++) {
				let limits = 0;
				const [[first] = []] = inServiceOrder(group, (limit) => {
					if (limits++ > 0) return 0;
					assert.equal(limit, sum + 1, "all weights of the priority, and 0");
					return draw;
				});
				assert.ok(first !== undefined);
				firsts.set(first.id, (firsts.get(first.id) ?? 0) + 1);
			}
			// The draw of 0 is for the first without weight; where each has some, for the first of all.
			const favoured = given.includes(0) ? given.indexOf(0) : 0;
			const expected = given.map((weight, id) => weight + Number(id === favoured));
			assert.deepEqual(
				group.map(({ id }) => firsts.get(id) ?? 0),
				expected,
			);
		}),
	);
});

test("what is left is drawn by its own weights", () => {
	const group = [1, 2, 3].map((weight) => ({ weight, priority: 0 }));
	const limits: number[] = [];
	inServiceOrder(group, (limit) => {
		limits.push(limit);
		return limit - 1;
	});
	assert.deepEqual(limits, [7, 4, 2]);
});

test("without a source of its own, chance is that of Math.random, and all get their turn", () => {
	const group = [0, 1, 2].map((id) => ({ id, weight: 10, priority: 0 }));
	const seen = new Set<number>();
	for (let i = 0; i < 10_000 && seen.size < 3; i++) {
		const [[first] = []] = inServiceOrder(group);
		if (first !== undefined) seen.add(first.id);
	}
	assert.equal(seen.size, 3);
});
