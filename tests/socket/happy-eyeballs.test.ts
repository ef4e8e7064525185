import assert from "node:assert/strict";
import { test } from "node:test";
import { interleaveFamilies, raceAttempts } from "#src/socket/happy-eyeballs.ts";

const never = (signal: AbortSignal): Promise<never> =>
	new Promise((_, reject) => {
		signal.addEventListener("abort", () => reject(signal.reason), { once: true });
	});

test("interleaveFamilies() alternates, beginning with the first family", () => {
	const of = (family: string, n: number) => ({ family, n });
	const order = interleaveFamilies([of("6", 1), of("6", 2), of("6", 3), of("4", 4)]);
	assert.deepEqual(
		order.map(({ n }) => n),
		[1, 4, 2, 3],
	);
});

test("a failed attempt starts the next one at once, whatever the delay", async () => {
	const started: number[] = [];
	const attempt = async (n: number): Promise<number> => {
		started.push(n);
		if (n < 3) throw new Error(`no ${n}`);
		return n;
	};
	const won = await raceAttempts([1, 2, 3], attempt, () => {}, { delayMs: 60_000 });
	assert.equal(won, 3);
	assert.deepEqual(started, [1, 2, 3]);
});

test("an attempt that is slow goes on beside the next one, and can still win", async () => {
	let finishFirst = (_: string): void => {};
	const attempt = (n: number, signal: AbortSignal): Promise<string> => {
		if (n === 2) {
			// The second has begun: only now does the first answer.
			setImmediate(() => finishFirst("first"));
			return never(signal);
		}
		return new Promise((resolve) => {
			finishFirst = resolve;
		});
	};
	assert.equal(await raceAttempts([1, 2], attempt, () => {}, { delayMs: 10 }), "first");
});

test("the losers are aborted, and a result that comes too late is discarded", async () => {
	const discarded: number[] = [];
	const aborted: number[] = [];
	const attempt = (n: number, signal: AbortSignal): Promise<number> => {
		if (n === 2) return Promise.resolve(2);
		return new Promise((resolve) => {
			signal.addEventListener("abort", () => {
				aborted.push(n);
				resolve(n);
			});
		});
	};
	const won = await raceAttempts([1, 2], attempt, (n) => discarded.push(n), { delayMs: 10 });
	await new Promise(setImmediate);
	assert.equal(won, 2);
	assert.deepEqual(aborted, [1]);
	assert.deepEqual(discarded, [1]);
});

test("when all fail, the errors come in the order of the candidates", async () => {
	const attempt = async (n: number): Promise<never> => {
		if (n === 1) await new Promise(setImmediate);
		throw new Error(String(n));
	};
	await assert.rejects(
		raceAttempts([1, 2, 3], attempt, () => {}, { delayMs: 10 }),
		(error: AggregateError) =>
			error instanceof AggregateError &&
			error.errors.map((one: Error) => one.message).join() === "1,2,3",
	);
});

test("a caller's abort ends every attempt, and starts no more", async () => {
	const caller = new AbortController();
	let started = 0;
	const attempt = (_: number, signal: AbortSignal): Promise<never> => {
		started++;
		queueMicrotask(() => caller.abort(new Error("enough")));
		return never(signal);
	};
	await assert.rejects(
		raceAttempts([1, 2], attempt, () => {}, { delayMs: 10, signal: caller.signal }),
		/enough/,
	);
	assert.equal(started, 1);
});
