import assert from "node:assert/strict";
import { constants } from "node:buffer";
import { openSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { give, Memfd, OwnedDescriptor, socketpair } from "socketry";

async function passed(memory: Memfd): Promise<Memfd> {
	const [left, right] = socketpair("stream", { receiveDescriptors: true });
	await left.write("x", { descriptors: [memory] });
	await right.read();
	const [arrival] = right.takeDescriptors();
	left.abort();
	right.abort();
	return Memfd.from(arrival?.descriptors[0] as OwnedDescriptor);
}

test("memory is made, written, read and closed", () => {
	const before = readdirSync("/proc/self/fd").length;
	{
		using memory = Memfd.create(100, "some name");
		assert.equal(memory.sizeBytes, 100);
		const target = new Uint8Array(5);
		assert.equal(memory.read(target, 98), 2);
		memory.write(Buffer.from("hello"), 98);
		assert.equal(memory.sizeBytes, 103);
		assert.equal(memory.read(target, 98), 5);
		assert.equal(String(Buffer.from(target)), "hello");
		assert.equal(memory.read(target, 1_000), 0);
	}
	assert.equal(readdirSync("/proc/self/fd").length, before);
});

test("two who map the same memory see the same bytes", async () => {
	const memory = Memfd.create(8_192);
	memory.seal({ shrink: true, grow: true });
	const there = await passed(memory);
	const [mine, theirs, copy] = [memory.map(), there.map(), there.map({ shared: false })];
	memory.close();
	there.close();
	mine[8_191] = 42;
	assert.equal(theirs[8_191], 42);
	assert.equal(copy[8_191], 42);
	copy[8_191] = 7;
	assert.equal(mine[8_191], 42);
	theirs[0] = 1;
	assert.equal(mine[0], 1);
	assert.equal(mine.length, 8_192);
});

test("memory that could shrink is not mapped, for reading it then would end the process", () => {
	using memory = Memfd.create(10);
	assert.throws(() => memory.map(), { code: "ERR_INVALID_ARG_VALUE", message: /SIGBUS/ });
	memory.seal({ shrink: true });
	assert.equal(memory.map().length, 10);
});

test("seals hold for everybody who has the memory", async () => {
	using memory = Memfd.create(10);
	memory.write(Buffer.from("0123456789"), 0);
	assert.deepEqual(memory.seals, { shrink: false, grow: false, write: false, seal: false });
	memory.seal({ shrink: true, grow: true, write: true, seal: true });
	using there = await passed(memory);
	assert.deepEqual(there.seals, { shrink: true, grow: true, write: true, seal: true });
	assert.throws(() => there.write(Buffer.from("x"), 0), { code: "EPERM" });
	assert.throws(() => there.seal({ grow: true }), { code: "EPERM" });
	assert.throws(() => there.map(), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /sealed against writing/,
	});
	const copy = there.map({ shared: false });
	assert.equal(String(Buffer.from(copy.buffer, 0, 10)), "0123456789");
	copy[0] = 0;
	assert.equal(there.map({ shared: false })[0], 48);
});

test("a seal against future writing leaves the map that there is", async () => {
	using memory = Memfd.create(10);
	memory.seal({ shrink: true });
	const mine = memory.map();
	assert.throws(() => memory.seal({ write: true }), { code: "EBUSY" });
	memory.seal({ write: "future" });
	assert.equal(memory.seals.write, "future");
	using there = await passed(memory);
	const theirs = there.map({ shared: false });
	mine[3] = 9;
	assert.equal(theirs[3], 9);
	assert.throws(() => there.map(), { code: "ERR_INVALID_ARG_VALUE" });
});

test("wrong sizes, names, positions and descriptors are refused, and nothing stays open", () => {
	const before = readdirSync("/proc/self/fd").length;
	for (const size of [-1, 1.5, Number.NaN, 2 ** 53]) {
		assert.throws(() => Memfd.create(size), { code: "ERR_OUT_OF_RANGE" });
	}
	assert.throws(() => Memfd.create(1, "a\0b"), { code: "ERR_INVALID_ARG_VALUE" });
	assert.throws(() => Memfd.create(1, "x".repeat(250)), { code: "ERR_INVALID_ARG_VALUE" });
	Memfd.create(1, "x".repeat(249)).close();
	using vast = Memfd.create(2 ** 50);
	assert.equal(vast.sizeBytes, 2 ** 50);
	vast.seal({ shrink: true });
	const isArray = constants.MAX_LENGTH >= 2 ** 50;
	assert.throws(() => vast.map(), { code: isArray ? "ENOMEM" : "ERR_LIMIT" });
	vast.close();
	using memory = Memfd.create(0);
	memory.seal({ shrink: true });
	assert.equal(memory.map().length, 0);
	assert.throws(() => memory.write(new Uint8Array(1), -1), { code: "ERR_OUT_OF_RANGE" });
	assert.throws(() => memory.read("x" as never, 0), { code: "ERR_INVALID_ARG_TYPE" });
	assert.throws(() => memory.seal({ shrink: 1 as never }), { code: "ERR_INVALID_ARG_TYPE" });
	using file = OwnedDescriptor.fromFd(openSync("/proc/self/status", "r"));
	assert.throws(() => Memfd.from(file), { code: "ERR_INVALID_ARG_VALUE" });
	assert.equal(file.closed, false);
	memory.close();
	assert.throws(() => memory.map(), { code: "ERR_CLOSED" });
	assert.throws(() => memory.sizeBytes, { code: "ERR_CLOSED" });
	assert.throws(() => give(memory), { code: "ERR_CLOSED" });
	file.close();
	assert.equal(readdirSync("/proc/self/fd").length, before);
});

test("memory that is larger than an array can be is not mapped", {
	skip: constants.MAX_LENGTH > 2 ** 40,
}, () => {
	const memory = Memfd.create(constants.MAX_LENGTH + 1);
	memory.seal({ shrink: true });
	assert.throws(() => memory.map(), { code: "ERR_LIMIT", limit: "mappedBytes" });
	memory.close();
});
