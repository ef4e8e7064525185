/** How tests deal with machines that are slow, or busy with something else. */
import assert from "node:assert/strict";

/** For what only a fault of ours can hold up, in milliseconds: nothing takes this long on the busiest machine. */
export const PATIENCE_MS = 100_000;

/** The same, as options of a call. */
export const PATIENT = { timeoutMs: PATIENCE_MS } as const;

/** Within this time, in milliseconds, comes what need not wait for anything, on the busiest machine too. */
export const PROMPT_MS = 30_000;

const TURNS = 1_000;
const WINDOWS_MAX = 20;

/** Lets the event loop turn until something is so, and fails when it never is. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
	const deadline = performance.now() + PATIENCE_MS;
	for (let turn = 0; !(await isSo()); turn++) {
		assert.ok(performance.now() < deadline, "it has not come that far");
		// At first as fast as can be, and then not in the way of another process.
		await new Promise((resolve) => (turn < TURNS ? setImmediate(resolve) : setTimeout(resolve, 5)));
	}
}

/**
 * The least processor time, in microseconds, that this process uses in a window of `windowMs`; no further one is looked at once it is less than
 * `enoughUs`. Who spins does so in each; what a collector or a compiler does in its threads is over after some.
 */
export async function leastProcessorUs(windowMs: number, enoughUs: number): Promise<number> {
	let least = Number.POSITIVE_INFINITY;
	for (let window = 0; window < WINDOWS_MAX && least >= enoughUs; window++) {
		const before = process.cpuUsage();
		await new Promise((resolve) => setTimeout(resolve, windowMs));
		const { user, system } = process.cpuUsage(before);
		least = Math.min(least, user + system);
	}
	return least;
}

/** Fails when this process uses so much processor time, in microseconds, in every window of `windowMs`. */
export async function assertIdle(windowMs: number, limitUs: number): Promise<void> {
	const used = await leastProcessorUs(windowMs, limitUs);
	assert.ok(used < limitUs, `${used} us of processor time in ${windowMs} ms`);
}
