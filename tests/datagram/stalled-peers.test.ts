import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Datagrams, datagrams } from "socketry";
import { injectFaults, openResources } from "socketry/testing";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";

const COUNT = 500;

function freshAddress(): `unix-dgram:${string}` {
	return `unix-dgram:${abstractName()}`;
}

async function sendAll(sender: Datagrams, to: string): Promise<void> {
	for (let i = 0; i < COUNT; i++) await sender.send(String(i), to);
	await sender.flush();
}

async function receiveAll(receiver: Datagrams): Promise<void> {
	for (let i = 0; i < COUNT; i++) {
		assert.equal(Buffer.from((await receiver.receive()).data).toString(), String(i));
	}
}

test("a peer that was full and has room is told of by the kernel, without a timer", async (t) => {
	const address = freshAddress();
	const [receiver, sender] = [await datagrams(address), await datagrams(freshAddress())];
	let timers = 0;
	t.mock.method(globalThis, "setTimeout", () => {
		timers++;
		return { ref() {}, unref() {}, [Symbol.toPrimitive]: () => 0 };
	});
	await Promise.all([sendAll(sender, address), receiveAll(receiver)]);
	t.mock.restoreAll();
	assert.ok(timers > 0, "no timer would have been set to wait for the peer");
	assert.equal(sender.droppedCount, 0);
	await Promise.all([sender.close(), receiver.close()]);
});

test("a watch lasts as long as its peer is full", async () => {
	const address = freshAddress();
	const [receiver, sender] = [await datagrams(address), await datagrams(freshAddress())];
	const before = openResources().descriptors.size;
	const sent = sendAll(sender, address);
	await new Promise(setImmediate);
	assert.equal(openResources().descriptors.size, before + 1);
	await Promise.all([sent, receiveAll(receiver)]);
	assert.equal(openResources().descriptors.size, before);
	void sendAll(sender, address).catch(() => undefined);
	await new Promise(setImmediate);
	sender.abort();
	assert.equal(openResources().descriptors.size, before - 1);
	await receiver.close();
});

for (const call of ["socket", "connect"] as const) {
	test(`a peer that cannot be watched for want of ${call} is tried again by a timer`, async () => {
		const address = freshAddress();
		const [receiver, sender] = [await datagrams(address), await datagrams(freshAddress())];
		using faults = injectFaults([
			{ call, fail: call === "socket" ? "EMFILE" : "EPERM", times: 1_000_000 },
		]);
		await Promise.all([sendAll(sender, address), receiveAll(receiver)]);
		assert.ok(faults.hits > 0);
		await Promise.all([sender.close(), receiver.close()]);
	});
}

test("more full peers than are watched all get everything", async () => {
	const sender = await datagrams(freshAddress());
	const addresses = Array.from({ length: 20 }, freshAddress);
	const receivers = await Promise.all(addresses.map((address) => datagrams(address)));
	await Promise.all([
		...addresses.map((address) => sendAll(sender, address)),
		...receivers.map(receiveAll),
	]);
	await Promise.all([sender, ...receivers].map((socket) => socket.close()));
});

test("a full peer that was replaced is found again, without spinning", () =>
	inFolder(survivesReplacement));

async function survivesReplacement(folder: string): Promise<void> {
	const path = join(folder, "peer");
	const sender = await datagrams(`unix-dgram:${join(folder, "sender")}`);
	const old = await datagrams(`unix-dgram:${path}`);
	const sent = sendAll(sender, `unix-dgram:${path}`);
	await new Promise(setImmediate);
	// The old one lives on under another name, full, then with room for ever, while the new one is full.
	renameSync(path, join(folder, "old"));
	const fresh = await datagrams(`unix-dgram:${path}`);
	const first = await old.receive();
	assert.equal(Buffer.from(first.data).toString(), "0");
	let count = 1;
	const drainOld = (async () => {
		for await (const _ of old) count++;
	})();
	for await (const { data } of fresh) {
		count++;
		if (Buffer.from(data).toString() === String(COUNT - 1)) break;
	}
	await sent;
	await old.close();
	await drainOld;
	assert.equal(count, COUNT);
	await Promise.all([sender.close(), fresh.close()]);
}
