/** `--json`: every line has the form that the guide of its command, and so the documentation, says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress, type Listener, listen, type Stream } from "socketry";
import { CATALOG } from "#src/cli/catalog.ts";
import type { Child } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { ownLoopbackHosts } from "../support/own-addresses.ts";
import { runProgram, startProgram } from "./program.ts";

type Line = Readonly<Record<string, unknown>>;

test("connect tells what comes, as text or as base64", async () => {
	await using server = await serve(async (stream) => {
		await stream.write("text");
		await stream.write(Buffer.from([0xff, 0xfe]));
	});
	const { stdout } = await runProgram(["connect", addressOf(server), "--json"]);
	const lines = await checked("connect", stdout);
	assert.deepEqual(typesOf(lines), ["data"]);
	assert.equal(joined(lines), "text\xff\xfe");
});

test("listen tells where, who comes, what comes, and who leaves", async () => {
	const child = startProgram(["listen", "0", "--json"]);
	const first = await child.line();
	const address = (JSON.parse(first) as { address: string }).address;
	await runProgram(["ping", address, "--count", "1"]);
	const lines = await checked("listen", (await child.ended).stdout);
	assert.deepEqual(typesOf(lines), ["connected", "disconnected", "listening"]);
});

test("listen tells who sends datagrams", async () => {
	const child = startProgram(["listen", "udp://127.0.0.1:0", "--json", "--count", "1"]);
	const { address } = JSON.parse(await child.line()) as { address: string };
	await runProgram(["ping", address, "--echo", "--count", "1", "--timeout", "10ms"]);
	const lines = await checked("listen", (await child.ended).stdout);
	assert.deepEqual(typesOf(lines), ["data", "listening"]);
	assert.match(String(lines[1]?.["from"]), /^udp:\/\//);
});

test("relay tells where, what goes wrong, and its figures", async () => {
	await inFolder(async (folder) => {
		const args = ["relay", "0", `${folder}/nobody`, "--json"];
		const child = startProgram(args);
		const { address } = JSON.parse(await child.line()) as { address: string };
		await runProgram(["connect", address]);
		assert.equal((JSON.parse(await child.line()) as Line)["type"], "message");
		child.process.kill("SIGUSR1");
		assert.equal((JSON.parse(await child.line()) as Line)["type"], "figures");
		const lines = await checked("relay", await interrupted(child));
		assert.deepEqual(typesOf(lines), ["figures", "listening", "message", "summary"]);
	});
});

test("wait and ping tell of each that is reached", async () => {
	await using server = await serve(async () => {});
	const address = addressOf(server);
	const waited = await runProgram(["wait", address, "--json"]);
	assert.deepEqual(typesOf(await checked("wait", waited.stdout)), ["reachable"]);
	const args = ["ping", address, "--count", "2", "--interval", "0", "--json"];
	const lines = await checked("ping", (await runProgram(args)).stdout);
	assert.deepEqual(
		lines.map(({ type, number }) => [type, number]),
		[
			["pong", 1],
			["pong", 2],
		],
	);
});

test("fault tells of its start, of connections, and of those that could not be", async () => {
	// Once it is closed nobody else listens there.
	const [host] = ownLoopbackHosts();
	await using server = await serve(async (stream) => await stream.write("hello"), host);
	const child = startProgram(["fault", "0", addressOf(server), "--latency", "1ms", "--json"]);
	const { from } = JSON.parse(await child.line()) as { from: string };
	await runProgram(["connect", from]);
	await child.line();
	const address = addressOf(server);
	server.close();
	await runProgram(["connect", from]);
	await child.line();
	const lines = await checked("fault", await interrupted(child));
	assert.deepEqual(typesOf(lines), ["connection", "start", "unreachable"]);
	assert.equal(lines[0]?.["to"], address);
});

test("fault tells of datagrams that it hits, and in the end of their senders", async () => {
	const args = ["fault", "udp://127.0.0.1:0", "udp://127.0.0.1:9", "--loss", "1", "--json"];
	const child = startProgram(args);
	const { from } = JSON.parse(await child.line()) as { from: string };
	await runProgram(["ping", from, "--echo", "--count", "1", "--timeout", "10ms"]);
	await child.line();
	const lines = await checked("fault", await interrupted(child));
	assert.deepEqual(typesOf(lines), ["connection", "fault", "start"]);
});

test("ls tells of sockets, of what is not shown, and how many there are", async () => {
	await using server = await serve(async () => {});
	const { stdout } = await runProgram(["ls", "--json", "--port", String(portOf(server))]);
	const lines = await checked("ls", stdout);
	assert.deepEqual(
		typesOf(lines).filter((type) => type !== "note"),
		["socket", "summary"],
	);
});

test("compare tells its figures, and what they were taken on", async () => {
	const args = ["compare", "--kind", "unix", "--duration", "0.2", "--json"];
	const lines = await checked("compare", (await runProgram(args)).stdout);
	const types = ["environment", "guarantees", "result", "round_trips", "summary"];
	assert.deepEqual(
		typesOf(lines).filter((type) => type !== "advice"),
		types,
	);
});

/** Parses lines, and holds them against the guide. */
async function checked(command: string, stdout: string): Promise<readonly Line[]> {
	const { guide } = (await CATALOG[command]?.load()) ?? {};
	const lines = stdout.trimEnd().split("\n");
	return lines.map((text) => {
		const line = JSON.parse(text) as Line;
		const promised = guide?.lines?.[String(line["type"])];
		assert.ok(promised, `${command} says nothing of ${text}`);
		assert.equal(line["v"], 1);
		const { type: _, v: __, ...fields } = line;
		const unknown = Object.keys(fields).filter((field) => !promised.fields.includes(field));
		assert.deepEqual(unknown, [], text);
		if (promised.fields.includes("time")) {
			assert.match(String(line["time"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
		}
		return line;
	});
}

function typesOf(lines: readonly Line[]): string[] {
	return [...new Set(lines.map(({ type }) => String(type)))].sort();
}

function joined(lines: readonly Line[]): string {
	const pieces = lines.map(({ text = "", b64 = "" }) => {
		return `${text as string}${Buffer.from(b64 as string, "base64").toString("latin1")}`;
	});
	return pieces.join("");
}

async function interrupted(child: Child): Promise<string> {
	child.process.kill("SIGINT");
	return (await child.ended).stdout;
}

/** A server that says something to everybody, and closes. */
async function serve(
	talk: (stream: Stream) => Promise<unknown>,
	host = "127.0.0.1",
): Promise<Listener<Stream>> {
	const listener = await listen(`tcp://${host}:0`);
	void (async () => {
		for await (const stream of listener) {
			await talk(stream).catch(() => {});
			await stream.close().catch(() => {});
		}
	})();
	return listener;
}

function addressOf({ address }: Listener<Stream>): string {
	return formatAddress(address);
}

function portOf({ address }: Listener<Stream>): number {
	return "port" in address ? address.port : 0;
}
