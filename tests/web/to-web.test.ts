import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { connect, listen, type Stream, socketpair } from "socketry";
import { toWeb } from "socketry/web";
import { settled } from "#src/testing/expectations.ts";
import { PROMPT_MS } from "../support/patience.ts";

function pair(t: TestContext): [Stream, Stream] {
	const ends = socketpair();
	t.after(() => ends.map((end) => end.abort()));
	return ends;
}

describe("readable", () => {
	test("gives what arrives, and ends", async (t) => {
		const [left, right] = pair(t);
		await left.write("hello");
		await left.closeWrite();
		const { readable } = toWeb(right);
		assert.equal(await new Response(readable).text(), "hello");
	});

	test("fills memory that its reader brings, without reading ahead", async (t) => {
		const [left, right] = pair(t);
		const { readable } = toWeb(right);
		await left.write("abcdef");
		const reader = readable.getReader({ mode: "byob" });
		const first = await reader.read(new Uint8Array(new ArrayBuffer(8), 2, 4));
		assert.equal(Buffer.from(first.value as Uint8Array).toString(), "abcd");
		assert.equal(first.value?.byteOffset, 2);
		assert.equal(right.bytesRead, 4);
		const second = await reader.read(new Uint8Array(8));
		assert.equal(Buffer.from(second.value as Uint8Array).toString(), "ef");
		await left.closeWrite();
		const last = await reader.read(new Uint8Array(8));
		assert.deepEqual([last.done, last.value?.length], [true, 0]);
		await reader.closed;
	});

	test("takes views of other kinds, and gives whole elements", async (t) => {
		const [left, right] = pair(t);
		await left.write(Uint8Array.of(1, 0, 2));
		const reader = toWeb(right).readable.getReader({ mode: "byob" });
		const first = await reader.read(new Uint16Array(4));
		assert.deepEqual([...(first.value as Uint16Array)], [1]);
		await left.write(Uint8Array.of(0));
		const second = await reader.read(new Uint16Array(4));
		assert.deepEqual([...(second.value as Uint16Array)], [2]);
	});

	test("reads nothing before it is asked", async (t) => {
		const [left, right] = pair(t);
		await left.write("x");
		toWeb(right);
		await new Promise(setImmediate);
		assert.equal(right.bytesRead, 0);
	});

	test("chunks are memory of their own, which a reader may transfer", async (t) => {
		const [left, right] = pair(t);
		const reader = toWeb(right).readable.getReader();
		for (const text of ["one", "two"]) {
			await left.write(text);
			const { value } = await reader.read();
			const moved = structuredClone(value, { transfer: [value?.buffer as ArrayBuffer] });
			assert.equal(Buffer.from(moved as Uint8Array).toString(), text);
		}
	});

	test("fails as the stream fails", async () => {
		await using listener = await listen("tcp://127.0.0.1:0");
		const client = (await connect(listener.address)) as Stream;
		const server = await listener.accept();
		const reader = toWeb(client).readable.getReader();
		const reading = reader.read();
		server.abort();
		await assert.rejects(reading, { code: "ECONNRESET" });
		await assert.rejects(reader.read(), { code: "ECONNRESET" });
		client.abort();
	});

	for (const mode of ["byob", "default"] as const) {
		test(`a ${mode} reader that lets go while it waits loses no byte to the next one`, async (t) => {
			const [left, right] = pair(t);
			const { readable } = toWeb(right);
			const ask = (): {
				letGo: () => void;
				reading: Promise<{ value?: Uint8Array | undefined }>;
			} => {
				if (mode === "default") {
					const reader = readable.getReader();
					return { letGo: () => reader.releaseLock(), reading: reader.read() };
				}
				const reader = readable.getReader({ mode });
				return { letGo: () => reader.releaseLock(), reading: reader.read(new Uint8Array(4)) };
			};
			const first = ask();
			await new Promise(setImmediate);
			first.letGo();
			await assert.rejects(first.reading, TypeError);
			const second = ask();
			await left.write("abcd");
			assert.equal(Buffer.from((await second.reading).value as Uint8Array).toString(), "abcd");
			second.letGo();
			await left.write("efgh");
			await left.closeWrite();
			let rest = "";
			for await (const chunk of readable) rest += String(Buffer.from(chunk));
			assert.equal(rest, "efgh");
		});
	}

	test("memory that a reader brings is its own no more, and cancelling ends a read that waits", async (t) => {
		const [, right] = pair(t);
		const reader = toWeb(right).readable.getReader({ mode: "byob" });
		const memory = new Uint8Array(16);
		const reading = reader.read(memory);
		assert.equal(memory.byteLength, 0);
		await reader.cancel("enough");
		assert.deepEqual(await reading, { done: true, value: undefined });
		await assert.rejects(reader.read(memory), TypeError);
		await assert.rejects(reader.read(new Uint8Array(0)), TypeError);
	});

	test("both branches of tee() have everything", async (t) => {
		const [left, right] = pair(t);
		const [one, other] = toWeb(right).readable.tee();
		const bytes = Buffer.alloc(1_000_000, "socketry");
		const sent = left.write(bytes).then(() => left.closeWrite());
		const texts = await Promise.all([one, other].map((each) => new Response(each).arrayBuffer()));
		await sent;
		for (const each of texts) assert.ok(Buffer.from(each).equals(bytes));
		assert.equal(right.closed, false);
	});

	test("a cancelled one leaves writing open, and both ended close the stream", async (t) => {
		const [left, right] = pair(t);
		const { readable, writable } = toWeb(left);
		const reader = readable.getReader();
		const reading = reader.read();
		await reader.cancel("enough");
		assert.deepEqual(await reading, { done: true, value: undefined });
		assert.equal(left.closed, false);
		const writer = writable.getWriter();
		await writer.write("still");
		assert.equal(String(await right.readExactly(5)), "still");
		await writer.close();
		assert.equal(left.closed, true);
		assert.equal(await right.read(), null);
	});
});

