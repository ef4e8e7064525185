/** Descriptors on their way when a process has no room for them, is killed, ends a thread, or forgets them. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import {
	anyone,
	formatAddress,
	give,
	type Listener,
	listen,
	OwnedDescriptor,
	type Stream,
} from "socketry";
import { sys } from "socketry/sys";
import { randomSource } from "#src/random.ts";
import { runChild, startChild } from "../support/children.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENCE_MS, until } from "../support/patience.ts";

const FEW = ["sh", "-c", 'ulimit -n 100 && exec "$@"', "sh"];
const ROUNDS = 20;
const SEED = 4_711;

function openCount(): number {
	return readdirSync("/proc/self/fd").length;
}

/** A pipe: the end to read from, and the one to write to. */
function pipe(): [number, number] {
	const pair = new Int32Array(2);
	assert.equal(sys.socketpair(1, 1, 0, pair), 0);
	return [...pair] as [number, number];
}

test("without a free descriptor nothing arrives, everything is told, and nothing leaks", async () => {
	const { code, stderr } = await runChild(
		new URL("./passing-exhausted.child.js", import.meta.url),
		{
			under: FEW,
		},
	);
	assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});

test("too many descriptors on their way are told, and the stream goes on once some have arrived", async () => {
	// A user of its own, for the kernel counts all that a user has on their way.
	const { code, stderr } = await runChild(new URL("./passing-flooded.child.js", import.meta.url), {
		under: FEW,
		args: [String(200_000 + process.pid)],
	});
	assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});

test("descriptors that nobody holds any more are closed, with one warning", async () => {
	const { code, stdout, stderr } = await runChild(
		new URL("./passing-forgotten.child.js", import.meta.url),
		{ flags: ["--expose-gc"] },
	);
	assert.equal(code, 0, stderr);
	assert.equal(stdout.trim(), "6 arrived, 0 owned, 0 open");
	assert.equal(stderr.match(/SOCKETRY_FORGOTTEN\] Warning: A descriptor/g)?.length, 1);
});

test("receivers are killed at random moments, and no descriptor stays on its way", async (context) => {
	context.diagnostic(`seed ${SEED}`);
	const random = randomSource(SEED);
	const listener = (await listen(`unix:${abstractName()}`)) as Listener<Stream>;
	const before = openCount();
	for (let round = 0; round < ROUNDS; round++) {
		const child = startChild(new URL("./passing-receiver.child.js", import.meta.url), {
			args: [formatAddress(listener.address)],
		});
		const stream = await listener.accept();
		const [kept, given] = pipe();
		const ends = [give(given)];
		let sent = 0;
		const last = 1 + random.below(400);
		try {
			for (;;) {
				if (++sent === last) child.process.kill("SIGKILL");
				const descriptors = Array(1 + random.below(16)).fill(0);
				await stream.write("x", { descriptors: [...descriptors, ...ends.splice(0)] });
			}
		} catch (error) {
			assert.match((error as { code: string }).code, /^(EPIPE|ECONNRESET)$/);
		}
		stream.abort();
		await child.ended;
		// All the other ends have gone: the one that the receiver had, and those that were on their way.
		const closed = new Uint8Array(1);
		assert.equal(sys.read(kept, closed, 0, 1, PATIENCE_MS), 0);
		closeSync(kept);
	}
	listener.close();
	// Node and the C library open something for a moment now and then.
	await until(() => openCount() <= before);
});

test("a thread that is terminated while descriptors come leaves none behind", async () => {
	const listener = (await listen(`unix:${abstractName()}`, {
		allow: anyone(),
	})) as Listener<Stream>;
	const code = `
		import { connect } from ${JSON.stringify(import.meta.resolve("socketry"))};
		import { parentPort } from "node:worker_threads";
		const stream = await connect(${JSON.stringify(formatAddress(listener.address))}, { receiveDescriptors: true });
		const held = [];
		for await (const _ of stream) {
			const arrivals = stream.takeDescriptors();
			held.push(arrivals);
			if (held.length % 3 === 0) for (const { descriptors } of held.pop()) for (const each of descriptors) each.close();
			parentPort.postMessage(held.length);
		}`;
	const start = async (): Promise<void> => {
		const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
		const stream = await listener.accept();
		let isOver = false;
		const sending = (async () => {
			while (!isOver) await stream.write("x", { descriptors: [0, 0, 0] });
		})().catch(() => undefined);
		for (let count = 0; count < 20; count++) {
			await new Promise((resolve) => worker.once("message", resolve));
		}
		await worker.terminate();
		isOver = true;
		stream.abort();
		await sending;
	};
	await start();
	const before = openCount();
	for (let round = 0; round < 10; round++) await start();
	await until(() => openCount() <= before);
	listener.close();
});

test("a descriptor that is owned is not inherited by a child process", async () => {
	const [kept, given] = pipe();
	const owned = OwnedDescriptor.fromFd(given);
	const child = spawn("sleep", ["60"], { stdio: "ignore" });
	owned.close();
	const closed = new Uint8Array(1);
	assert.equal(sys.read(kept, closed, 0, 1, PATIENCE_MS), 0);
	closeSync(kept);
	child.kill();
	await new Promise((resolve) => child.once("exit", resolve));
});
