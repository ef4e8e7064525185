import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, listen } from "socketry";
import { sys } from "socketry/sys";

const ECONNRESET = -104;
const EPIPE = -32;

async function pairOverTcp() {
	await using listener = await listen("tcp://127.0.0.1:0");
	const { port } = listener.address;
	return await Promise.all([connect(`tcp://127.0.0.1:${port}`), listener.accept()]);
}

// As the kernel does it: a send takes the reset, and the reads that follow find what had come, and then an end.
async function readAfterFailedSend(errno: number) {
	const [near, far] = await pairOverTcp();
	await far.write("half of");
	await far.close();
	const { send } = sys;
	sys.send = () => errno;
	try {
		await assert.rejects(near.write(Buffer.alloc(100_000)));
	} finally {
		sys.send = send;
	}
	assert.equal(Buffer.from((await near.read()) ?? []).toString(), "half of");
	const end = near.read();
	await end.catch(() => {});
	await near.close().catch(() => {});
	return end;
}

test("a reset that a write was told of is no clean end for the reads", async () => {
	await assert.rejects(readAfterFailedSend(ECONNRESET), { code: "ECONNRESET" });
});

test("a broken pipe is: the peer's end had arrived before", async () => {
	assert.equal(await readAfterFailedSend(EPIPE), null);
});