describe("writable", () => {
	test("takes bytes, buffers and text, in order", async (t) => {
		const [left, right] = pair(t);
		const writer = toWeb(left).writable.getWriter();
		void writer.write(Buffer.from("a"));
		void writer.write(Uint8Array.of(0x62).buffer);
		void writer.write("ü");
		await writer.close();
		assert.equal(await new Response(toWeb(right).readable).text(), "abü");
	});

	test("refuses what is no bytes, and fails from then on", async (t) => {
		const [left] = pair(t);
		const writer = toWeb(left).writable.getWriter();
		writer.closed.catch(() => {});
		await assert.rejects(writer.write(1 as unknown as string), { code: "ERR_INVALID_ARG_TYPE" });
		await assert.rejects(writer.write("x"), { code: "ERR_INVALID_ARG_TYPE" });
	});

	test("waits for a peer that does not read", async (t) => {
		const [left, right] = pair(t);
		const writer = toWeb(left).writable.getWriter();
		const chunk = new Uint8Array(65_536);
		let written = 0;
		const writing = (async () => {
			for (; written < 200; written++) {
				await writer.ready;
				await writer.write(chunk);
			}
			await writer.close();
		})();
		while (left.queuedBytes === 0) await new Promise(setImmediate);
		const stalledAt = written;
		for (let i = 0; i < 10; i++) await new Promise(setImmediate);
		assert.equal(written, stalledAt);
		assert.ok(written < 100);
		let arrived = 0;
		for await (const part of right) arrived += part.length;
		await writing;
		assert.equal(arrived, 200 * chunk.length);
	});

	test("aborting it aborts the stream at once, although a write waits for the peer", async (t) => {
		const [left] = pair(t);
		const writer = toWeb(left).writable.getWriter();
		const failed = assert.rejects(writer.write(new Uint8Array(10_000_000)));
		await new Promise(setImmediate);
		assert.ok(left.queuedBytes > 0);
		await settled(writer.abort("enough"), PROMPT_MS, "abort()");
		await failed;
		assert.equal(left.closed, true);
	});

	test("aborting it aborts the stream", async (t) => {
		const [left, right] = pair(t);
		const { readable, writable } = toWeb(left);
		const reading = readable.getReader().read();
		await writable.abort("broken");
		await assert.rejects(reading, { code: "ERR_CLOSED" });
		assert.equal(left.closed, true);
		assert.equal(await right.read().catch(() => null), null);
	});

	test("a peer that is gone is told", async (t) => {
		const [left, right] = pair(t);
		const writer = toWeb(left).writable.getWriter();
		writer.closed.catch(() => {});
		right.abort();
		await assert.rejects(
			async () => {
				for (let i = 0; i < 100; i++) await writer.write("x".repeat(1_000));
				await writer.close();
			},
			{ code: /^(EPIPE|ECONNRESET)$/ },
		);
		left.abort();
	});
});

