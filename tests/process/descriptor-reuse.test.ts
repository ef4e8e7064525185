import assert from "node:assert/strict";
import { test } from "node:test";
import { socketpair } from "socketry";
import { socketpair as pairOfSockets, type Socket } from "socketry/socket";

test("a hundred thousand numbers go from owner to owner, and no event comes to the wrong one", async () => {
	const byte = Buffer.alloc(1);
	for (let round = 0; round < 25_000; round++) {
		const [left, right] = pairOfSockets("stream");
		const reading = left.recv(byte).catch((error: { code: string }) => error.code);
		// The event is on its way when the number changes hands.
		right.trySend(byte);
		if (round % 3 === 0) await Promise.resolve();
		left.close();
		const [next, other] = pairOfSockets("stream");
		const waiting = next.recv(byte, { signal: AbortSignal.timeout(60_000) });
		let settledEarly = false;
		waiting.then(
			() => {
				settledEarly = true;
			},
			() => {},
		);
		if (round % 50 === 0) await new Promise(setImmediate);
		assert.equal(settledEarly, false, "an event of the former owner");
		other.trySend(byte);
		assert.equal(await waiting, 1);
		await reading;
		for (const each of [right, next, other] as Socket[]) each.close();
	}
});

test("a number that was closed within a turn is not touched by what was pending on it", async () => {
	const pairs = Array.from({ length: 64 }, () => socketpair());
	const closed: Promise<unknown>[] = [];
	// All become readable in one turn; the first one's reader closes all others and opens new ones in their place.
	const readers = pairs.map(([left]) => left.read().catch((error: { code: string }) => error.code));
	for (const [, right] of pairs) await right.write("x");
	for (const [, right] of pairs) await right.flush();
	await readers[0];
	for (const [left, right] of pairs) closed.push(left.close(), right.close());
	await Promise.all(closed);
	const fresh = Array.from({ length: 64 }, () => socketpair());
	const waits = fresh.map(([left]) => left.read({ timeoutMs: 20 }).catch((error) => error.code));
	assert.deepEqual(new Set(await Promise.all(waits)), new Set(["ERR_TIMEOUT"]));
	await Promise.all(readers);
	await Promise.all(fresh.flat().map((stream) => stream.close()));
});
