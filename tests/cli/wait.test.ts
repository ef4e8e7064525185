import assert from "node:assert/strict";
import { test } from "node:test";
import { listen } from "socketry";
import { inFolder } from "../support/folder.ts";
import { ours, startOurs } from "./talk.ts";

test("wait ends once everybody can be reached, and then runs the program", async () => {
	await inFolder(async (folder) => {
		const first = await listen(`unix:${folder}/a`);
		const program = ["--", "sh", "-c", "echo started; exit 5"];
		const waiting = startOurs(["wait", `${folder}/a`, `${folder}/b`, ...program]);
		await waiting.said(/waiting for unix:.*\/b: .*ENOENT/);
		const second = await listen(`unix:${folder}/b`);
		const { code, stdout } = await waiting.ended;
		assert.deepEqual([code, stdout.toString()], [5, "started\n"]);
		first.close();
		second.close();
	});
});

test("wait waits for a name that is not known yet, and says so", async () => {
	// However long the name server takes.
	const waiting = startOurs(["wait", "not-yet.invalid:1"]);
	await waiting.said(/waiting for tcp:\/\/not-yet\.invalid:1: getaddrinfo (ENOTFOUND|EAI_AGAIN)/);
	waiting.process.kill("SIGINT");
	assert.equal((await waiting.ended).code, 130);
});

test("wait gives up with 124 when --timeout is over, and never runs the program", async () => {
	const args = ["wait", "/nowhere/at/all", "--timeout", "200ms", "--", "echo", "started"];
	const { code, stdout } = await ours(args);
	assert.deepEqual([code, stdout.length], [124, 0]);
	assert.equal((await ours(["wait", "udp://h:1"])).code, 2);
	assert.equal((await ours(["wait"])).code, 2);
});
