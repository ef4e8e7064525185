import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { test } from "node:test";
import { connect, datagrams, listen, type Stream } from "socketry";
import { Toxiproxy } from "toxiproxy-node-client";
import { inFolder } from "../support/folder.ts";
import { abstractName } from "../support/pairs.ts";
import { runProgram, startProgram } from "./program.ts";

interface Row {
	readonly type: string;
	readonly [name: string]: unknown;
}

test("socketry fault --help shows examples first and fits a screen", async () => {
	const { code, stdout } = await runProgram(["fault", "--help"]);
	assert.equal(code, 0);
	assert.match(stdout, /^Examples:/);
	const lines = stdout.trimEnd().split("\n");
	assert.ok(lines.length <= 40, `${lines.length} lines`);
	for (const line of lines) assert.ok(line.length <= 80, line);
});

const MISTAKES: readonly (readonly [string, readonly string[], RegExp])[] = [
	["one address", ["8080"], /two addresses/],
	[
		"a stream and datagrams",
		["8080", "udp://127.0.0.1:1"],
		/8080 is a stream, and udp:\/\/127.0.0.1:1 datagrams/,
	],
	[
		"a fault of streams for messages",
		["unix-seqpacket:@a", "unix-seqpacket:@b", "--toxic", "slicer"],
		/or "loss"/,
	],
	["faults without a relay", ["--control", "1", "--loss", "1"], /FROM and TO/],
	["an unknown fault", ["1", "2", "--toxic", "lag"], /must be "latency" or/],
	["an unknown value", ["1", "2", "--toxic", "latency:lag=1"], /latency, jitter/],
	["loss in a stream", ["1", "2", "--loss", "0.1"], /--loss is for messages and datagrams/],
	["a share in percent", ["udp://a:1", "udp://a:2", "--loss", "10%"], /from 0 to 1, such as 0.1/],
	["a rate with a unit", ["1", "2", "--bandwidth", "1MB"], /times 1000 bytes a second/],
	["a share beyond one", ["udp://a:1", "udp://a:2", "--loss", "2"], /from 0 to 1/],
	["a seed that is none", ["1", "2", "--seed", "x"], /--seed/],
	["who may call by TCP", ["1", "2", "--allow", "user=root"], /--allow is for unix:/],
	["a mode without a file", ["--control", "1", "--mode", "600"], /--mode is for socket files/],
	["a mode in words", ["./a.sock", "2", "--mode", "rw"], /three octal digits/],
];

for (const [what, args, message] of MISTAKES) {
	test(`${what} is exit code 2 and says what to write`, async () => {
		const { code, stdout, stderr } = await runProgram(["fault", ...args]);
		assert.deepEqual([code, stdout], [2, ""]);
		assert.match(stderr, message);
	});
}

test("a stream is cut where it was asked for, and told of", async () => {
	await using server = await listen("tcp://127.0.0.1:0");
	const to = `tcp://127.0.0.1:${server.address.port}`;
	const args = ["tcp://127.0.0.1:0", to, "--json", "--seed", "9", "--toxic", "limit_data:bytes=5"];
	const program = startProgram(["fault", ...args]);
	const start = JSON.parse(await program.line()) as Row;
	assert.deepEqual([start.type, start["v"], start["seed"], start["to"]], ["start", 1, 9, to]);
	const client = (await connect(start["from"] as "tcp://x:1")) as Stream;
	const other = await server.accept();
	await other.write("0123456789");
	assert.equal(String(await client.readExactly(5)), "01234");
	assert.equal(await client.read(), null);
	await client.close();
	other.abort();
	const fault = JSON.parse(await program.line()) as Row;
	const row = JSON.parse(await program.line()) as Row;
	const cut = { direction: "downstream", toxic: "limit_data_downstream" };
	const { time, ...event } = fault;
	assert.deepEqual(event, { type: "fault", v: 1, connection: 0, ...cut, at: 5 });
	assert.match(String(time), /^\d{4}-/);
	assert.deepEqual(row, {
		type: "connection",
		v: 1,
		time: row["time"],
		connection: 0,
		upstream: { readBytes: 0, passedBytes: 0 },
		downstream: { readBytes: 10, passedBytes: 5 },
		fault: { kind: "close", ...cut },
	});
	program.process.kill("SIGINT");
	assert.equal((await program.ended).code, 130);
});

test("datagrams are doubled, and counted at the end", async () => {
	await using server = await datagrams("udp://127.0.0.1:0");
	const to = `udp://127.0.0.1:${server.address.port}`;
	const args = ["udp://127.0.0.1:0", to, "--duplicate", "1", "--json"];
	const program = startProgram(["fault", ...args]);
	const start = JSON.parse(await program.line()) as Row;
	await using client = await datagrams(undefined, { connect: start["from"] as string });
	await client.send("twice");
	for (let i = 0; i < 2; i++) assert.equal(String((await server.receive()).data), "twice");
	program.process.kill("SIGTERM");
	const { code, stdout } = await program.ended;
	assert.equal(code, 143);
	const end = JSON.parse(stdout.trimEnd().split("\n").at(-1) as string) as Row;
	assert.deepEqual([end.type, end["connection"]], ["connection", 0]);
	assert.deepEqual(end["upstream"], {
		...{ readBytes: 5, passedBytes: 10 },
		messages: { received: 1, passed: 2, loss: 0, duplicate: 1, reorder: 0, corrupt: 0, dropped: 0 },
	});
});

