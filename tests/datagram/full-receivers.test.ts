/** Receivers of datagrams that have no room: who waits for them, for how long, and who does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { datagrams } from "#src/open/open-datagrams.ts";
import { freshPath, text } from "./sockets.ts";

test("a full Unix receiver makes the sender wait, connected or not", async () => {
	for (const connected of [true, false]) {
		const server = await datagrams(`unix-dgram:${freshPath()}`);
		const client = await datagrams(undefined, { connect: server.address });
		const sender = connected ? client : await datagrams(`unix-dgram:${freshPath()}`);
		const to = connected ? undefined : server.address;
		const sends = Array.from({ length: 200 }, (_, i) => sender.send(String(i), to));
		const received: string[] = [];
		while (received.length < 200) received.push(await text(server));
		await Promise.all(sends);
		assert.deepEqual(
			received,
			Array.from({ length: 200 }, (_, i) => String(i)),
		);
		await Promise.all([server.close(), client.close(), sender.close()]);
	}
});

test("a peer that does not read holds up no other, and loses nothing when it reads at last", async () => {
	const [stuck, alive] = await Promise.all([
		datagrams(`unix-dgram:${freshPath()}`),
		datagrams(`unix-dgram:${freshPath()}`),
	]);
	const sender = await datagrams(`unix-dgram:${freshPath()}`);
	const count = 100;
	for (let i = 0; i < count; i++) {
		await sender.send(String(i), stuck.address);
		await sender.send(String(i), alive.address);
		assert.equal(await text(alive), String(i));
	}
	assert.ok(sender.queuedBytes > 0);
	assert.equal(sender.trySend("x", stuck.address), false);
	assert.equal(sender.trySend("x", alive.address), true);
	const flushed = sender.flush();
	for (let i = 0; i < count; i++) assert.equal(await text(stuck), String(i));
	await flushed;
	assert.equal(sender.queuedBytes, 0);
	assert.equal(sender.sentCount, 2 * count + 1);
	await Promise.all([stuck.close(), alive.close(), sender.close()]);
});

test("beyond the limit a stalled peer's sender waits, is dropped, aborted or told of the peer's end", async () => {
	for (const onFull of ["wait", "drop"] as const) {
		const stuck = await datagrams(`unix-dgram:${freshPath()}`);
		const sender = await datagrams(`unix-dgram:${freshPath()}`, { queueBytes: 100, onFull });
		const to = stuck.address;
		const sends = Array.from({ length: 200 }, () => sender.send("0123456789", to));
		const aborting = new AbortController();
		const fate = sender.send("never", to, { signal: aborting.signal }).then(
			() => "taken or dropped",
			({ name }: Error) => name,
		);
		aborting.abort();
		await sender.flush({ timeoutMs: 5 }).catch(() => {});
		assert.equal(sender.droppedCount > 0, onFull === "drop");
		assert.equal(await fate, onFull === "wait" ? "AbortError" : "taken or dropped");
		const settled = Promise.allSettled(sends);
		await stuck.close();
		await assert.rejects(sender.flush(), { name: "SyscallError" });
		const failed = (await settled).filter(({ status }) => status === "rejected");
		assert.equal(failed.length > 0, onFull === "wait");
		assert.equal(sender.queuedBytes, 0);
		await sender.close();
	}
});

test("trySend says no when the receiver is full", async () => {
	const server = await datagrams(`unix-dgram:${freshPath()}`);
	const client = await datagrams(undefined, { connect: server.address });
	let count = 0;
	while (client.trySend("x")) count++;
	assert.ok(count > 0 && count < 1_000);
	for (let i = 0; i < count; i++) await server.receive();
	assert.equal(client.trySend("y"), true);
	await Promise.all([server.close(), client.close()]);
});

test("close lets queued datagrams go, or gives up after its time", async () => {
	const server = await datagrams(`unix-dgram:${freshPath()}`);
	const client = await datagrams(undefined, { connect: server.address });
	const sends = Array.from({ length: 50 }, () => client.send("x"));
	const closing = client.close();
	for (let i = 0; i < 50; i++) await server.receive();
	await closing;
	await Promise.all(sends);

	const other = await datagrams(undefined, { connect: server.address });
	const lost = Promise.allSettled(Array.from({ length: 50 }, () => other.send("x")));
	await assert.rejects(other.close({ timeoutMs: 5 }), { code: "ERR_TIMEOUT" });
	await lost;
	assert.ok(other.droppedCount > 0);
	await server.close();
});
