/** Who has sent the bytes of a stream, as the kernel tells it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Stream, socketpair } from "socketry";
import { openCount, plain, withPair } from "./descriptor-pairs.ts";

test("the reader is told who has sent the bytes that came in last", async () => {
	await withPair({ receiveCredentials: true }, async (left, right) => {
		assert.equal(right.lastCredentials, undefined);
		await left.write("x");
		await right.read();
		const own = { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() };
		assert.deepEqual(plain(right), own);
		await left.write("x", { credentials: own as { pid: number; uid: number; gid: number } });
		await right.read();
		assert.deepEqual(plain(right), own);
		assert.equal(right.refusedDescriptorsCount, 0);
		await left.write("x", { descriptors: [0] });
		await right.read();
		assert.equal(right.refusedDescriptorsCount, 1);
		assert.deepEqual(plain(right), own);
	});
});

test("credentials of others are refused, and the stream goes on", async (context) => {
	await withPair({ receiveCredentials: true }, async (left, right) => {
		const nobody = { pid: 2 ** 30, uid: 0, gid: 0 };
		const error = await left.write("x", { credentials: nobody }).catch((reason) => reason);
		assert.ok(["ESRCH", "EPERM"].includes(error.code), String(error));
		assert.equal(left.bytesWritten, 0);
		assert.equal(left.queuedBytes, 0);
		await left.write("y");
		assert.equal(String(await right.read()), "y");
		context.diagnostic(error.message);
	});
});

test("bytes of different senders are never told as those of one", async () => {
	if (process.geteuid?.() !== 0) return;
	await withPair({ receiveCredentials: true }, async (left, right) => {
		const ids = [1, 2, 3].map((uid) => ({ pid: process.pid, uid, gid: 7 }));
		for (const credentials of ids) await left.write("xx", { credentials });
		for (const credentials of ids) {
			assert.equal((await right.read())?.length, 2);
			assert.deepEqual(plain(right), credentials);
		}
	});
});

test("a pidfd of the sender lives until the next read", async (context) => {
	const before = openCount();
	let pair: [Stream, Stream];
	try {
		pair = socketpair("stream", { receiveCredentials: "pidfd" });
	} catch (error) {
		context.skip(`this kernel has no SO_PASSPIDFD: ${(error as Error).message}`);
		return;
	}
	const [left, right] = pair;
	await left.write("x");
	await right.read();
	const first = right.lastCredentials?.pidfd;
	assert.equal(first?.kind, "pidfd");
	await left.write("y", { descriptors: [0] });
	await right.read();
	assert.equal(first.closed, true);
	assert.equal(right.refusedDescriptorsCount, 1);
	assert.equal(right.lastCredentials?.pidfd?.closed, false);
	left.abort();
	right.abort();
	assert.equal(openCount(), before);
});
