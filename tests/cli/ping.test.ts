import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress, listen } from "socketry";
import { inFolder } from "../support/folder.ts";
import { ownLoopbackHosts } from "../support/own-addresses.ts";
import { ours, startOurs } from "./talk.ts";

const FAST = ["--count", "3", "--interval", "0"];

test("ping tells how long connecting takes, and how many were answered", async () => {
	// Once it is closed nobody else listens there.
	const [host] = ownLoopbackHosts();
	const far = await listen(`tcp://${host}:0`);
	const serving = (async () => {
		for await (const stream of far) await stream.close();
	})();
	const address = formatAddress(far.address);
	const { code, stdout } = await ours(["ping", address, ...FAST]);
	assert.equal(code, 0);
	assert.match(
		stdout.toString(),
		/^1: [\d.]+ ms\n2: .*\n3: .*\n.*: 3 sent, 3 answered; least [\d.]+ ms, median/,
	);
	const json = (await ours(["ping", address, ...FAST, "--json"])).stdout
		.toString()
		.trim()
		.split("\n");
	assert.deepEqual(
		json.map((line) => (JSON.parse(line) as { number: number }).number),
		[1, 2, 3],
	);
	far.close();
	await serving;
	const refused = await ours(["ping", address, ...FAST]);
	assert.deepEqual([refused.code, /3 sent, 0 answered/.test(refused.stdout.toString())], [1, true]);
});

test("ping --echo measures round trips over streams, messages and datagrams", async () => {
	await inFolder(async (folder) => {
		for (const at of ["tcp://127.0.0.1:0", `unix-seqpacket:${folder}/s`, "udp://127.0.0.1:0"]) {
			const server = startOurs(["listen", at, "--echo"]);
			const [, to = ""] = await server.said(/listening on (.*)\n/);
			const { code, stdout } = await ours(["ping", to, "--echo", "--size", "1k", ...FAST]);
			assert.deepEqual([code, /3 sent, 3 answered/.test(stdout.toString())], [0, true]);
			server.process.kill("SIGTERM");
			assert.doesNotMatch((await server.ended).stderr, /ECONNRESET/);
		}
	});
	assert.equal((await ours(["ping", "udp://h:1"])).code, 2);
});
