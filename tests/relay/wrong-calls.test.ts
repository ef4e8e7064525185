/** Calls of `relay` that are refused, and what they leave of the streams. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { socketpair } from "socketry";
import { relay } from "socketry/relay";

test("a stream is not relayed to itself", async () => {
	const [client, left] = socketpair();
	assert.throws(() => relay(left, left), { code: "ERR_INVALID_ARG_VALUE" });
	assert.equal(left.closed, false);
	for (const each of [client, left]) each.abort();
});

test("a wrong call leaves streams as they were that are not spliced", async () => {
	const [client, left] = socketpair();
	const [server, right] = socketpair();
	const reading = right.read();
	assert.throws(() => relay(left, right, { passDescriptors: true }), { code: "ERR_BUSY" });
	await server.write("x");
	assert.equal(String(await reading), "x");
	await right.close();
	assert.throws(() => relay(left, right, { passDescriptors: true }), { code: "ERR_CLOSED" });
	await client.write("still open");
	assert.equal(String(await left.readExactly(10)), "still open");
	for (const each of [client, left, server]) each.abort();
});

test("a wrong call leaves both streams as they were", async () => {
	const [client, left] = socketpair();
	const [server, right] = socketpair();
	const reading = right.read();
	assert.throws(() => relay(left, right), { code: "ERR_BUSY" });
	await server.write("x");
	assert.equal(String(await reading), "x");
	for (const options of [{ idleMs: 0 }, { passDescriptors: 1 }, { signal: 1 }, 7]) {
		assert.throws(() => relay(left, right, options as object), /must be/);
	}
	await right.close();
	assert.throws(() => relay(left, right), { code: "ERR_CLOSED" });
	await client.write("still open");
	assert.equal(String(await left.readExactly(10)), "still open");
	for (const each of [client, left, server]) each.abort();
});
