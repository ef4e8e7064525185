import assert from "node:assert/strict";
import { test } from "node:test";
import { listen } from "socketry";
import { inFolder } from "../support/folder.ts";
import { ours } from "./talk.ts";

test("explain tells what an address means, and what is there", async () => {
	const port = (await ours(["explain", "8080", "udp://127.0.0.1:53", "@name"])).stdout.toString();
	assert.match(port, /connect +tcp:\/\/localhost:8080/);
	assert.match(port, /listen +tcp:\/\/127\.0\.0\.1:8080/);
	assert.match(port, /resolves +udp:\/\/127\.0\.0\.1:53/);
	assert.match(port, /the own user and root/);
	await inFolder(async (folder) => {
		const listener = await listen(`unix:${folder}/s`, { mode: 0o600 });
		const { stdout } = await ours(["explain", `${folder}/s`, `${folder}/none`, `${folder}/`]);
		listener.close();
		assert.match(stdout.toString(), /a socket file of user \d+, mode 600/);
		assert.match(stdout.toString(), /nothing: listening makes it/);
		assert.match(stdout.toString(), /no socket, which is never touched/);
	});
	assert.equal((await ours(["explain", "what"])).code, 2);
});
