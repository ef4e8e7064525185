/** Descriptors that leave with the bytes of a stream: who owns them, and what becomes of them when their write does not leave. */
import assert from "node:assert/strict";
import { closeSync, fstatSync, openSync } from "node:fs";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { connect, give, listen, type OwnedDescriptor, socketpair } from "socketry";
import {
	closeAll,
	drain,
	fill,
	MANY,
	openCount,
	openFile,
	room,
	SOME,
	sameFile,
	taken,
	withPair,
} from "./descriptor-pairs.ts";

test("descriptors leave with their write although the one before it, of the same buffer, is aborted after it has left", async () => {
	const capacity = await room();
	await withPair(SOME, async (left, right) => {
		const memory = new Uint8Array(2 * capacity + 20_000);
		const controller = new AbortController();
		const { signal } = controller;
		const first = left.write(memory.subarray(0, 2 * capacity), { signal });
		const fd = openFile();
		const second = left.write(memory.subarray(2 * capacity), { descriptors: [fd] });
		closeSync(fd);
		await drain(right, capacity);
		while (left.queuedBytes > 20_000) await setImmediate();
		assert.equal(left.queuedBytes, 20_000);
		controller.abort();
		await assert.rejects(first, { name: "AbortError" });
		await drain(right, memory.length);
		await second;
		const arrived = taken(right);
		assert.equal(arrived.length, 1);
		closeAll(arrived);
	});
});

test("a descriptor that is passed stays its owner's, and one that is given is closed here", async () => {
	await withPair(SOME, async (left, right) => {
		const before = openCount();
		const [kept, given] = [openFile(), openSync("/dev/null", "r")];
		const { ino } = fstatSync(given, { bigint: true });
		await left.write("x", { descriptors: [kept, give(given)] });
		assert.equal(String(await right.read()), "x");
		const [first, second] = taken(right) as [OwnedDescriptor, OwnedDescriptor];
		assert.notEqual(first.fd, kept);
		assert.ok(sameFile(first.fd, kept));
		assert.equal(fstatSync(second.fd, { bigint: true }).ino, ino);
		assert.equal(openCount(), before + 3);
		closeAll([first, second]);
		closeSync(kept);
		assert.equal(openCount(), before);
	});
});

test("1, 16 and 253 descriptors go along with one write, and 254 are refused before anything is sent", async () => {
	await withPair(MANY, async (left, right) => {
		for (const count of [1, 16, 17, 253]) {
			await left.write("x", { descriptors: Array(count).fill(0) });
			await right.readExactly(1);
			const arrived = taken(right);
			assert.equal(arrived.length, count);
			closeAll(arrived);
		}
		await assert.rejects(left.write("x", { descriptors: Array(254).fill(0) }), {
			code: "ERR_LIMIT",
			limit: "descriptorsPerMessageCount",
			actual: 254,
			allowed: 253,
		});
		assert.equal(left.bytesWritten, 4);
	});
});

test("a write with descriptors keeps its place among writes that wait, although its descriptors were closed", async () => {
	await withPair(SOME, async (left, right) => {
		const before = fill(left);
		const file = openFile();
		const waiting = left.write("WITH", { descriptors: [file, give(openFile())] });
		closeSync(file);
		void left.write("after");
		const drained = drain(right, before);
		await drained;
		const end = before + "WITHafter".length;
		while (right.bytesRead < end) await right.read();
		await waiting;
		const [arrival, ...others] = right.takeDescriptors();
		assert.ok(arrival !== undefined);
		assert.deepEqual(others, []);
		assert.equal(arrival.descriptors.length, 2);
		assert.ok(arrival.start <= before && arrival.end > before && arrival.end <= before + 4);
		assert.deepEqual(
			arrival.descriptors.map(({ kind }) => kind),
			["file", "file"],
		);
		closeAll(arrival.descriptors);
	});
});

test("a write too large for the socket sends its descriptors once, with its first bytes", async () => {
	await withPair(SOME, async (left, right) => {
		const data = new Uint8Array(2 * 1_048_576).fill(7);
		const written = left.write(data, { descriptors: [0] });
		await drain(right, data.length);
		await written;
		const [arrival, ...others] = right.takeDescriptors();
		assert.ok(arrival !== undefined);
		assert.deepEqual(others, []);
		assert.equal(arrival.start, 0);
		closeAll(arrival.descriptors);
	});
});

test("a write that is withdrawn takes its descriptors with it", async () => {
	await withPair(SOME, async (left, right) => {
		const bytes = fill(left);
		const before = openCount();
		const stop = new AbortController();
		const aborted = left.write("a", { descriptors: [0], signal: stop.signal });
		const late = left.write("b", { descriptors: [0], timeoutMs: 20 });
		assert.equal(openCount(), before + 2);
		stop.abort();
		await assert.rejects(aborted, { code: "ABORT_ERR", bytesMoved: 0 });
		await assert.rejects(late, { code: "ERR_TIMEOUT", bytesMoved: 0 });
		await assert.rejects(left.write("c", { descriptors: [0], timeoutMs: 0 }), {
			code: "ERR_TIMEOUT",
			bytesMoved: 0,
		});
		assert.equal(openCount(), before);
		await drain(right, bytes);
		await left.write("d");
		assert.equal(String(await right.read()), "d");
		assert.deepEqual(right.takeDescriptors(), []);
	});
});

test("what waits or was given is closed when the stream is", async () => {
	const before = openCount();
	const [left, right] = socketpair("stream");
	fill(left);
	const waiting = left.write("x", { descriptors: [0, give(openFile())] });
	left.abort();
	right.abort();
	await assert.rejects(waiting, { code: "ERR_CLOSED" });
	await assert.rejects(left.write("x", { descriptors: [give(openFile())] }), {
		code: "ERR_CLOSED",
	});
	assert.equal(openCount(), before);
});

test("what was given is closed when the call fails, whatever the reason", async () => {
	const tcp = await listen("tcp://127.0.0.1:0");
	const overTcp = await connect(tcp.address);
	await withPair({}, async (left, right) => {
		const before = openCount();
		right.abort();
		const calls = [
			() => left.write("x", { descriptors: [give(openFile())] }),
			() => left.write("x", { descriptors: [give(openFile())] }),
			() => left.write("", { descriptors: [give(openFile())] }),
			() => left.write("x", { descriptors: [give(openFile())], signal: AbortSignal.abort() }),
		];
		for (const call of calls) await assert.rejects(call());
		assert.equal(openCount(), before - 1);
	});
	const file = openFile();
	await assert.rejects(overTcp.write("x", { descriptors: [give(file)] }), {
		code: "ERR_UNSUPPORTED",
	});
	// A call that is wrong in itself takes nothing.
	closeSync(file);
	overTcp.abort();
	tcp.close();
});

test("descriptors need a byte to go with", async () => {
	await withPair({}, async (left) => {
		await assert.rejects(left.write("", { descriptors: [0] }), { code: "ERR_INVALID_ARG_VALUE" });
		await left.write("", { descriptors: [] });
	});
});
