import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMITS, socketpair } from "socketry";

test("a program that does not await its writes meets a limit, and what was taken before still arrives", async () => {
	const [left, right] = socketpair();
	const block = Buffer.alloc(8 * 1024 * 1024, 7);
	const writes: Promise<void>[] = [];
	let refused: unknown;
	for (let i = 0; i < 12 && refused === undefined; i++) {
		const write = left.write(block);
		await Promise.race([write, new Promise(setImmediate)]).catch((error: unknown) => {
			refused = error;
		});
		if (refused === undefined) writes.push(write);
	}
	assert.equal((refused as { code: string }).code, "ERR_LIMIT");
	assert.equal((refused as { limit: string }).limit, "writeQueueBytes");
	assert.ok(left.queuedBytes <= LIMITS.writeQueueBytes + block.length);
	await assert.rejects(left.write("small ones too"), { code: "ERR_LIMIT" });
	const total = left.bytesWritten;
	assert.equal(total, writes.length * block.length);
	let arrived = 0;
	while (arrived < total) {
		const chunk = (await right.read()) as Uint8Array;
		assert.ok(chunk.every((byte) => byte === 7));
		arrived += chunk.length;
	}
	await Promise.all(writes);
	await left.write("and it goes on");
	assert.equal(Buffer.from(await right.readExactly(14)).toString(), "and it goes on");
	await Promise.all([left.close(), right.close()]);
});
