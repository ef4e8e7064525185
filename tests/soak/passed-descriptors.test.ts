import assert from "node:assert/strict";
import { openSync } from "node:fs";
import { test } from "node:test";
import { formatAddress, give, listen, socketpair } from "socketry";
import { findLeaks, openResources } from "socketry/testing";
import { startChild } from "../support/children.ts";
import { abstractName } from "../support/pairs.ts";

const COUNT = 1_000_000;
/** Messages with descriptors that nobody has asked for. */
const UNASKED = 100_000;

test(`${COUNT} descriptors are passed to another process, and none is left on either side`, async () => {
	const listener = await listen(`unix:${abstractName()}`);
	const child = startChild(new URL("./passed-descriptors.peer.js", import.meta.url), {
		args: [formatAddress(listener.address)],
		timeoutMs: 100_000,
	});
	const stream = await listener.accept();
	const before = openResources();
	let sent = 0;
	for (let turn = 0; sent < COUNT; turn++) {
		const count = Math.min(COUNT - sent, 1 + ((turn * 37) % 253));
		const descriptors: Parameters<typeof give>[0][] = Array(count).fill(0);
		// One in each message is given away.
		const given = give(openSync("/dev/null", "r"));
		await stream.write("x", { descriptors: [given, ...descriptors.slice(1)] });
		sent += count;
	}
	await stream.closeWrite();
	const told = JSON.parse(String(await stream.readUntil("\n")));
	assert.deepEqual(told, { arrived: sent, leaks: [] });
	await stream.close();
	listener.close();
	assert.deepEqual(findLeaks(before), []);
	const { code, stderr } = await child.ended;
	assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});

test(`${UNASKED} messages with descriptors that nobody has asked for open none, and are counted`, async () => {
	const before = openResources();
	const [left, right] = socketpair();
	for (let i = 0; i < UNASKED; i++) {
		await left.write("x", { descriptors: [0, 1, 2] });
		await right.read();
	}
	assert.equal(right.refusedDescriptorsCount, UNASKED);
	left.abort();
	right.abort();
	assert.deepEqual(findLeaks(before), []);
});
