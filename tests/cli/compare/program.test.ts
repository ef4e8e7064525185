import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { listen, type Stream } from "socketry";
import { until } from "../../support/patience.ts";
import { runProgram, startProgram } from "../program.ts";

const folder = mkdtempSync(join(tmpdir(), "socketry-test-"));
after(() => rmSync(folder, { recursive: true }));

/** What a run may leave behind is looked for in a place of its own. */
const own = { env: { TMPDIR: folder } };

test("a short comparison of two kinds prints tables and leaves nothing behind", async () => {
	const { code, stdout, stderr } = await runProgram(
		["compare", "--kind", "tcp,unix", "--duration", "300ms"],
		own,
	);
	assert.equal(code, 0, stderr);
	assert.match(stdout, /^Unix stream +\d/m);
	assert.match(stdout, /^TCP +\d/m);
	assert.doesNotMatch(stdout, /^UDP/m);
	assert.match(stdout, /Both programs stay on one machine: /);
	assert.match(stderr, /^comparing Unix stream, TCP: about 1 s\n$/);
	assert.deepEqual(leftovers(), []);
});

test("all kinds at once give JSON Lines and a page", async () => {
	const html = join(folder, "page.html");
	const { code, stdout, stderr } = await runProgram(
		["compare", "--json", "--html", html, "--size", "100", "--duration", "1"],
		own,
	);
	assert.equal(code, 0, stderr);
	const lines = stdout
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line));
	const kinds = new Set(lines.filter(({ type }) => type === "result").map(({ kind }) => kind));
	const skipped = lines.filter(({ type }) => type === "skipped").map(({ kind }) => kind);
	assert.equal(kinds.size + skipped.length, 6);
	assert.equal(lines[0].size, 100);
	assert.match(readFileSync(html, "utf8"), /Round trip of 100 bytes/);
	rmSync(html);
	assert.deepEqual(leftovers(), []);
});

test("a reader that has seen enough ends it quietly", async () => {
	const args = ["compare", "--kind", "unix", "--duration", "100ms"];
	const program = startProgram(args, own);
	program.process.stdout?.destroy();
	const { code, stderr } = await program.ended;
	assert.equal(code, 0);
	assert.match(stderr, /^comparing Unix stream: about 1 s\n$/);
	assert.deepEqual(leftovers(), []);
});

test("without mkfifo the pipe is left out, and the rest is measured", async () => {
	const { code, stdout } = await runProgram(
		["compare", "--kind", "unix,pipe", "--duration", "100ms"],
		{ env: { ...own.env, PATH: folder } },
	);
	assert.equal(code, 0);
	assert.match(stdout, /pipe was not measured: the program mkfifo is not installed/);
});

test("Ctrl-C ends it with 130 and leaves nothing behind", async () => {
	const program = startProgram(["compare", "--kind", "unix,pipe", "--duration", "60"], own);
	const directory = await appears();
	program.process.kill("SIGINT");
	const { code, stdout } = await program.ended;
	assert.equal(code, 130);
	assert.equal(stdout, "");
	assert.equal(existsSync(directory), false);
});

test("the server process does not outlive a killed parent", async () => {
	const program = startProgram(["compare", "--kind", "unix", "--duration", "60"], own);
	const directory = await appears();
	program.process.kill("SIGKILL");
	await program.ended;
	await until(() => !existsSync(directory));
});

test("--serve and --to compare by address, and the socket files go with the server", async () => {
	const addresses = [
		"tcp://127.0.0.1:0",
		"udp://127.0.0.1:0",
		`unix:${folder}/a.sock`,
		`unix-dgram:${folder}/b.sock`,
		`unix-seqpacket:${folder}/c.sock`,
	];
	const server = startProgram([
		"compare",
		"--json",
		...addresses.flatMap((address) => ["--serve", address]),
	]);
	const places: string[] = [];
	for (const _ of addresses) places.push(JSON.parse(await server.line()).address);
	const { code, stdout, stderr } = await runProgram([
		"compare",
		...places.flatMap((address) => ["--to", address]),
		...["--duration", "500ms", "--json"],
	]);
	assert.equal(code, 0, stderr);
	const lines = stdout
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line));
	assert.equal(lines[0].remote, true);
	assert.equal(lines.filter(({ metric }) => metric === "round_trip_p50").length, 5);
	assert.equal(
		lines.find(({ kind, metric }) => kind === "udp" && metric === "large").message_bytes,
		1400,
	);
	server.process.kill("SIGINT");
	assert.equal((await server.ended).code, 130);
	assert.deepEqual(leftovers(), []);
});

test("a peer that is no comparison server gives a clear error and exit code 1", async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const stranger = (async () => {
		const stream = await listener.accept();
		await stream.write("220 mail.example ESMTP\r\n");
		await assert.rejects(readToEnd(stream), { code: "ECONNRESET" });
		await stream.close();
	})();
	const { host, port } = listener.address;
	const address = `tcp://${host}:${port}`;
	const { code, stdout, stderr } = await runProgram(["compare", "--to", address]);
	assert.equal(code, 1);
	assert.equal(stdout, "");
	assert.ok(stderr.includes(`${address} is no socketry compare server`), stderr);
	assert.ok(stderr.includes("socketry compare --serve ADDRESS"), stderr);
	await stranger;
	listener.close();
});

test("nobody at the address is exit code 1, an address in use is 3", async () => {
	const path = join(folder, "in-use.sock");
	const refused = await runProgram(["compare", "--to", `unix:${path}`]);
	assert.equal(refused.code, 1);
	assert.match(refused.stderr, /connect ENOENT/);
	const listener = await listen(`unix:${path}`);
	const denied = await runProgram(["compare", "--serve", `unix:${path}`]);
	assert.equal(denied.code, 3);
	assert.match(denied.stderr, /EADDRINUSE/);
	listener.close();
});

async function readToEnd(stream: Stream): Promise<void> {
	while ((await stream.read()) !== null);
}

function leftovers(): string[] {
	return readdirSync(folder);
}

/** The private directory of a running comparison, once its sockets are there. */
async function appears(): Promise<string> {
	let found: string | undefined;
	await until(() => {
		found = leftovers().find((name) => name.startsWith("socketry-compare-"));
		return found !== undefined && readdirSync(join(folder, found)).includes("unix.sock");
	});
	return join(folder, found as string);
}
