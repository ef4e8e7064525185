import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { datagrams } from "#src/open/open-datagrams.ts";
import { sys } from "#src/sys/current.ts";
import { EAGAIN, EINVAL } from "#src/sys/errno.ts";
import { PATIENT } from "../support/patience.ts";

const RECEIVING = { receiveBufferBytes: 4_194_304 };

test("a batch has what arrived, by index, as views and as objects", async () => {
	const server = await datagrams("udp://127.0.0.1:0");
	const client = await datagrams("udp://127.0.0.1:0", { connect: server.address });
	const sent = ["abc", "abc", "abd", "x", "", "longer than that", "abc"];
	for (const text of sent) await client.send(text);
	await client.flush();
	const received: string[] = [];
	while (received.length < sent.length) {
		const batch = await server.receiveBatch();
		const objects = [...batch];
		assert.equal(objects.length, batch.count);
		// From back to front as well.
		for (let i = batch.count - 1; i >= 0; i--) {
			const { data, from, bytes, truncated } = objects[i] as (typeof objects)[number];
			assert.deepEqual(batch.data(i), data);
			const end = batch.offset(i) + batch.length(i);
			assert.ok(Buffer.from(data).equals(batch.memory.subarray(batch.offset(i), end)));
			assert.equal(batch.bytes(i), bytes);
			assert.equal(batch.truncated(i), truncated);
			assert.deepEqual(from, client.address);
			assert.equal(batch.from(i), from);
		}
		received.push(...objects.map(({ data }) => Buffer.from(data).toString()));
		assert.throws(() => batch.data(batch.count), { code: "ERR_OUT_OF_RANGE" });
		assert.throws(() => batch.data(-1), { code: "ERR_OUT_OF_RANGE" });
	}
	assert.deepEqual(received, sent);
	assert.equal(server.receivedCount, sent.length);
	await Promise.all([server.close(), client.close()]);
});

test("a batch begins with what receive had fetched but not handed out", async () => {
	const server = await datagrams("udp://127.0.0.1:0");
	const client = await datagrams("udp://127.0.0.1:0", { connect: server.address });
	await client.sendBatch(Buffer.from("112233445"), 2);
	assert.equal(Buffer.from((await server.receive()).data).toString(), "11");
	const received: string[] = [];
	while (received.length < 4) {
		const batch = await server.receiveBatch();
		for (const { data } of batch) received.push(Buffer.from(data).toString());
	}
	assert.deepEqual(received, ["22", "33", "44", "5"]);
	await client.send("66");
	assert.equal((await server.receive()).bytes, 2);
	assert.equal(server.receivedCount, 6);
	await Promise.all([server.close(), client.close()]);
});

test("datagrams that are cut say so in a batch, glued or not", async () => {
	for (const offload of [true, false]) {
		const server = await datagrams("udp://127.0.0.1:0", { maxMessageBytes: 4, offload });
		const client = await datagrams("udp://127.0.0.1:0", { connect: server.address });
		await client.sendBatch(Buffer.from("0123456789abcde"), 6);
		const seen: [string, number, boolean][] = [];
		while (seen.length < 3) {
			for (const { data, bytes, truncated } of await server.receiveBatch()) {
				seen.push([Buffer.from(data).toString(), bytes, truncated]);
			}
		}
		assert.deepEqual(seen, [
			["0123", 6, true],
			["6789", 6, true],
			["cde", 3, false],
		]);
		assert.equal(server.truncatedCount, 2);
		await Promise.all([server.close(), client.close()]);
	}
});

test("one buffer is sent as datagrams of any stride, with and without the kernel's help", async () => {
	for (const offload of [true, false]) {
		const server = await datagrams("udp://127.0.0.1:0", { ...RECEIVING, offload });
		const client = await datagrams("udp://127.0.0.1:0", { offload });
		const run = fc.record({
			length: fc.integer({ min: 1, max: 100_000 }),
			count: fc.integer({ min: 1, max: 300 }),
		});
		const check = fc.asyncProperty(run, async ({ length, count }) => {
			const stride = Math.min(65_507, Math.ceil(length / count));
			const data = Buffer.alloc(length);
			for (let i = 0; i < length; i++) data[i] = i * 7 + (i >> 8);
			await client.sendBatch(data, stride, server.address);
			for (let at = 0; at < length; at += stride) {
				const { data: got } = await server.receive(PATIENT);
				assert.ok(data.subarray(at, at + stride).equals(got), `datagram at ${at} of ${length}`);
			}
			await assert.rejects(server.receive({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
		});
		await fc.assert(check, { numRuns: 40 });
		await Promise.all([server.close(), client.close()]);
	}
});

test("a run goes on after a full socket, and one by one when the kernel refuses to cut", async () => {
	const { sendmmsg } = sys;
	const server = await datagrams("udp://127.0.0.1:0", RECEIVING);
	const client = await datagrams("udp://127.0.0.1:0", { connect: server.address });
	let calls = 0;
	sys.sendmmsg = (...call) => {
		calls++;
		if (calls === 1) return EINVAL;
		return calls === 3 ? EAGAIN : sendmmsg(...call);
	};
	try {
		await client.sendBatch(Buffer.alloc(10_000), 100);
		assert.equal(client.sentCount, 100);
	} finally {
		sys.sendmmsg = sendmmsg;
	}
	for (let i = 0; i < 100; i++) assert.equal((await server.receive()).bytes, 100);
	await Promise.all([server.close(), client.close()]);
});

test("strides that make no sense are refused", async () => {
	const client = await datagrams("udp://127.0.0.1:0");
	for (const stride of [0, -1, 1.5, 65_508, Number.NaN]) {
		await assert.rejects(client.sendBatch(new Uint8Array(10), stride, client.address), {
			code: "ERR_OUT_OF_RANGE",
		});
	}
	await assert.rejects(client.sendBatch("text" as never, 1, client.address), {
		code: "ERR_INVALID_ARG_TYPE",
	});
	await client.close();
	await assert.rejects(client.sendBatch(new Uint8Array(10), 1, "udp://127.0.0.1:9"), {
		code: "ERR_CLOSED",
	});
	await assert.rejects(client.receiveBatch(), { code: "ERR_CLOSED" });
});

test("receiveBatch waits, is refused beside another receive, and ends with the socket", async () => {
	const server = await datagrams("udp://127.0.0.1:0");
	await assert.rejects(server.receiveBatch({ timeoutMs: 1 }), { code: "ERR_TIMEOUT" });
	const waiting = server.receiveBatch();
	await assert.rejects(server.receiveBatch(), { code: "ERR_BUSY" });
	await assert.rejects(server.receive(), { code: "ERR_BUSY" });
	await server.send("x", server.address);
	assert.equal((await waiting).count, 1);
	const ended = server.receiveBatch();
	await server.close();
	await assert.rejects(ended, { code: "ERR_CLOSED" });
});
