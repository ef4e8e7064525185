import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Child, startChild } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENCE_MS } from "../support/patience.ts";
import { example, lineLike } from "../support/programs.ts";
import { Load } from "./load.ts";

/** More, and for longer, where an environment variable says so. */
const RESTARTS = Number(process.env["SOCKETRY_RESTARTS"] ?? 25);
const CLIENTS_OF_EACH_KIND = 2;

test(`${RESTARTS} restarts under load and some that fail refuse, reset and lose nothing, and leave neither descriptors nor processes`, async (t) => {
	await inFolder(async (folder) => {
		const children: Child[] = [];
		t.after(() => {
			for (const child of children) child.process.kill("SIGKILL");
		});
		const start = async (port: string): Promise<[Child, string[]]> => {
			const child = startChild(example("handover-echo/server.ts"), {
				args: [`unix-seqpacket:${folder}/post`, `tcp://127.0.0.1:${port}`, `unix:${folder}/echo`],
				timeoutMs: 1_000_000,
			});
			children.push(child);
			const [, addresses = ""] = await lineLike(child, / serves (.*)/);
			return [child, addresses.split(" ")];
		};
		let [serving, addresses] = await start("0");
		const before = openIn(serving);
		const load = new Load(addresses, CLIENTS_OF_EACH_KIND);
		let moved = 0;
		for (let i = 0; i < RESTARTS; i++) {
			const seen = load.messages;
			if (i % 5 === 0) await failToStart(folder, i % 10 === 0 ? "exit" : "kill");
			const [next, same] = await start("0");
			assert.deepEqual(same, addresses);
			const { code, stdout, stderr } = await serving.ended;
			assert.equal(code, 0, stderr);
			assert.match(stdout, new RegExp(`handed over to ${next.pid}, with \\d+ connections\n`));
			assert.match(stdout, / 0 connections were cut off\n$/);
			moved += Number(/with (\d+) conn/.exec(stdout)?.[1]);
			serving = next;
			// Each serves for a while.
			const deadline = performance.now() + PATIENCE_MS;
			while (load.messages < seen + 50 && performance.now() < deadline) await sleep(1);
		}
		const { connections, messages, failures } = await load.stop();
		t.diagnostic(`${connections} connections, ${moved} moved, ${messages} messages`);
		assert.deepEqual(failures, []);
		assert.ok(moved > 0 && connections > RESTARTS && messages > 50 * RESTARTS);
		await untilEqual(() => openIn(serving), before);
		assert.deepEqual(readdirSync(folder).toSorted(), ["echo", "post"]);
		serving.process.kill("SIGTERM");
		assert.equal((await serving.ended).code, 0);
		assert.deepEqual(readdirSync(folder), []);
		assert.deepEqual(
			children.filter(({ process: { exitCode } }) => exitCode !== 0),
			[],
		);
	});
});

/** Starts a process that gets the sockets, and then ends without a word. */
async function failToStart(folder: string, manner: string): Promise<void> {
	const sockets = { local: `unix:${folder}/echo`, web: "tcp://127.0.0.1:0" };
	const args = [manner, `unix-seqpacket:${folder}/post`, JSON.stringify(sockets)];
	const child = startChild(new URL("./new.child.js", import.meta.url), { args });
	assert.equal((await child.ended).stdout, "has the sockets\n");
}

/** What a process has open, but for what Node and the engine open once when they first need it. */
function openIn({ pid }: Child): string[] {
	const folder = `/proc/${pid}/fd`;
	return readdirSync(folder)
		.map((fd) => targetOf(join(folder, fd)).replace(/\d+/g, ""))
		.filter((target) => !target.startsWith("anon_inode:"))
		.toSorted();
}

function targetOf(link: string): string {
	try {
		return readlinkSync(link);
	} catch {
		return "closed meanwhile";
	}
}

async function untilEqual(look: () => readonly string[], wanted: readonly string[]): Promise<void> {
	const deadline = performance.now() + PATIENCE_MS;
	while (look().length !== wanted.length && performance.now() < deadline) await sleep(10);
	assert.deepEqual(look(), wanted);
}
