/** The program as a guest of shells and terminals: exit codes, pipes, colours, Ctrl-C. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import { connect, datagrams, formatAddress, listen } from "socketry";
import { startProgram } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { lacking } from "../support/programs.ts";
import { TypedTerminal } from "../support/terminals.ts";
import { runProgram } from "./program.ts";
import { PROGRAM_LINE as OURS } from "./talk.ts";

const RED = "\x1b[31m";

describe("a pipeline whose reader leaves", () => {
	const listings = [
		"--help",
		"ls",
		"ls --json",
		"explain 80 81 82",
		"completion bash",
		"connect --help",
	];
	for (const args of listings) {
		test(`socketry ${args} | head -1 is quiet, and nothing is wrong`, async () => {
			assert.deepEqual(await piped(args), ["0", ""]);
		});
	}

	test("socketry connect | head -1 is quiet, and was not read to the end", async () => {
		await using listener = await listen("tcp://127.0.0.1:0");
		const talking = assert.rejects(async () => {
			await using stream = await listener.accept();
			for (;;) await stream.write("line\n".repeat(10_000));
		});
		assert.deepEqual(await piped(`connect ${formatAddress(listener.address)}`), ["141", ""]);
		await talking;
	});
});

describe("colours", { skip: lacking("script") }, () => {
	const ARGS = ["connect", "app"];

	test("are for terminals", async () => {
		assert.ok((await shownBy(`${OURS} connect app`, {})).includes(RED));
		assert.ok(!(await shownBy(`${OURS} connect app`, { NO_COLOR: "1" })).includes(RED));
		assert.ok(!(await shownBy(`${OURS} connect app`, { TERM: "dumb" })).includes(RED));
	});

	test("are for others when they are forced", async () => {
		assert.ok((await runProgram(ARGS, { env: { FORCE_COLOR: "1" } })).stderr.includes(RED));
		assert.ok(!(await runProgram(ARGS)).stderr.includes(RED));
	});
});

describe("Ctrl-C", { skip: lacking("script") }, () => {
	test("ends a relay in good order: its file goes, what is under way may end", async () => {
		await inFolder(async (folder) => {
			await using far = await listen("tcp://127.0.0.1:0");
			const to = formatAddress(far.address);
			await using terminal = new TypedTerminal(`${OURS} relay ./near.sock ${to}`, { cwd: folder });
			await terminal.seen(/listening/);
			const near = await connect(`unix:${folder}/near.sock`);
			await near.write("a");
			const served = await far.accept();
			assert.equal((await served.read())?.toString(), "a");
			terminal.type("\x03");
			await terminal.seen(/Ctrl-C again leaves/);
			assert.equal(existsSync(`${folder}/near.sock`), false);
			await near.write("b");
			assert.equal((await served.read())?.toString(), "b");
			await Promise.all([near.close(), served.close()]);
			assert.equal(await terminal.ended, 130);
		});
	});

	test("ends it at once when it comes again", async () => {
		await using far = await listen("tcp://127.0.0.1:0");
		const to = formatAddress(far.address);
		await using terminal = new TypedTerminal(`${OURS} relay 0 ${to} --drain 1h`);
		const [, address = ""] = await terminal.seen(/listening on (tcp:[^,\s]+)/);
		const near = await connect(address as `tcp:${string}`);
		const served = await far.accept();
		terminal.type("\x03");
		await terminal.seen(/Ctrl-C again leaves/);
		terminal.type("\x03");
		assert.equal(await terminal.ended, 130);
		near.abort();
		served.abort();
	});

	test("ends a talk by datagrams at once, however long it would wait for more", async () => {
		await using far = await datagrams("udp://127.0.0.1:0");
		const to = formatAddress(far.address);
		await using terminal = new TypedTerminal(`${OURS} connect ${to} --idle 1h`);
		terminal.type("hello\r");
		assert.match(String((await far.receive()).data), /^hello/);
		terminal.type("\x03");
		assert.equal(await terminal.ended, 130);
	});

	test("leaves the prompt, and what is said last, a line of their own", async () => {
		await using quiet = new TypedTerminal(`${OURS} listen 0`);
		await quiet.seen(/listening/);
		quiet.type("\x03");
		await quiet.ended;
		assert.match(quiet.text, /\^C\r\n$/);
		await using loud = new TypedTerminal(`${OURS} ping 127.0.0.1:1 --interval 1h`);
		await loud.seen(/ECONNREFUSED/);
		loud.type("\x03");
		await loud.ended;
		assert.match(loud.text, /\^C\r\ntcp:.*: 1 sent, 0 answered\r\n$/);
	});

	test("removes the socket file of a server", async () => {
		await inFolder(async (folder) => {
			await using terminal = new TypedTerminal(`${OURS} listen ./x.sock --echo`, { cwd: folder });
			await terminal.seen(/listening/);
			assert.equal(existsSync(`${folder}/x.sock`), true);
			terminal.type("\x03");
			assert.equal(await terminal.ended, 130);
			assert.equal(existsSync(`${folder}/x.sock`), false);
		});
	});
});

test("a program that is not there, or cannot run, is told with what to do", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	const address = formatAddress(listener.address);
	const missing = await runProgram(["connect", address, "--", "no-such-program"]);
	assert.equal(missing.code, 127);
	assert.match(missing.stderr, /no-such-program is not there: install it, or give its path/);
	const unfit = await runProgram(["connect", address, "--", "/etc/passwd"]);
	assert.equal(unfit.code, 126);
	assert.match(unfit.stderr, /\/etc\/passwd cannot run: .*EACCES.*chmod \+x/);
});

/** Runs `socketry ARGS | head -1`. Returns the exit code of socketry, and what it said on standard error besides what ls cannot see. */
async function piped(args: string): Promise<[string, string]> {
	const line = `{ ${OURS} ${args} 2>&3; echo "code $?" >&4; } | head -1`;
	const { stdout, stderr } = await startProgram(["sh", "-c", `exec 3>&2 4>&1; ${line} >/dev/null`])
		.ended;
	return [/code (\d+)/.exec(stdout)?.[1] ?? "", stderr.replace(/^note: .*\n/gm, "")];
}

async function shownBy(command: string, env: Readonly<Record<string, string>>): Promise<string> {
	await using terminal = new TypedTerminal(command, { env });
	await terminal.ended;
	return terminal.text;
}
