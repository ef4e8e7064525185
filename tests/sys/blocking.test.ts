import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { socket, socketpair } from "socketry/socket";
import { PATIENT, PROMPT_MS } from "../support/patience.ts";

/** How often a time limit is tried, and how much later than it a call may end in the best of them, in milliseconds. */
const ATTEMPTS = 50;
const LATE_MS = 40;

test("a blocked sender whose receiver is full sleeps, although the kernel calls it writable", () => {
	const receiver = socket("unix", "dgram");
	receiver.bind({ family: "unix" });
	const sender = socket("unix", "dgram");
	const to = receiver.getsockname();
	const message = new Uint8Array(16);
	while (sender.trySendto(message, to) !== undefined);
	const before = process.cpuUsage();
	assert.throws(() => sender.sendtoSync(message, to, { timeoutMs: 500 }), { code: "ERR_TIMEOUT" });
	const { user, system } = process.cpuUsage(before);
	assert.ok(user + system < 200_000, `${user + system} us of processor time in 500 ms`);
	receiver.tryRecvfrom(new Uint8Array(16));
	assert.equal(sender.sendtoSync(message, to, PATIENT), 16);
	sender.close();
	receiver.close();
});

test("time limits of blocking calls are kept", () => {
	const [left, right] = socketpair();
	for (const timeoutMs of [0, 1, 60, 130]) {
		// A busy machine may wake us late, but not each time.
		let best = Number.POSITIVE_INFINITY;
		for (let attempt = 0; attempt < ATTEMPTS && best >= timeoutMs + LATE_MS; attempt++) {
			const start = performance.now();
			assert.throws(() => left.recvSync(new Uint8Array(1), { timeoutMs }), { code: "ERR_TIMEOUT" });
			best = Math.min(best, performance.now() - start);
			assert.ok(best >= timeoutMs - 1, `${best} ms for ${timeoutMs}`);
		}
		assert.ok(best < timeoutMs + LATE_MS, `${best} ms for ${timeoutMs}`);
	}
	left.close();
	right.close();
});

const BLOCKED_FOR_EVER = {
	recv: "socketpair()[0].recvSync(new Uint8Array(1))",
	accept: `const listener = socket("unix", "stream");
		listener.bind({ family: "unix" });
		listener.listen();
		listener.acceptSync()`,
	send: `const [left, right] = socketpair();
		for (;;) left.sendSync(new Uint8Array(65536))`,
	poll: "sys.poll(new Int32Array(0), -1)",
};

for (const [name, code] of Object.entries(BLOCKED_FOR_EVER)) {
	test(`a worker that blocks in ${name} without a time limit can be terminated`, async () => {
		const worker = new Worker(
			new URL(
				`data:text/javascript,${encodeURIComponent(`
				import { parentPort } from "node:worker_threads";
				import { socket, socketpair } from "${import.meta.resolve("socketry/socket")}";
				import { sys } from "${import.meta.resolve("socketry/sys")}";
				parentPort.postMessage("blocking");
				${code};`)}`,
			),
		);
		await new Promise((resolve) => worker.once("message", resolve));
		// Nobody can tell from outside when it has begun to block; much too early would test nothing, but never fail.
		await new Promise((resolve) => setTimeout(resolve, 100));
		const start = performance.now();
		await worker.terminate();
		assert.ok(performance.now() - start < PROMPT_MS);
	});
}
