import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { startChild } from "../support/children.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENCE_MS } from "../support/patience.ts";

const SERVER = new URL("./crowd-server.child.js", import.meta.url);
const CLIENT = new URL("./crowd-client.child.js", import.meta.url);
const CONNECTIONS = 5_000;
/** Descriptors that the processes need besides. */
const OTHERS = 100;
/** What a connection may cost the server, in bytes: its objects, and a share of the memory it reads into. Sanitizers take theirs on top. */
const COST_BYTES = process.env["ASAN_OPTIONS"] === undefined ? 30_000 : 100_000;

const [, most = "0"] =
	/^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
const skip =
	Number(most) >= CONNECTIONS + OTHERS
		? false
		: `a process may open ${most} files here: raise it with ulimit -n ${CONNECTIONS + OTHERS}`;

for (const [kind, address] of [
	["TCP", "tcp://127.0.0.1:0"],
	["Unix", `unix:${abstractName()}`],
]) {
	test(`5000 connections over ${kind} are held at once, and each is echoed`, { skip }, async () => {
		const server = startChild(SERVER, { args: [address as string] });
		const to = await server.line();
		const client = startChild(CLIENT, { args: [to, `${CONNECTIONS}`] });
		try {
			for (const step of ["held", "echoed", "closed"]) assert.equal(await client.line(), step);
			assert.equal((await client.ended).code, 0);
			await allClosed(server.pid);
		} finally {
			client.process.kill("SIGKILL");
			server.process.kill("SIGTERM");
		}
		const seen = JSON.parse(await server.line()) as Record<string, number>;
		const { grownBytes = Number.NaN, ...counts } = seen;
		assert.deepEqual(counts, {
			acceptedCount: CONNECTIONS,
			refusedCount: 0,
			most: CONNECTIONS,
			held: 0,
			failures: 0,
		});
		// A sanitizer keeps what was freed, to find its use.
		const isSanitized = process.env["LD_PRELOAD"]?.includes("asan") ?? false;
		if (!isSanitized) assert.ok(grownBytes < CONNECTIONS * COST_BYTES, `${grownBytes} bytes`);
		const { code, stderr } = await server.ended;
		assert.equal(code, 0, stderr);
	});
}

/** Waits until the server has closed its ends too. */
async function allClosed(pid: number): Promise<void> {
	const deadline = performance.now() + PATIENCE_MS;
	while (performance.now() < deadline && readdirSync(`/proc/${pid}/fd`).length > OTHERS) {
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}
