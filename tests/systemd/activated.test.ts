/** Descriptors passed on to children: ours, and programs of systemd that know sd_listen_fds(3). */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect, datagrams, type Listener, listen, type Stream, socketpair } from "socketry";
import { socket } from "socketry/socket";
import { activated } from "socketry/systemd";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { find, lacking } from "../support/programs.ts";

const script = fileURLToPath(new URL("./passed.child.js", import.meta.url));

async function saidBy(child: ChildProcess): Promise<unknown[]> {
	let text = "";
	child.stdout?.setEncoding("utf8").on("data", (more: string) => {
		text += more;
	});
	const [code] = await once(child, "close");
	assert.equal(code, 0, text);
	return text
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line) as unknown);
}

const stdio = ["ignore", "pipe", "inherit"] as const;

test("a child of ours gets descriptors of every kind, with their names", async () => {
	await inFolder(async (folder) => {
		const fifo = join(folder, "fifo");
		execFileSync("mkfifo", [fifo]);
		const opened = [
			await listen("tcp://127.0.0.1:0"),
			await listen(`unix-seqpacket:${join(folder, "packets")}`),
			await datagrams("udp://127.0.0.1:0"),
			await datagrams(`unix-dgram:${join(folder, "datagrams")}`),
			...socketpair(),
			...socketpair("seqpacket"),
			await open(fifo, "r+"),
			await open(script),
			await open("/dev/zero"),
			await open(folder),
		];
		const descriptors = opened.map((each, i) => [`n${i % 10} x`, each] as const);
		const args = activated(process.execPath, [script, "all"], descriptors, {
			stdio: [...stdio],
		});
		const saying = saidBy(spawn(...args));
		for (const each of opened) await each.close();
		const [said] = await saying;
		const kinds = [
			...["listener", "listener", "datagrams", "datagrams", "stream", "stream"],
			...["packets", "packets", "pipe", "file", "character-device", "directory"],
		];
		assert.deepEqual(said, {
			variables: ["LISTEN_FDNAMES", "LISTEN_FDS", "LISTEN_PID"],
			passed: kinds.map((kind, i) => [`n${i % 10} x`, kind]),
			again: [],
			left: [],
		});
	});
});

test("a child serves the listener of its parent, which closes its own", async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const { port } = listener.address;
	const args = activated(process.execPath, [script, "listen", "http"], { http: listener });
	const child = spawn(...args);
	const saying = saidBy(child);
	listener.close();
	const stream = await connect(`tcp://127.0.0.1:${port}`, PATIENT);
	await stream.write("ping\n");
	assert.equal(String(await stream.readExactly(4, PATIENT)), "pong");
	await stream.close();
	assert.deepEqual(await saying, [
		{ asked: "ping", transport: "tcp" },
		{ left: [], variables: [] },
	]);
});

test("sockets of one name are told apart by their kind, and one that is taken in vain is left", async () => {
	const opened = [
		await listen("tcp://127.0.0.1:0"),
		await datagrams("udp://127.0.0.1:0"),
		socket("unix", "stream"),
	];
	const descriptors = opened.map((each) => ["dns", each] as const);
	const saying = saidBy(
		spawn(...activated(process.execPath, [script, "both", "dns"], descriptors)),
	);
	for (const each of opened) await each.close();
	assert.deepEqual(await saying, [
		["tcp", "udp", "ENOTCONN", ["stream"]],
		'No listener named "dns" was passed: all that was passed has been taken',
	]);
});

test("a child serves a connection of its parent", async () => {
	const [ours, theirs] = socketpair();
	const saying = saidBy(
		spawn(...activated(process.execPath, [script, "connect", "c"], { c: theirs })),
	);
	await theirs.close();
	await ours.write("ping\n");
	assert.equal(String(await ours.readExactly(4, PATIENT)), "pong");
	assert.equal(await ours.read(PATIENT), null);
	assert.deepEqual(await saying, [{ asked: "ping", transport: "unix" }]);
	await ours.close();
});

test("variables of this process, and arguments with spaces and quotes, reach the program as they are", async () => {
	const env = { ONLY: "this 'one'", PATH: process.env["PATH"] };
	const print =
		"const { ONLY, LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID, HOME } = process.env;" +
		"const ours = LISTEN_PID === String(process.pid);" +
		"console.log(JSON.stringify({ ONLY, LISTEN_FDS, LISTEN_FDNAMES, ours, HOME, argv: process.argv.slice(1) }))";
	const words = ["--eval", print, "--", "a b", "$HOME", `"'`];
	const args = activated("node", words, [["x", 0]], { env, stdio: [...stdio] });
	assert.deepEqual(await saidBy(spawn(...args)), [
		{
			ONLY: "this 'one'",
			LISTEN_FDS: "1",
			LISTEN_FDNAMES: "x",
			ours: true,
			argv: ["a b", "$HOME", `"'`],
		},
	]);
});

test("systemd-socket-proxyd takes our listener, and relays to another of ours", {
	skip: lacking("systemd-socket-proxyd"),
}, async () => {
	await inFolder(async (folder) => {
		const behind: Listener<Stream> = await listen(`unix:${join(folder, "behind")}`);
		const front = await listen("tcp://127.0.0.1:0");
		const { port } = front.address;
		const proxy = find("systemd-socket-proxyd") as string;
		const env = { ...process.env, LD_PRELOAD: "" };
		const child = spawn(...activated(proxy, [join(folder, "behind")], { front }, { env }));
		front.close();
		const client = await connect(`tcp://127.0.0.1:${port}`, PATIENT);
		await client.write("through the proxy\n");
		const served = await behind.accept(PATIENT);
		assert.equal(String(await served.readUntil("\n", PATIENT)), "through the proxy\n");
		await served.write("and back\n");
		assert.equal(String(await client.readUntil("\n", PATIENT)), "and back\n");
		await Promise.all([client.close(), served.close()]);
		behind.close();
		child.kill();
		await once(child, "close");
	});
});

test("a program that is missing is told by the exit code of the shell", async () => {
	const args = activated("/nonexistent/program", [], { x: 0 }, { stdio: "ignore" });
	const [code] = await once(spawn(...args), "close");
	assert.equal(code, 127);
});

test("what is wrong is refused before anything is started", async () => {
	const [left, right] = socketpair();
	await left.close();
	const wrong: readonly (readonly [() => unknown, string])[] = [
		[() => activated("x", [], {}), "ERR_INVALID_ARG_VALUE"],
		[() => activated("x", [], null as never), "ERR_INVALID_ARG_TYPE"],
		[() => activated("x", [], [0] as never), "ERR_INVALID_ARG_TYPE"],
		[() => activated("x", [], { "a:b": 0 }), "ERR_INVALID_ARG_VALUE"],
		[() => activated("x", [], { a: left }), "ERR_CLOSED"],
		[() => activated("x", [], { a: 9_999 }), "EBADF"],
		[() => activated("x", [], { a: "b" as never }), "ERR_INVALID_ARG_TYPE"],
		[() => activated("x", [1 as never], { a: 0 }), "ERR_INVALID_ARG_TYPE"],
		[() => activated(1 as never, [], { a: 0 }), "ERR_INVALID_ARG_TYPE"],
		[() => activated("x", [], { a: 0 }, { stdio: [0, 1, 2, 3] }), "ERR_INVALID_ARG_VALUE"],
		[() => activated("x", [], { a: 0 }, { shell: true }), "ERR_INVALID_ARG_VALUE"],
	];
	for (const [call, code] of wrong) assert.throws(call, { code }, call.toString());
	await right.close();
});
