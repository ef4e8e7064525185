/** What strangers choose, such as the names of their sockets, does not command the terminal on which it is told. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { connect, listen } from "socketry";
import { jsonLine } from "#src/cli/exchange/json-lines.ts";
import { inFolder } from "../support/folder.ts";
import { ours, PROGRAM, startOurs } from "./talk.ts";

// Escape sequences by C0 and C1, a line that passes for one of ours, and a turn of the direction of writing.
const NAME = "\u001b]0;title\u0007\u009b2J\nsocketry relay: \u202eall is well";
const SHOWN = "\\x1b]0;title\\x07\\x9b2J\\x0asocketry relay: \\u202eall is well";

async function callAs(name: string, near: `unix:${string}`): Promise<void> {
	const localAddress = { transport: "unix", abstract: `${name} ${process.pid}` } as const;
	const client = await connect(near, { localAddress });
	await client.read().catch(() => null);
	await client.close();
}

function isHarmless(text: string): boolean {
	return !/(?!\n)\p{Cc}/u.test(text);
}

test("a relay tells of a client whose name holds control characters in one harmless line", async () => {
	await inFolder(async (folder) => {
		const relay = startOurs(["relay", `unix:${folder}/near`, `unix:${folder}/nobody`]);
		await relay.said(/^listening on /m);
		await callAs(NAME, `unix:${folder}/near`);
		await relay.said(/nobody: connect ENOENT/);
		relay.process.kill("SIGTERM");
		const { stderr } = await relay.ended;
		assert.ok(stderr.includes(`socketry relay: unix:@${SHOWN}`), stderr);
		assert.ok(isHarmless(stderr), JSON.stringify(stderr));
	});
});

test("JSON Lines hold no control character as it is", () => {
	const line = jsonLine("message", { text: NAME });
	assert.ok(isHarmless(line), JSON.stringify(line));
	assert.equal(JSON.parse(line).text, NAME);
});

test("neither does a listing: a name of a socket is no command to the terminal", async () => {
	const abstract = `${NAME} listed ${process.pid}`;
	await using _listener = await listen({ transport: "unix", abstract });
	const { code, stdout: bytes } = await ours(["ls", "--json", "listening"]);
	const stdout = String(bytes);
	assert.equal(code, 0);
	assert.ok(isHarmless(stdout));
	const lines = stdout.trimEnd().split("\n");
	const found = lines.map((line) => JSON.parse(line) as { readonly local?: string });
	assert.ok(found.some(({ local }) => local === `unix:@${abstract}`));
});

test("an error that quotes what an HTTP proxy has answered does so as well", async () => {
	const proxy = createServer((socket) => {
		socket.on("error", () => {});
		socket.once("data", () => socket.end("HTTP/1.1 403 \u001b[2Jno\r\n\r\n"));
	});
	await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
	const { port } = proxy.address() as { port: number };
	const { code, stderr } = await ours([
		"connect",
		"192.0.2.1:1",
		"--proxy",
		`http://127.0.0.1:${port}`,
	]);
	proxy.close();
	assert.notEqual(code, 0);
	assert.match(stderr, /403/);
	assert.ok(isHarmless(stderr), JSON.stringify(stderr));
});

test("names that come by the HTTP interface of faults do so as well", async () => {
	const fault = startOurs(["fault", "--control", "tcp://127.0.0.1:0"]);
	const [, at = ""] = await fault.said(/control at tcp:\/\/(\S+),/);
	const proxy = { name: NAME, listen: "127.0.0.1:0", upstream: "127.0.0.1:1" };
	const made = await fetch(`http://${at}/proxies`, { method: "POST", body: JSON.stringify(proxy) });
	const { listen: near } = (await made.json()) as { listen: string };
	// The reset may be faster than the news that we are connected.
	const client = await connect(`tcp://${near}`).catch(() => undefined);
	await client?.read().catch(() => null);
	await client?.close().catch(() => {});
	await fault.said(/ECONNREFUSED/);
	fault.process.kill("SIGTERM");
	const { stderr } = await fault.ended;
	assert.ok(stderr.includes(SHOWN), stderr);
	assert.ok(isHarmless(stderr), JSON.stringify(stderr));
});

test("what is said of the peer of a descriptor does so as well", async () => {
	await inFolder(async (folder) => {
		await using listener = await listen(`unix:${folder}/here`);
		const calling = callAs(NAME, `unix:${folder}/here`);
		const accepted = await listener.accept();
		const [program = "", ...args] = PROGRAM;
		const child = spawn(program, [...args, "explain", "fd:3"], {
			stdio: ["ignore", "pipe", "ignore", accepted.socket.fd],
		});
		const stdout = await text(child.stdout as Readable);
		assert.ok(stdout.includes(SHOWN), stdout);
		assert.ok(isHarmless(stdout), JSON.stringify(stdout));
		await accepted.close();
		await calling;
	});
});
