/** Sockets from the real `systemd-socket-activate`, of every kind that it can make. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect, datagrams } from "socketry";
import type { Child } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";
import { freePort, lacking, lineLike, startPeer } from "../support/programs.ts";

const skip = lacking("systemd-socket-activate");
const child = fileURLToPath(new URL("./passed.child.js", import.meta.url));

/** Starts it; it starts our child when somebody knocks. Resolves when it listens. */
async function activate(flags: readonly string[], args: readonly string[]): Promise<Child> {
	// It hands nothing on of its environment, unless told so.
	const handed = ["SOCKETRY_ADDON", "NODE_OPTIONS", "ASAN_OPTIONS", "UBSAN_OPTIONS"]
		.filter((name) => process.env[name] !== undefined)
		.map((name) => `--setenv=${name}=${process.env[name]}`);
	const preload = process.env["LD_PRELOAD"];
	if (preload) handed.push(`--setenv=LD_PRELOAD=${preload}`);
	const command = [...flags, ...handed, process.execPath, child, ...args];
	const started = startPeer("systemd-socket-activate", command, { lines: "stderr" });
	// It opens one after the other, and says so of each.
	for (const flag of flags) if (flag === "-l") await lineLike(started, /^Listening on /);
	return started;
}

async function saidBy(started: Child): Promise<unknown[]> {
	const { stdout, code, stderr } = await started.ended;
	assert.equal(code, 0, stderr);
	return stdout
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line) as unknown);
}

test("a TCP listener is found by its name", { skip }, async () => {
	const port = await freePort();
	const started = await activate(["-l", `127.0.0.1:${port}`, "--fdname=http"], ["listen", "http"]);
	const stream = await connect(`tcp://127.0.0.1:${port}`, PATIENT);
	await stream.write("ping\n");
	assert.equal(String(await stream.readExactly(4, PATIENT)), "pong");
	await stream.close();
	assert.deepEqual(await saidBy(started), [
		{ asked: "ping", transport: "tcp" },
		{ left: [], variables: [] },
	]);
});

test("of two listeners one is taken by its name, and the other is left", { skip }, async () => {
	await inFolder(async (folder) => {
		const [first, second] = [join(folder, "first"), join(folder, "second")];
		const started = await activate(["-l", first, "-l", second, "--fdname=a:b"], ["listen", "b"]);
		const stream = await connect(`unix:${second}`, PATIENT);
		await stream.write("ping\n");
		assert.equal(String(await stream.readExactly(4, PATIENT)), "pong");
		await stream.close();
		assert.deepEqual(await saidBy(started), [
			{ asked: "ping", transport: "unix" },
			{ left: ["a"], variables: [] },
		]);
	});
});

test("a listener for messages (seqpacket) is found by its name", { skip }, async () => {
	await inFolder(async (folder) => {
		const path = join(folder, "s");
		const started = await activate(
			["--seqpacket", "-l", path, "--fdname=packets"],
			["listen", "packets"],
		);
		const packets = await connect(`unix-seqpacket:${path}`, PATIENT);
		await packets.send("ping");
		assert.equal(String(await packets.receive(PATIENT)), "pong");
		await packets.close();
		assert.deepEqual((await saidBy(started))[0], { asked: "ping", transport: "unix-seqpacket" });
	});
});

test("a Unix datagram socket is found by its name, and has the datagram that woke it", {
	skip,
}, async () => {
	await inFolder(async (folder) => {
		const path = join(folder, "d");
		const started = await activate(
			["--datagram", "-l", path, "--fdname=log"],
			["datagrams", "log"],
		);
		const socket = await datagrams(undefined, { connect: `unix-dgram:${path}` });
		await socket.send("ping");
		assert.equal(String((await socket.receive(PATIENT)).data), "pong");
		await socket.close();
		assert.deepEqual(await saidBy(started), [{ asked: "ping", transport: "unix-dgram" }]);
	});
});

test("a UDP socket is found by its name", { skip }, async () => {
	const port = await freePort();
	const flags = ["--datagram", "-l", `127.0.0.1:${port}`, "--fdname=dns"];
	const started = await activate(flags, ["datagrams", "dns"]);
	const socket = await datagrams(undefined, { connect: `udp://127.0.0.1:${port}` });
	await socket.send("ping");
	assert.equal(String((await socket.receive(PATIENT)).data), "pong");
	await socket.close();
	assert.deepEqual(await saidBy(started), [{ asked: "ping", transport: "udp" }]);
});

test("with --accept the connection itself is passed, and connect() takes it", {
	skip,
}, async () => {
	await inFolder(async (folder) => {
		const path = join(folder, "s");
		const started = await activate(
			["--accept", "-l", path, "--fdname=connection"],
			["connect", "connection"],
		);
		const stream = await connect(`unix:${path}`, PATIENT);
		await stream.write("ping\n");
		assert.equal(String(await stream.readExactly(4, PATIENT)), "pong");
		await stream.close();
		// It goes on, for the next connection.
		started.process.kill("SIGTERM");
		const { stdout } = await started.ended;
		assert.equal(stdout, '{"asked":"ping","transport":"unix"}\n');
	});
});

test("fromSystemd() takes everything once, and the variables with it", { skip }, async () => {
	await inFolder(async (folder) => {
		const paths = ["a", "b", "c"].map((name) => join(folder, name));
		const flags = paths.flatMap((path) => ["-l", path]);
		const started = await activate([...flags, "--fdname=web:web:admin"], ["all"]);
		const stream = await connect(`unix:${paths[2]}`, PATIENT);
		const said = await saidBy(started);
		await stream.close();
		assert.deepEqual(said, [
			{
				variables: ["LISTEN_FDNAMES", "LISTEN_FDS", "LISTEN_PID"],
				passed: [
					["web", "listener"],
					["web", "listener"],
					["admin", "listener"],
				],
				again: [],
				left: [],
			},
		]);
	});
});

test("a name that several sockets have is refused, with their number", { skip }, async () => {
	await inFolder(async (folder) => {
		const [first, second] = [join(folder, "first"), join(folder, "second")];
		const started = await activate(["-l", first, "-l", second, "--fdname=web:web"], ["", "web"]);
		const stream = await connect(`unix:${first}`, PATIENT);
		const [{ code, message }] = (await saidBy(started)) as [{ code: string; message: string }];
		await stream.close();
		assert.equal(code, "ERR_SYSTEMD");
		assert.match(message, /^2 sockets are named "web"/);
	});
});
