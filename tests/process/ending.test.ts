import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { datagrams, listen, type PacketStream, type Stream } from "socketry";
import { runChild, startChild } from "../support/children.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENT, PROMPT_MS } from "../support/patience.ts";

const CHILD = new URL("./ending.child.js", import.meta.url);
const SENT_BYTES = 4 * 1024 * 1024;

const list = await runChild(CHILD, { args: ["list"] });
const [exits, throws, sends] = JSON.parse(list.stdout) as [string[], string[], string[]];

describe("process.exit is obeyed at once", { concurrency: 4 }, () => {
	for (const name of exits) {
		test(name, async () => {
			const { code, signal, stderr, elapsedMs } = await runChild(CHILD, {
				args: [`exit: ${name}`],
			});
			assert.deepEqual({ code, signal, stderr }, { code: 7, signal: null, stderr: "" });
			assert.ok(elapsedMs < PROMPT_MS);
		});
	}
});

describe("an exception that nobody catches ends the process", { concurrency: 4 }, () => {
	for (const name of throws) {
		test(name, async () => {
			const { code, signal, stderr } = await runChild(CHILD, {
				args: [`throw: ${name}`],
			});
			assert.deepEqual({ code, signal }, { code: 1, signal: null });
			assert.match(stderr, /Error: expected/);
		});
	}
});

test("an exception with a handler keeps nobody else from being told", async () => {
	const { code, stdout, stderr } = await runChild(CHILD, { args: ["survive"] });
	assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "survived\n", stderr: "" });
});

test("a read that begins when the process is about to end keeps it alive", async () => {
	const { code, stdout } = await runChild(CHILD, { args: ["beforeExit"] });
	assert.deepEqual({ code, stdout }, { code: 0, stdout: "revived once\n" });
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
	test(`${signal} ends a process that waits`, async () => {
		const child = startChild(CHILD, { args: ["wait"] });
		assert.equal(await child.line(), "waiting");
		child.process.kill(signal);
		const ended = await child.ended;
		assert.equal(ended.signal, signal);
	});
}

async function receive(name: string): Promise<[bytes: number, ended: Promise<unknown>]> {
	const abstract = abstractName();
	const kind = /packets|datagrams/.exec(name)?.[0];
	const args = [`send: ${name}`];
	let bytes = 0;
	if (kind === "datagrams") {
		const socket = await datagrams(`unix-dgram:@${abstract}`);
		const child = startChild(CHILD, { args: [...args, `unix-dgram:@${abstract}`] });
		while (bytes < SENT_BYTES) {
			bytes += (await socket.receive(PATIENT)).data.length;
		}
		await socket.close();
		return [bytes, child.ended];
	}
	const address = kind === "packets" ? `unix-seqpacket:@${abstract}` : "tcp://127.0.0.1:0";
	const listener = await listen(address);
	const { port } = listener.address as { port?: number };
	const to = port === undefined ? address : `tcp://127.0.0.1:${port}`;
	const child = startChild(CHILD, { args: [...args, to] });
	const peer = (await listener.accept(PATIENT)) as Stream | PacketStream;
	// The sender has long come to its end when the first byte is taken.
	await new Promise((resolve) => setTimeout(resolve, 100));
	for await (const chunk of peer) bytes += chunk.length;
	await peer.close();
	listener.close();
	return [bytes, child.ended];
}

describe("what was written gets out before the process ends", { concurrency: 4 }, () => {
	for (const name of sends) {
		test(name, async () => {
			const [bytes, ended] = await receive(name);
			const { code, stderr } = (await ended) as { code: number; stderr: string };
			assert.deepEqual({ code, stderr, bytes }, { code: 0, stderr: "", bytes: SENT_BYTES });
		});
	}
});
