/** What the checks of a suite expect of a promise. */
import assert from "node:assert/strict";

/** The longest that what was sent may be on its way, on the busiest machine. */
const ARRIVAL_MS = 20_000;

/** Turns of the event loop after which a promise that nothing holds up has settled. */
const TURNS = 4;

/** Error with the properties that this library's errors may have. */
export interface CodedError extends Error {
	readonly code?: string;
	readonly bytesMoved?: number;
	readonly bytesRead?: number;
	readonly timeoutMs?: number;
	readonly actual?: number;
	readonly allowed?: number;
}

/** Lets the event loop turn a few times, so that what is ready can happen. */
export async function turns(count: number = TURNS): Promise<void> {
	for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits for a time; for what only time can show. */
export async function delay(ms: number): Promise<void> {
	await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whether a promise is pending after a few turns of the event loop. Its rejection is taken note of, and may be awaited later. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
	let pending = true;
	const settle = (): void => {
		pending = false;
	};
	promise.then(settle, settle);
	for (let i = 0; i < TURNS && pending; i++) await turns(1);
	return pending;
}

/** Waits for a promise, and fails when it takes longer than `ms`. */
export async function settled<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => {
			reject(new Error(`${what} did not end within ${ms} ms`));
		}, ms);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

/** Asks without waiting, again and again until what was sent has arrived: `send` ends before the network has carried it. */
export async function arrived<T>(takeNow: () => Promise<T>): Promise<T> {
	const deadline = performance.now() + ARRIVAL_MS;
	for (;;) {
		try {
			return await takeNow();
		} catch (error) {
			if ((error as CodedError).code !== "ERR_TIMEOUT" || performance.now() > deadline) throw error;
		}
		await turns(1);
	}
}

/** Expects a rejection with this code, or one of these; returns the error. */
export async function rejection(
	promise: Promise<unknown>,
	code: string | readonly string[],
	what: string,
): Promise<CodedError> {
	const codes = typeof code === "string" ? [code] : code;
	let result: unknown;
	try {
		result = await promise;
	} catch (error) {
		const actual = (error as CodedError).code ?? String(error);
		assert.ok(
			codes.includes(actual),
			`${what} rejects with ${actual}, not ${codes.join(" or ")}: ${String(error)}`,
		);
		return error as CodedError;
	}
	assert.fail(
		`${what} resolves to ${describeValue(result)}, not to a rejection with ${codes.join(" or ")}`,
	);
}

function describeValue(value: unknown): string {
	return value instanceof Uint8Array ? `${value.length} bytes` : String(value);
}
