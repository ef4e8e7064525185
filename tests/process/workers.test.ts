import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { socketpair } from "socketry";
import { EBADF, sys } from "socketry/sys";
import { runChild } from "../support/children.ts";
import { PATIENCE_MS } from "../support/patience.ts";

const F_GETFD = 1;

/** The long run is for those who land changes: .ci/run sets it to 1000. */
const WORKERS = Number(process.env["SOCKETRY_WORKERS"] ?? 100);

test(`${WORKERS} threads are terminated at any moment, and nothing of them is left`, async () => {
	const { code, signal, stdout, stderr } = await runChild(
		new URL("./workers.child.js", import.meta.url),
		{ args: [String(WORKERS)], timeoutMs: PATIENCE_MS + WORKERS * 400 },
	);
	assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" });
	const { started, busyCount, left } = JSON.parse(stdout);
	assert.equal(started, WORKERS);
	assert.ok(busyCount > WORKERS / 10, `only ${busyCount} of ${WORKERS} got to work`);
	assert.deepEqual(left, []);
});

const ENDS: readonly [code: string, exitCode: number][] = [
	["process.exit(7)", 7],
	["throw new Error('expected')", 1],
	["setImmediate(() => process.exit(8))", 8],
	["Promise.reject(new Error('expected'))", 1],
	["left.read().finally(() => process.exit(9)); right.write('x')", 9],
	["setTimeout(() => { throw new Error('expected'); }, 5)", 1],
];

for (const [end, exitCode] of ENDS) {
	test(`a thread with open sockets ends by itself: ${end}`, async () => {
		const worker = new Worker(
			new URL(
				`data:text/javascript,${encodeURIComponent(`
				import { connect, listen, socketpair } from ${JSON.stringify(import.meta.resolve("socketry"))};
				const ignore = () => {};
				const [left, right] = socketpair();
				right.write(new Uint8Array(1 << 20)).catch(ignore);
				const listener = await listen("tcp://127.0.0.1:0");
				listener.accept().catch(ignore);
				const stream = await connect(listener.address);
				stream.read().then(ignore, ignore);
				${end};`)}`,
			),
		);
		worker.on("error", () => {});
		assert.equal(await new Promise((resolve) => worker.once("exit", resolve)), exitCode);
	});
}

test("what a thread has made but nobody owns yet goes with the thread, and nothing else does", async () => {
	const [kept] = socketpair();
	const worker = new Worker(
		new URL(
			`data:text/javascript,${encodeURIComponent(`
			import { parentPort } from "node:worker_threads";
			import { sys } from ${JSON.stringify(import.meta.resolve("socketry/sys"))};
			const pair = new Int32Array(2);
			sys.socketpair(1, 1, 0, pair);
			const fds = [sys.socket(1, 1, 0), ...pair, sys.dup(pair[0]), sys.fcntl(pair[0], 1030, 0)];
			const listener = sys.socket(2, 1, 0);
			sys.listen(listener, 5);
			const name = new Uint8Array(16);
			sys.getsockname(listener, name);
			const client = sys.socket(2, 1, 0);
			sys.connect(client, name);
			fds.push(listener, client, sys.accept4(listener, null, 0));
			const control = new Uint8Array(new Int32Array([20, 0, 1, 1, client, 0]).buffer);
			sys.sendmsg(pair[0], [new Uint8Array(1)], null, control, 0);
			sys.sendmsg(pair[0], [new Uint8Array(1)], null, control, 0);
			const room = new Uint8Array(24);
			sys.recvmsg(pair[1], [new Uint8Array(1)], null, room, 0);
			fds.push(new DataView(room.buffer).getInt32(16, true));
			const table = new Int32Array([0, 1, 0, 0, 0, 24, 0, 0, 0, 0]);
			sys.recvmmsg(pair[1], table, 0, 1, new Uint8Array(1), null, room, 0);
			fds.push(new DataView(room.buffer).getInt32(16, true));
			const given = sys.socket(1, 2, 0);
			sys.engineDisown(given);
			parentPort.postMessage({ fds, given });`)}`,
		),
	);
	const { fds, given } = await new Promise<{ fds: number[]; given: number }>((resolve) => {
		worker.once("message", resolve);
	});
	await worker.terminate();
	assert.equal(fds.length, 10);
	assert.deepEqual(
		fds.map((fd) => sys.fcntl(fd, F_GETFD)),
		fds.map(() => EBADF),
	);
	assert.equal(sys.close(given), 0);
	await kept.close();
});
