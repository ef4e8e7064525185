import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { datagrams, formatAddress, listen } from "socketry";
import { socket as makeSocket } from "socketry/socket";
import { inFolder } from "../support/folder.ts";
import { freePort } from "../support/programs.ts";
import { ours } from "./talk.ts";

// Node 24 and later is "MainThread".
const OWN_NAME = readFileSync("/proc/self/comm", "utf8").trim();

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
	const { code, stdout, stderr } = await ours(["explain", "what", "8080", "tcp://x:99999"]);
	assert.equal(code, 2);
	assert.match(stdout.toString(), /^8080\n/, "the others are explained all the same");
	assert.match(stderr.toString(), /"what" is no address.*\n.*99999/);
});

test("explain tells who is there now, and what comes of it", async () => {
	await inFolder(async (folder) => {
		const me = `${OWN_NAME}\\[${process.pid}\\]`;
		await using listener = await listen(`unix:${folder}/live`);
		await using server = await listen("tcp://127.0.0.1:0");
		await using named = await datagrams("udp://*:0");
		const dead = makeSocket("unix", "stream");
		dead.bind({ family: "unix", path: `${folder}/dead` });
		dead.close();
		const missing = await freePort();
		const places: readonly (readonly [word: string, expected: RegExp])[] = [
			[`${folder}/live`, new RegExp(`now +${me} has unix:.*/live, and is reached`)],
			[
				`unix-dgram:${folder}/live`,
				new RegExp(`now +${me} has .*: it is unix, so this leads nowhere`),
			],
			[`${folder}/dead`, /now +nobody has it: connecting is refused, listening replaces it/],
			[`${folder}/no/x`, /its directory is missing/],
			[
				formatAddress(server.address),
				new RegExp(`now +${me} has tcp://127.0.0.1:\\d+, and is reached`),
			],
			[`udp://localhost:${portOf(named.address)}`, new RegExp(`now +${me} has udp:`)],
			[`${missing}`, /now +nobody listens there: connecting is refused/],
			["192.0.2.1:80", /now +on another machine/],
			["fd:0", /there +a socket: unix, established/],
			["fd:99", /there +nothing/],
		];
		const { code, stdout } = await ours(["explain", ...places.map(([word]) => word)]);
		assert.equal(code, 0);
		const parts = stdout.toString().split(/^(?=\S)/m);
		for (const [i, [, expected]] of places.entries()) assert.match(parts[i] ?? "", expected);
		listener.close();
	});
});

test("an address in use is told with who has it", async () => {
	await inFolder(async (folder) => {
		await using listener = await listen(`unix:${folder}/live`);
		await using server = await listen("tcp://127.0.0.1:0");
		for (const [args, where] of [
			[["listen", `${folder}/live`], formatAddress(listener.address)],
			[["relay", formatAddress(server.address), "1"], formatAddress(server.address)],
			[
				["relay", formatAddress(server.address), "1", "--takeover", `${folder}/c`],
				formatAddress(server.address),
			],
		] as const) {
			const { code, stderr } = await ours(args);
			assert.equal(code, 3);
			assert.ok(
				stderr.includes(`EADDRINUSE ${where}: ${OWN_NAME}[${process.pid}] has it; stop it`),
				stderr,
			);
		}
	});
});

function portOf(address: object): number {
	return (address as { readonly port: number }).port;
}