test("pipeTo goes both ways, through a transform, and closes the streams", async (t) => {
	const [near, far] = pair(t);
	const [near2, far2] = pair(t);
	const data = Buffer.alloc(3_000_000, "0123456789");
	const relaying = toWeb(far)
		.readable.pipeThrough(new TransformStream({ transform: (c, out) => out.enqueue(c) }))
		.pipeTo(toWeb(near2).writable);
	const writing = (async () => {
		await near.write(data);
		await near.closeWrite();
	})();
	const arrived = Buffer.from(await new Response(toWeb(far2).readable).arrayBuffer());
	await Promise.all([relaying, writing]);
	assert.ok(arrived.equals(data));
});

test("an echo by pipeTo of a stream into itself ends cleanly", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	const client = (await connect(listener.address)) as Stream;
	const server = await listener.accept();
	const { readable, writable } = toWeb(server);
	const echoing = readable.pipeTo(writable as WritableStream<Uint8Array>);
	await client.write("round");
	await client.closeWrite();
	assert.equal(await new Response(toWeb(client).readable).text(), "round");
	await echoing;
	assert.equal(server.closed, true);
	client.abort();
});

test("a body of fetch's own kind is written by pipeTo", async (t) => {
	const [left, right] = pair(t);
	const body = new Response("a body").body as ReadableStream<Uint8Array>;
	await body.pipeTo(toWeb(left).writable);
	assert.equal(await new Response(toWeb(right).readable).text(), "a body");
});

describe("a half that fails", () => {
	test("counts as ended: after a read that failed, closing the writable closes the stream", async () => {
		await using listener = await listen("tcp://127.0.0.1:0");
		const client = (await connect(listener.address)) as Stream;
		const server = await listener.accept();
		const { readable, writable } = toWeb(client);
		server.abort();
		await assert.rejects(readable.getReader().read(), { code: "ECONNRESET" });
		await writable.close().catch(() => {});
		assert.equal(client.closed, true);
	});

	test("counts as ended: after a write that failed, reading to the end resets the stream", async (t) => {
		const [left, right] = pair(t);
		const { readable, writable } = toWeb(right);
		await left.close();
		await assert.rejects(writable.getWriter().write("x".repeat(100_000)), { code: "EPIPE" });
		assert.equal(right.closed, false);
		assert.equal((await readable.getReader().read()).done, true);
		assert.equal(right.closed, true);
	});

	test("after a chunk that is none, the peer does not see a clean end", async () => {
		await using listener = await listen("tcp://127.0.0.1:0");
		const client = (await connect(listener.address)) as Stream;
		await using server = await listener.accept();
		const { readable, writable } = toWeb(client);
		await assert.rejects(writable.getWriter().write(7 as unknown as string));
		await readable.cancel();
		assert.equal(client.closed, true);
		await assert.rejects(server.read(), { code: "ECONNRESET" });
	});
});
