import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptedStream } from "socketry/testing";

test("a script is followed step by step, however the code under test cuts its writes", async () => {
	const stream = scriptedStream([
		{ expect: "HELLO\r\n" },
		{ give: "200 " },
		{ give: "OK\r\n" },
		{ expect: "QUIT\r\n" },
		{ end: true },
	]);
	await stream.write("HEL");
	await stream.write("LO\r\n");
	assert.equal(String(await stream.readUntil("\r\n")), "200 OK\r\n");
	await stream.write(Buffer.from("QUIT\r\n"));
	assert.equal(await stream.read(), null);
	assert.equal(await stream.read(), null);
	stream.assertDone();
	assert.deepEqual([stream.bytesRead, stream.bytesWritten], [8, 13]);
});

test("one write may cover several steps, and one step several reads", async () => {
	const stream = scriptedStream([{ expect: "ab" }, { expect: "cd" }, { give: "wxyz" }]);
	await stream.write("abcd");
	assert.equal(await stream.readInto(new Uint8Array(3)), 3);
	assert.throws(() => stream.assertDone(), /one step is left: give "z"/);
	assert.equal(String(await stream.read()), "z");
	stream.assertDone();
});

test("something else than expected is complained about, to the writer and at the end", async () => {
	const stream = scriptedStream([{ expect: "HELLO" }]);
	await assert.rejects(stream.write("HELP"), {
		name: "ScriptError",
		message: '"HELP" was written in place of: expect "HELLO"',
	});
	await assert.rejects(stream.write("HELLO"), { name: "ScriptError" });
	await assert.rejects(stream.read(), { name: "ScriptError" });
	assert.throws(() => stream.assertDone(), { name: "ScriptError" });
});

test("a write after the end of the script is complained about", async () => {
	const stream = scriptedStream([{ expect: "a" }]);
	await stream.write("a");
	await assert.rejects(stream.write("b"), /"b" was written in place of: the end of the script/);
});

test("steps that are left are complained about", async () => {
	const stream = scriptedStream([{ give: "a" }, { expect: "b" }, { end: true }]);
	assert.throws(() => stream.assertDone(), /3 steps are left, the first of them: give "a"/);
	await stream.close();
	assert.throws(() => stream.assertDone(), /3 steps are left/);
});

test("a read or a write whose turn has not come waits for it", async () => {
	const stream = scriptedStream([{ give: "first" }, { expect: "second" }, { give: "third" }]);
	const writing = stream.write("second");
	assert.equal(stream.queuedBytes, 6);
	assert.equal(String(await stream.read()), "first");
	await writing;
	assert.equal(String(await stream.read()), "third");
	stream.assertDone();
});

test("time can be a step", async () => {
	const since = performance.now();
	const stream = scriptedStream([{ waitMs: 5 }, { give: "late" }]);
	await assert.rejects(stream.read({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
	assert.equal(String(await stream.read()), "late");
	assert.ok(performance.now() - since >= 3);
	stream.assertDone();
});

test("reads and writes fail as told, and keep failing", async () => {
	const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
	const pipe = Object.assign(new Error("pipe"), { code: "EPIPE" });
	const stream = scriptedStream([{ give: "a" }, { failRead: reset }, { failWrite: pipe }]);
	assert.equal(String(await stream.read()), "a");
	for (let i = 0; i < 2; i++) await assert.rejects(stream.read(), { code: "ECONNRESET" });
	for (let i = 0; i < 2; i++) await assert.rejects(stream.write("x"), { code: "EPIPE" });
	stream.assertDone();
});

test("waiting can be aborted, and takes nothing with it", async () => {
	const stream = scriptedStream([{ give: "a" }, { expect: "b" }]);
	await assert.rejects(stream.write("b", { timeoutMs: 0 }), { code: "ERR_TIMEOUT", bytesMoved: 0 });
	assert.equal(String(await stream.read()), "a");
	const controller = new AbortController();
	const reading = stream.read({ signal: controller.signal });
	await assert.rejects(stream.read(), { code: "ERR_BUSY" });
	controller.abort();
	await assert.rejects(reading, { code: "ABORT_ERR" });
	await stream.write("b");
	stream.assertDone();
});

test("close and closeWrite end it as they do any stream", async () => {
	const stream = scriptedStream([{ expect: "bye" }]);
	await stream.write("bye");
	await stream.closeWrite();
	await stream.closeWrite();
	await assert.rejects(stream.write("x"), { code: "ERR_CLOSED" });
	const reading = stream.read();
	await stream.close();
	await assert.rejects(reading, { code: "ERR_CLOSED" });
	await assert.rejects(stream.read(), { code: "ERR_CLOSED" });
	stream.assertDone();
});
