/** Closing a TCP connection that its peer still sends to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, listen } from "socketry";
import { SO_RCVBUF, SOL_SOCKET } from "socketry/sys";
import { injectFaults } from "socketry/testing";
import type { Stream } from "#src/stream/stream.ts";
import { expectPattern, expectPatternToEnd, pattern } from "#src/testing/traffic.ts";
import { connectedStreams } from "../support/pairs.ts";
import { PATIENT, PROMPT_MS } from "../support/patience.ts";

const REPLY_BYTES = 300_001;
const ATTEMPTS = 10;

test("what the peer sends meanwhile costs it nothing of the reply", async () => {
	for (let i = 0; i < 20; i++) {
		const [client, server] = await connectedStreams("tcp://127.0.0.1:0");
		const asking = client.write(Buffer.alloc(195_558 + i * 20_000));
		const replying = server.write(pattern(0, REPLY_BYTES));
		const closing = server.close();
		const late = client.write("late").catch(() => undefined);
		await expectPattern(client, 0, REPLY_BYTES);
		await Promise.allSettled([asking, late]);
		await Promise.all([replying, closing]);
		client.abort();
	}
});

test("close waits neither when the peer has everything nor when it has ended", async () => {
	// The kernel may be late with telling that it has.
	let calls: number | undefined = 1;
	for (let attempt = 0; attempt < ATTEMPTS && calls !== 0; attempt++)
		calls = await shutdownsAtClose();
	assert.equal(calls, 0);
});

/** Calls of shutdown by which two ends that have talked wait for each other. */
async function shutdownsAtClose(): Promise<number | undefined> {
	const [client, server] = await connectedStreams("tcp://127.0.0.1:0");
	await client.write("question");
	assert.equal(String(await server.readExactly(8)), "question");
	await server.write("reply");
	assert.equal(String(await client.readExactly(5)), "reply");
	const faults = injectFaults([{ call: "shutdown", nth: 1_000, fail: "EIO" }]);
	await Promise.all([client.close(), server.close()]);
	faults.restore();
	return faults.calls.get("shutdown");
}

test("a peer that does not read holds close up for its time, and gets everything all the same", async () => {
	const [client, server] = await slowPair();
	await server.write(pattern(0, REPLY_BYTES));
	await server.flush();
	const since = performance.now();
	await server.close({ timeoutMs: 50 });
	assert.ok(performance.now() - since >= 45);
	assert.equal(await expectPatternToEnd(client), REPLY_BYTES);
	client.abort();
});

test("close ends early when it is aborted, and so does abort() itself", async () => {
	for (const end of ["signal", "abort"] as const) {
		const [client, server] = await slowPair();
		await server.write(pattern(0, REPLY_BYTES));
		await server.flush();
		const controller = new AbortController();
		const closing = server.close({ ...PATIENT, signal: controller.signal });
		setTimeout(() => (end === "signal" ? controller.abort() : server.abort()), 5);
		const since = performance.now();
		await closing;
		assert.ok(performance.now() - since < PROMPT_MS);
		client.abort();
	}
});

/** A connection whose client takes next to nothing until it reads. */
async function slowPair(): Promise<[client: Stream, server: Stream]> {
	const listener = await listen("tcp://127.0.0.1:0");
	const small = new Uint8Array(Int32Array.of(4_096).buffer);
	const [client, server] = await Promise.all([
		connect(listener.address, {
			prepare: (socket) => socket.setsockopt(SOL_SOCKET, SO_RCVBUF, small),
		}),
		listener.accept(),
	]);
	listener.close();
	return [client, server];
}
