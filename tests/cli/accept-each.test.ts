/** Serving connections side by side. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClosedError, LIMITS } from "socketry";
import { type Accepting, acceptEach } from "#src/cli/accept-each.ts";

/** What accepts these numbers, and waits then until it is closed. */
function giving(count: number): Accepting<number> & { isClosed: boolean } {
	let given = 0;
	let end: (() => void) | undefined;
	return {
		isClosed: false,
		async accept() {
			if (given < count) return given++;
			if (!this.isClosed) {
				await new Promise<void>((resolve) => {
					end = resolve;
				});
			}
			throw new ClosedError("it is closed");
		},
		close() {
			this.isClosed = true;
			end?.();
		},
	};
}

for (const wrong of ["prepare", "serve"] as const) {
	test(`a ${wrong} that rejects is told of, and keeps no place`, async () => {
		const listener = giving(3);
		const failure = new Error("a mistake");
		const fail = async (): Promise<never> => {
			throw failure;
		};
		const served: number[] = [];
		const steps = {
			prepare: async (connection: number) => connection,
			serve: async (connection: number) => void served.push(connection),
			[wrong]: fail,
		};
		await assert.rejects(acceptEach(listener, { max: 1, once: false, ...steps }), failure);
		assert.ok(listener.isClosed);
		assert.deepEqual(served, []);
	});
}

test("with all places taken, a newcomer gets that of the oldest which is not ready after a second", async (t) => {
	t.mock.timers.enable({ apis: ["setTimeout"] });
	t.mock.method(performance, "now", () => now);
	let now = 0;
	const listener = giving(4);
	const shed: number[] = [];
	const ends = new Map<number, () => void>();
	const running = acceptEach(listener, {
		max: 2,
		once: false,
		prepare: (connection) =>
			new Promise<undefined>((end) => ends.set(connection, () => end(undefined))),
		serve: async () => {},
		shed: (connection) => {
			shed.push(connection);
			ends.get(connection)?.();
		},
	});
	await settled();
	assert.deepEqual([[...ends.keys()], shed], [[0, 1], []]);
	now = 999;
	t.mock.timers.tick(999);
	await settled();
	assert.deepEqual(shed, []);
	now = 1_000;
	t.mock.timers.tick(1);
	await settled();
	// Both came at the same time; the third has its second now.
	assert.deepEqual(
		[[...ends.keys()], shed],
		[
			[0, 1, 2, 3],
			[0, 1],
		],
	);
	listener.close();
	for (const end of ends.values()) end();
	await running;
});

test("a newcomer beyond the handshakes that may be under way begins as soon as one of them is done", async (t) => {
	// Nobody has to give way, however slow the machine is.
	t.mock.method(performance, "now", () => 0);
	const listener = giving(LIMITS.tlsHandshakesCount + 1);
	const ends = new Map<number, () => void>();
	const running = acceptEach(listener, {
		max: 2 * LIMITS.tlsHandshakesCount,
		once: false,
		prepare: (connection) =>
			new Promise<number>((end) => ends.set(connection, () => end(connection))),
		serve: async () => {
			if (!listener.isClosed) await new Promise<void>((end) => served.push(end));
		},
		shed: () => assert.fail("its second was not over"),
	});
	const served: (() => void)[] = [];
	await settled(LIMITS.tlsHandshakesCount);
	assert.equal(ends.size, LIMITS.tlsHandshakesCount);
	ends.get(0)?.();
	await settled();
	assert.equal(ends.size, LIMITS.tlsHandshakesCount + 1);
	listener.close();
	for (const end of [...ends.values(), ...served]) end();
	await running;
});

test("with once, the next one gets the place of one that is not ready, and nobody gets that of one that is served", async (t) => {
	t.mock.timers.enable({ apis: ["setTimeout"] });
	t.mock.method(performance, "now", () => now);
	let now = 0;
	const listener = giving(3);
	const shed: number[] = [];
	const served: number[] = [];
	const ends = new Map<number, (ready: number | undefined) => void>();
	const running = acceptEach(listener, {
		max: 9,
		once: true,
		prepare: (connection) => new Promise<number | undefined>((end) => ends.set(connection, end)),
		serve: async (connection) => void served.push(connection),
		shed: (connection) => {
			shed.push(connection);
			ends.get(connection)?.(undefined);
		},
	});
	await settled();
	assert.deepEqual([...ends.keys()], [0]);
	now = 1_000;
	t.mock.timers.tick(1_000);
	await settled();
	assert.deepEqual([[...ends.keys()], shed], [[0, 1], [0]]);
	// The third one has come, and is too late.
	ends.get(1)?.(1);
	await running;
	assert.deepEqual([[...ends.keys()], shed, served], [[0, 1], [0, 2], [1]]);
	assert.ok(listener.isClosed);
});

test("without time to become ready nobody gives way", async () => {
	const listener = giving(3);
	const ends = new Map<number, () => void>();
	const running = acceptEach(listener, {
		max: 2,
		once: false,
		prepare: async (connection) => connection,
		serve: (connection) => new Promise<void>((end) => ends.set(connection, end)),
		shed: () => assert.fail("it was ready"),
	});
	await settled();
	assert.deepEqual([...ends.keys()], [0, 1]);
	ends.get(0)?.();
	await settled();
	assert.deepEqual([...ends.keys()], [0, 1, 2]);
	listener.close();
	for (const end of ends.values()) end();
	await running;
});

/** Lets everything happen that waits for nothing. */
async function settled(turns = 5): Promise<void> {
	for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
}
