import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PendingSends, PendingTotal } from "#src/packet/pending-sends.ts";

interface Waiting {
	readonly id: number;
	readonly bytes: number;
	readonly abort: () => void;
}

const queueIndex = fc.nat(1);
const steps = fc.array(
	fc.oneof(
		fc.record({ kind: fc.constant("push" as const), queue: queueIndex, bytes: fc.nat(100) }),
		fc.record({ kind: fc.constant("settle" as const), queue: queueIndex, fails: fc.boolean() }),
		fc.record({ kind: fc.constant("abort" as const), queue: queueIndex, place: fc.nat(20) }),
		fc.record({ kind: fc.constant("fail" as const), queue: queueIndex }),
	),
	{ maxLength: 100, size: "max" },
);

test("whoever waits is served in order, leaves from anywhere, and is counted exactly", async () => {
	const check = fc.asyncProperty(steps, async (all) => {
		const total = new PendingTotal();
		const queues = [new PendingSends<number>(total), new PendingSends<number>(total)];
		const models: Waiting[][] = [[], []];
		const fates = new Map<number, string>();
		const expected = new Map<number, string>();
		const expect = (fate: string, ...gone: Waiting[]): void => {
			for (const { id } of gone) expected.set(id, fate);
		};
		for (const [id, step] of all.entries()) {
			const queue = queues[step.queue] as PendingSends<number>;
			const model = models[step.queue] as Waiting[];
			if (step.kind === "push") {
				const aborting = new AbortController();
				model.push({ id, bytes: step.bytes, abort: () => aborting.abort() });
				queue.push(new Uint8Array(step.bytes), id, { signal: aborting.signal }).then(
					() => fates.set(id, "sent"),
					(error: Error) => fates.set(id, error.name),
				);
			} else if (step.kind === "settle" && model.length > 0) {
				queue.settleFirst(step.fails ? new RangeError("refused") : undefined);
				expect(step.fails ? "RangeError" : "sent", ...model.splice(0, 1));
			} else if (step.kind === "abort" && step.place < model.length) {
				const gone = model.splice(step.place, 1);
				gone[0]?.abort();
				expect("AbortError", ...gone);
			} else if (step.kind === "fail") {
				assert.equal(queue.failAll(new TypeError("all")), model.length);
				expect("TypeError", ...model.splice(0));
			}
			assert.equal(queue.first?.to, model[0]?.id);
			assert.equal(queue.count, model.length);
			const left = models.flat();
			assert.equal(total.count, left.length);
			assert.equal(
				total.bytes,
				left.reduce((sum, { bytes }) => sum + bytes, 0),
			);
		}
		for (const queue of queues) queue.failAll(new Error("the end"));
		expect("Error", ...models.flat());
		await new Promise(setImmediate);
		assert.deepEqual(fates, expected);
	});
	await fc.assert(check, { numRuns: 200 });
});
