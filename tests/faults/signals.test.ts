/** Signals interrupt system calls; nobody but the addon may notice (EINTR). */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { socketpair } from "socketry";
import { type Socket, socket, socketpair as socketPairOfCalls } from "socketry/socket";

const WAIT_MS = 150;
/** Sends a signal every few milliseconds, for longer than anything here waits. */
const SENDER = "i=0; while [ $i -lt 500 ]; do kill -USR2 $0 || exit; i=$((i+1)); sleep 0.005; done";

test("a call that blocks goes on after each signal, until its own time is up", async () => {
	const [left, right] = socketPairOfCalls();
	const listener = listening();
	const name = listener.getsockname();
	const memory = new Uint8Array(8);
	const received = await underSignals(() => {
		for (const block of [
			() => left.recvSync(memory, { timeoutMs: WAIT_MS }),
			() => left.readSync(memory, { timeoutMs: WAIT_MS, spinUs: 500 }),
			() => listener.acceptSync({ timeoutMs: WAIT_MS }),
		]) {
			const since = performance.now();
			assert.throws(block, { code: "ERR_TIMEOUT" });
			assert.ok(performance.now() - since >= WAIT_MS - 1);
		}
		const client = socket("unix", "stream");
		client.connectSync(name);
		listener.acceptSync().close();
		client.close();
	});
	assert.ok(received > 0);
	for (const each of [left, right, listener]) each.close();
});

test("streams carry on under a rain of signals", async () => {
	const [left, right] = socketpair();
	const bytes = Buffer.alloc(200_000, "x");
	const received = await underSignals(async () => {
		const until = performance.now() + WAIT_MS;
		while (performance.now() < until) {
			const [, answer] = await Promise.all([left.write(bytes), right.readExactly(bytes.length)]);
			assert.ok(bytes.equals(answer));
		}
	});
	assert.ok(received > 0);
	left.abort();
	right.abort();
});

/** Runs something while signals come in; returns how many times the process was told of one. */
async function underSignals(run: () => void | Promise<void>): Promise<number> {
	let count = 0;
	const onSignal = (): void => {
		count++;
	};
	process.on("SIGUSR2", onSignal);
	const sender = spawn("sh", ["-c", SENDER, String(process.pid)], { stdio: "ignore" });
	const exit = once(sender, "exit");
	try {
		await run();
		while (count === 0) await new Promise((resolve) => setImmediate(resolve));
	} finally {
		sender.kill("SIGKILL");
		await exit;
		process.off("SIGUSR2", onSignal);
	}
	return count;
}

function listening(): Socket {
	const listener = socket("unix", "stream");
	listener.bind({ family: "unix" });
	listener.listen();
	return listener;
}
