import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { connectService } from "#src/open/connect-service.ts";

const NAME = "_a._tcp.example.test";
const DELAY_MS = 250;
const FALLBACK_MS = 8 * DELAY_MS;
const END_MS = 60_000;

/** What becomes of a server: after so long it answers, or fails. */
interface Fate {
	readonly priority: number;
	readonly afterMs: number;
	readonly answers: boolean;
}

const fates = fc.array(
	fc.record({
		priority: fc.nat(2),
		afterMs: fc.integer({ min: 1, max: 5_000 }),
		answers: fc.boolean(),
	}),
	{ minLength: 1, maxLength: 6 },
);

test("whatever becomes of the servers, a better one that answers in time is taken, all others are let go, and each is asked once", async (t) => {
	await fc.assert(
		fc.asyncProperty(fates, async (given) => {
			t.mock.timers.enable({ apis: ["setTimeout"] });
			try {
				await runOnce(given, (ms) => t.mock.timers.tick(ms));
			} finally {
				t.mock.timers.reset();
			}
		}),
		{ numRuns: 60 },
	);
});

async function runOnce(given: readonly Fate[], tick: (ms: number) => void): Promise<void> {
	const begun = new Map<number, number>();
	const open = new Set<number>();
	let nowMs = 0;
	const services = async () =>
		given.map(({ priority }, port) => ({ name: "h.test", port, priority, weight: 1 }));
	const attempt = ({ port }: { port: number }, signal: AbortSignal): Promise<number> =>
		new Promise((resolve, reject) => {
			assert.ok(!begun.has(port), "once");
			begun.set(port, nowMs);
			const { afterMs, answers } = given[port] as Fate;
			const timer = setTimeout(() => {
				if (!answers) return reject(new Error("no"));
				open.add(port);
				resolve(port);
			}, afterMs);
			signal.addEventListener("abort", () => {
				clearTimeout(timer);
				reject(signal.reason);
			});
		});
	const resolver = Object.assign(async () => [], { services });
	let outcome: number | undefined;
	let error: unknown;
	const discard = (port: number): void => void open.delete(port);
	const connecting = connectService(NAME, { resolver, delayMs: DELAY_MS, attempt, discard }).then(
		(port) => {
			outcome = port;
		},
		(failure: unknown) => {
			error = failure;
		},
	);
	await turn();
	while (nowMs < END_MS && outcome === undefined && error === undefined) {
		nowMs += DELAY_MS / 2;
		tick(DELAY_MS / 2);
		await turn();
	}
	await connecting;
	await turn();
	check(given, outcome, error, begun);
	assert.deepEqual([...open], outcome === undefined ? [] : [outcome], "nothing else stays open");
}

function check(
	given: readonly Fate[],
	outcome: number | undefined,
	error: unknown,
	begun: ReadonlyMap<number, number>,
): void {
	if (outcome === undefined) {
		assert.ok(given.every(({ answers }) => !answers));
		assert.equal((error as AggregateError).errors.length, given.length);
		return;
	}
	const taken = given[outcome] as Fate;
	assert.ok(taken.answers);
	const priorities = [...new Set(given.map(({ priority }) => priority))].sort();
	let last = -1;
	for (const priority of priorities) {
		const group = given.flatMap((fate, port) => (fate.priority === priority ? [port] : []));
		const starts = group.map((port) => begun.get(port)).filter((at) => at !== undefined);
		if (starts.length === 0) {
			assert.ok(priority > taken.priority, "better ones come first");
			continue;
		}
		const first = Math.min(...starts);
		assert.ok(first >= last);
		last = first;
		const inTime = group.some((port) => {
			const at = begun.get(port);
			const { answers, afterMs } = given[port] as Fate;
			return answers && at !== undefined && at + afterMs < first + FALLBACK_MS - DELAY_MS;
		});
		if (inTime) assert.ok(taken.priority <= priority, "it answered before others were to be tried");
	}
}
