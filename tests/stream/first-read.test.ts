/** When a stream asks the kernel for bytes for the first time. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { socketpair } from "socketry";
import { sys } from "socketry/sys";
import { assertNoLeaks, openResources } from "socketry/testing";

const before = openResources();
after(() => assertNoLeaks(before));

/** How often `recv` is called while `body` runs. */
async function receiveCalls(body: () => Promise<void>): Promise<number> {
	const { recv } = sys;
	let calls = 0;
	sys.recv = (...args): number => {
		calls++;
		return recv(...args);
	};
	try {
		await body();
	} finally {
		sys.recv = recv;
	}
	return calls;
}

test("who writes first does not ask before there can be an answer, and gets it", async () => {
	const [left, right] = socketpair();
	const calls = await receiveCalls(async () => {
		await left.write("hello");
		const answer = left.read();
		await right.closeWrite();
		assert.equal(await answer, null);
	});
	assert.equal(calls, 1);
	left.abort();
	right.abort();
});

test("who writes first finds what had come before", async () => {
	const [left, right] = socketpair();
	await right.write("early");
	await right.flush();
	await left.write("hello");
	assert.equal(String(await left.read()), "early");
	left.abort();
	right.abort();
});

test("who writes first and does not wait asks nevertheless", async () => {
	const [left, right] = socketpair();
	await left.write("hello");
	await assert.rejects(left.read({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
	await right.write("early");
	await right.flush();
	assert.equal(String(await left.read({ timeoutMs: 0 })), "early");
	left.abort();
	right.abort();
});

test("who reads first asks at once: a request has often come with the connection", async () => {
	const [left, right] = socketpair();
	await right.write("request");
	await right.flush();
	const calls = await receiveCalls(async () => {
		assert.equal(String(await left.read()), "request");
	});
	assert.equal(calls, 1);
	left.abort();
	right.abort();
});
