import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, type Listener, listen, type Overload } from "socketry";
import { injectFaults } from "socketry/testing";
import type { Stream } from "#src/stream/stream.ts";
import { abstractName } from "../support/pairs.ts";

const EXHAUSTED = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"];
/** In the best of some attempts: a busy machine takes its time. */
const RECOVERY_MS = 1_000;
const ATTEMPTS = 20;
const SHORTAGE_CPU_US_MAX = 100_000;

for (const code of ["ECONNABORTED", "EPROTO", "EPERM"]) {
	test(`a connection that failed in the queue with ${code} is skipped, however many there are`, async () => {
		const listener = await listen(`unix:${abstractName()}`);
		const faults = injectFaults([{ call: "accept4", fail: code, times: 500 }]);
		try {
			for (let i = 0; i < 100; i++) await greet(listener);
		} finally {
			faults.restore();
			listener.close();
		}
		assert.equal(listener.acceptedCount, 100);
		assert.equal(listener.refusedCount, 0);
		faults.assertAllHit();
	});
}

for (const code of EXHAUSTED) {
	test(`a listener that finds ${code} tells so, refuses who waits, and goes on`, async () => {
		let best = Number.POSITIVE_INFINITY;
		for (let attempt = 0; attempt < ATTEMPTS && best >= RECOVERY_MS; attempt++) {
			best = Math.min(best, await recoveryMs(code));
		}
		assert.ok(best < RECOVERY_MS, `${best} ms`);
	});
}

/** How long a listener that was short of something takes until it serves the next one. */
async function recoveryMs(code: string): Promise<number> {
	const overloads: Overload[] = [];
	const listener = await listen("tcp://127.0.0.1:0", {
		onOverload: (overload) => overloads.push(overload),
	});
	const refused = (await connect(listener.address)) as Stream;
	const faults = injectFaults([{ call: "accept4", fail: code }]);
	const accepting = listener.accept();
	// Not an end, which were an empty answer.
	await assert.rejects(refused.read(), { code: "ECONNRESET" });
	refused.abort();
	assert.deepEqual(overloads, [{ code, refused: 1 }]);
	assert.deepEqual([listener.refusedCount, listener.acceptedCount], [1, 0]);
	const since = performance.now();
	const client = (await connect(listener.address)) as Stream;
	const server = await accepting;
	const ms = performance.now() - since;
	await client.write("recovered");
	assert.equal(String(await server.readExactly(9)), "recovered");
	client.abort();
	server.abort();
	listener.close();
	faults[Symbol.dispose]();
	return ms;
}

test("a lasting shortage neither spins nor goes silent, and ends when it ends", async () => {
	let best = Number.POSITIVE_INFINITY;
	for (let attempt = 0; attempt < ATTEMPTS && best >= SHORTAGE_CPU_US_MAX; attempt++) {
		best = Math.min(best, await shortageUs());
	}
	assert.ok(best < SHORTAGE_CPU_US_MAX, `${best} us of processor time`);
});

/** The processor time of a shortage that lasts for some calls. */
async function shortageUs(): Promise<number> {
	const overloads: Overload[] = [];
	const listener = await listen(`unix:${abstractName()}`, {
		onOverload: (overload) => overloads.push(overload),
	});
	// Not even the descriptor that was held back helps: others take it.
	const faults = injectFaults([{ call: "accept4", fail: "EMFILE", times: 6 }]);
	const cpu = process.cpuUsage();
	const accepting = listener.accept();
	const client = await connect(listener.address);
	const server = await accepting;
	const { user, system } = process.cpuUsage(cpu);
	assert.equal(overloads.length, 3);
	faults[Symbol.dispose]();
	client.abort();
	server.abort();
	listener.close();
	return user + system;
}

/** A listener that has just met EMFILE, with an accept that waits and the client that was turned away. */
async function overloaded() {
	const listener = await listen(`unix:${abstractName()}`);
	const client = await connect(listener.address);
	const faults = injectFaults([{ call: "accept4", fail: "EMFILE" }]);
	const accepting = listener.accept();
	assert.equal(await client.read(), null);
	return { listener, client, faults, accepting };
}

test("an overloaded listener can be closed, and its pending accept learns of it", async () => {
	const { listener, client, faults, accepting } = await overloaded();
	listener.close();
	await assert.rejects(accepting, { code: "ERR_CLOSED" });
	client.abort();
	faults[Symbol.dispose]();
});

test("an accept of an overloaded listener learns that somebody has closed its socket", async () => {
	const { listener, client, faults, accepting } = await overloaded();
	faults[Symbol.dispose]();
	listener.socket.close();
	await assert.rejects(accepting, { code: "ERR_CLOSED" });
	client.abort();
});

test("what onOverload throws reaches who accepts, and the listener goes on", async () => {
	const listener = await listen(`unix:${abstractName()}`, {
		onOverload: () => {
			throw new Error("not my day");
		},
	});
	const refused = await connect(listener.address);
	const faults = injectFaults([{ call: "accept4", fail: "ENFILE" }]);
	await assert.rejects(listener.accept(), /not my day/);
	refused.abort();
	await greet(listener);
	listener.close();
	faults[Symbol.dispose]();
});

async function greet(listener: Listener<Stream>): Promise<void> {
	const [client, server] = await Promise.all([connect(listener.address), listener.accept()]);
	await server.write("hello");
	assert.equal(String(await client.readExactly(5)), "hello");
	client.abort();
	server.abort();
}
