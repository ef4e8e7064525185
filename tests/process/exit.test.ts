import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Ended, runChild, startChild } from "../support/children.ts";

const CHILD = new URL("./exit.child.js", import.meta.url);

/** How long a process that should stay is watched. */
const STAY_MS = 250;

const { stdout } = await runChild(CHILD, { args: ["list"] });
const [waiting, idle, halfOver] = JSON.parse(stdout) as [string[], string[], string[]];

async function stays(state: string, mode: string): Promise<{ stayed: boolean; ended: Ended }> {
	const child = startChild(CHILD, { args: [state, mode] });
	assert.equal(await child.line(), "ready");
	const patience = new Promise<boolean>((resolve) => setTimeout(resolve, STAY_MS, true));
	const stayed = await Promise.race([patience, child.ended.then(() => false)]);
	if (stayed) child.process.kill("SIGKILL");
	return { stayed, ended: await child.ended };
}

async function endsByItself(state: string, mode: string): Promise<void> {
	const { code, signal, stderr, stdout, timedOut } = await runChild(CHILD, {
		args: [state, mode],
	});
	assert.deepEqual(
		{ code, signal, stderr, stdout, timedOut },
		{ code: 0, signal: null, stderr: "", stdout: "ready\n", timedOut: false },
	);
}

describe("somebody waits", { concurrency: 4 }, () => {
	for (const state of waiting) {
		test(`the process stays alive: ${state}`, async () => {
			const { stayed, ended } = await stays(state, "ref");
			assert.equal(ended.stdout, "ready\n", ended.stderr);
			assert.ok(stayed, "the process has ended");
		});
		test(`the process ends: ${state}, unreferenced`, async () => {
			await endsByItself(state, "unref");
		});
	}
});

describe("nobody waits", { concurrency: 4 }, () => {
	for (const state of idle) {
		test(`the process ends: ${state}`, async () => {
			await endsByItself(state, "ref");
		});
	}
});

// Each of these looks at the queue again and again, a millisecond or two apart, for want of an event.
const POLLED = /unix connect|unconnected/;

describe("waiting costs no processor time", { concurrency: 3 }, () => {
	for (const state of [...waiting, ...idle, ...halfOver]) {
		if (/busy/.test(state)) continue;
		test(state, async () => {
			const { code, stdout, stderr } = await runChild(CHILD, { args: [state, "measure"] });
			assert.equal(code, 0, stderr);
			const used = Number.parseFloat(stdout.trim().split("\n").at(-1) as string);
			assert.ok(used < (POLLED.test(state) ? 100 : 30), `${used} ms in 300`);
		});
	}
});
