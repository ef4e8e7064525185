import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS, type PacketStream, type Stream, socketpair } from "socketry";
import { delay, isPending, turns } from "#src/testing/expectations.ts";
import { abstractName, connectedStreams } from "../support/pairs.ts";
import { assertIdle } from "../support/patience.ts";

const collect = globalThis.gc as () => void;

/** How much more memory a clogged writer may hold, besides what it wants to write: its queue, and the slabs that all streams share. */
const MEMORY_BYTES = 1024 * 1024;
/** More than any kernel queues for a connection of this machine. */
const TOTAL_BYTES = 48 * 1024 * 1024;
const SETTLING_MS = 20;

async function heldBytes(): Promise<number> {
	// What was collected is given back by another thread a little later.
	for (let i = 0; i < 3; i++) {
		collect();
		await turns(2);
	}
	const { arrayBuffers, heapUsed } = process.memoryUsage();
	return arrayBuffers + heapUsed;
}

/** Writes until a write pends for good, each of them awaited, as it should be. Boxed, for a promise would be waited for. */
async function clog(writer: Stream, size: number): Promise<{ waiting: Promise<void> }> {
	for (let written = 0; written < TOTAL_BYTES; written += size) {
		assert.ok(writer.queuedBytes <= LIMITS.writeHighWaterBytes, `${writer.queuedBytes}`);
		const waiting = writer.write(Buffer.allocUnsafeSlow(size).fill(written % 251));
		assert.ok(writer.queuedBytes <= LIMITS.writeHighWaterBytes + size, `${writer.queuedBytes}`);
		if (writer.queuedBytes > LIMITS.writeCopyBytes && (await isPending(waiting))) {
			// The kernel of a busy machine may be late with taking what it has room for.
			await delay(SETTLING_MS);
			if (await isPending(waiting)) return { waiting };
		}
		await waiting;
	}
	throw new Error("the kernel took everything");
}

/** Reads everything, and tells how much. */
async function drain(reader: Stream): Promise<number> {
	for await (const chunk of reader) assert.ok(chunk.length > 0);
	return reader.bytesRead;
}

const TRANSPORTS = {
	"tcp://127.0.0.1:0": () => connectedStreams("tcp://127.0.0.1:0"),
	"unix:": () => connectedStreams(`unix:${abstractName()}`),
	"a pair": async () => socketpair(),
} as const;

for (const [name, make] of Object.entries(TRANSPORTS)) {
	for (const size of [100, 8_192, 65_536, 1_000_000]) {
		test(`a writer of ${size} bytes a time is held while nobody reads (${name})`, async () => {
			const [writer, reader] = await make();
			const before = await heldBytes();
			const { waiting } = await clog(writer, size);
			await turns(20);
			assert.ok(await isPending(waiting));
			assert.ok(writer.queuedBytes > 0);
			assert.ok(writer.queuedBytes <= LIMITS.writeHighWaterBytes + size);
			const grown = (await heldBytes()) - before;
			assert.ok(grown < MEMORY_BYTES + size, `${grown} bytes`);
			// It costs no processor time to wait.
			await assertIdle(100, 50_000);

			const reading = drain(reader);
			await waiting;
			await writer.close();
			assert.equal(await reading, writer.bytesWritten);
			await reader.close();
		});
	}
}

test("a reader that reads a little now and then gets everything, and the queue stays bounded", async () => {
	const [writer, reader] = await connectedStreams("tcp://127.0.0.1:0");
	const size = 50_000;
	const writing = (async () => {
		for (let i = 0; i < 400; i++) await writer.write(Buffer.alloc(size, i % 251));
		await writer.closeWrite();
	})();
	let most = 0;
	let count = 0;
	const target = new Uint8Array(20_000);
	for (let read = 1; read > 0; ) {
		await turns(1);
		most = Math.max(most, writer.queuedBytes);
		read = await reader.readInto(target);
		for (let i = 0; i < read; i++) {
			if (target[i] !== Math.floor((count + i) / size) % 251) assert.fail(`byte ${count + i}`);
		}
		count += read;
	}
	await writing;
	assert.equal(count, 400 * size);
	assert.ok(most > 0 && most <= LIMITS.writeHighWaterBytes + size, `${most}`);
	await Promise.all([writer.close(), reader.close()]);
});

test("a sender of messages is held by one that waits, and its memory stays", async () => {
	const [sender, receiver]: [PacketStream, PacketStream] = socketpair("seqpacket");
	const size = 10_000;
	const before = await heldBytes();
	let sent = 0;
	let waiting = sender.send(new Uint8Array(size));
	while (!(await isPending(waiting))) {
		sent++;
		waiting = sender.send(new Uint8Array(size));
	}
	await turns(20);
	assert.equal(sender.queuedBytes, size);
	const grown = (await heldBytes()) - before;
	assert.ok(grown < MEMORY_BYTES, `${grown} bytes`);
	for (let i = 0; i <= sent; i++) assert.equal((await receiver.receive())?.length, size);
	await waiting;
	await Promise.all([sender.close(), receiver.close()]);
});

test("a stream whose slow reader leaves tells its writer, and lets the memory go", async () => {
	const [writer, reader] = await connectedStreams("tcp://127.0.0.1:0");
	const before = await heldBytes();
	const { waiting } = await clog(writer, 1_000_000);
	reader.abort();
	await assert.rejects(waiting, { code: "ECONNRESET" });
	await assert.rejects(writer.write("more"), { code: "ECONNRESET" });
	await assert.rejects(writer.read(), { code: /^(ECONNRESET|EPIPE)$/ });
	assert.equal(writer.queuedBytes, 0);
	await writer.close();
	const grown = (await heldBytes()) - before;
	assert.ok(grown < MEMORY_BYTES, `${grown} bytes`);
});