test("the same seed loses the same datagrams in another run", async () => {
	const lostBy = async (seed: string): Promise<unknown[]> => {
		await using server = await datagrams("udp://127.0.0.1:0");
		const to = `udp://127.0.0.1:${server.address.port}`;
		const program = startProgram([
			...["fault", "udp://127.0.0.1:0", to, "--json", "--seed", seed],
			...["--toxic", "loss@upstream:probability=0.5"],
		]);
		const start = JSON.parse(await program.line()) as Row;
		await using client = await datagrams(undefined, { connect: start["from"] as string });
		for (let number = 0; number < 40; number++) await client.send(`${number}`);
		const lost: unknown[] = [];
		while (lost.length < 10) lost.push((JSON.parse(await program.line()) as Row)["at"]);
		program.process.kill("SIGTERM");
		await program.ended;
		return lost;
	};
	const once = await lostBy("5");
	assert.deepEqual(await lostBy("5"), once);
	assert.notDeepEqual(await lostBy("6"), once);
});

test("messages of a connection are lost, and people are told how many", async () => {
	const to = `unix-seqpacket:${abstractName()}` as const;
	const from = `unix-seqpacket:${abstractName()}` as const;
	await using server = await listen(to);
	const program = startProgram(["fault", from, to, "--loss", "1", "--seed", "3"], {
		lines: "stderr",
	});
	await program.line();
	const client = await connect(from);
	const other = await server.accept();
	for (const message of ["a", "b", "c"]) await client.send(message);
	await client.closeWrite();
	assert.equal(await other.receive(), null);
	await other.close();
	await client.close();
	assert.equal(await program.line(), "connection 0: 0 of 3 messages up, 0 down, ended");
	assert.equal(await program.line(), "    up: 3 lost");
	program.process.kill("SIGINT");
	assert.equal((await program.ended).code, 130);
});

test("without a relay of its own, all of them come by the HTTP interface", async () => {
	await using server = await datagrams("udp://127.0.0.1:0");
	const upstream = `udp://127.0.0.1:${server.address.port}`;
	const program = startProgram([
		"fault",
		"--control",
		"tcp://127.0.0.1:0",
		"--seed",
		"1",
		"--json",
	]);
	const start = JSON.parse(await program.line()) as Row;
	const toxiproxy = new Toxiproxy(String(start["control"]).replace("tcp:", "http:"));
	const proxy = await toxiproxy.createProxy({ name: "dns", listen: "udp://127.0.0.1:0", upstream });
	await proxy.addToxic({
		type: "loss",
		stream: "upstream",
		attributes: { probability: 1 },
	} as never);
	await using client = await datagrams(undefined, { connect: proxy.listen });
	await client.send("gone");
	const { type, proxy: name, at } = JSON.parse(await program.line()) as Row;
	assert.deepEqual([type, name, at], ["fault", "dns", 0]);
	program.process.kill("SIGINT");
	assert.equal((await program.ended).code, 130);
});

test("a relay is changed while it runs by a client library of Toxiproxy", async () => {
	await using server = await listen("tcp://127.0.0.1:0");
	const to = `tcp://127.0.0.1:${server.address.port}`;
	const args = ["tcp://127.0.0.1:0", to, "--json", "--control", "tcp://127.0.0.1:0"];
	const program = startProgram(["fault", ...args]);
	const start = JSON.parse(await program.line()) as Row;
	const toxiproxy = new Toxiproxy(String(start["control"]).replace("tcp:", "http:"));
	const proxy = await toxiproxy.get("default");
	assert.equal(`tcp://${proxy.listen}`, start["from"]);
	await proxy.addToxic({ type: "limit_data", attributes: { bytes: 3 } } as never);
	const client = (await connect(start["from"] as "tcp://x:1")) as Stream;
	const other = await server.accept();
	await other.write("0123456789");
	assert.equal(String(await client.readExactly(3)), "012");
	assert.equal(await client.read(), null);
	await client.close();
	other.abort();
	program.process.kill("SIGINT");
	assert.equal((await program.ended).code, 130);
});

for (const control of [[], ["--control", "tcp://127.0.0.1:0"]]) {
	const how = control.length > 0 ? " that can be controlled" : "";
	test(`the socket file of a relay${how} has the permissions that were asked for, and lets in who was named`, async () => {
		await using server = await listen("tcp://127.0.0.1:0");
		const to = `tcp://127.0.0.1:${(server.address as { port: number }).port}`;
		const visit = async (user: number, body: (client: Stream) => Promise<void>): Promise<void> => {
			await inFolder(async (folder) => {
				const path = `${folder}/x.sock`;
				const access = ["--mode", "640", "--allow", `user=${user}`];
				const program = startProgram(["fault", path, to, "--json", ...access, ...control]);
				await program.line();
				assert.equal(statSync(path).mode & 0o777, 0o640);
				await using client = (await connect(`unix:${path}`)) as Stream;
				await body(client);
				program.process.kill("SIGTERM");
				assert.equal((await program.ended).code, 143);
			});
		};
		const self = process.geteuid?.() ?? 0;
		await visit(self + 1, async (client) => assert.equal(await client.read(), null));
		assert.equal(server.acceptedCount, 0);
		await visit(self, async () => (await server.accept()).abort());
	});
}
