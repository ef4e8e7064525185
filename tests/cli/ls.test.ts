/** `socketry ls`: what it prints, and what it takes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect, formatAddress, listen } from "socketry";
import { type ListedSocket, SOCKET_STATES, type SocketHolder } from "socketry/list";
import { differencesOf } from "#src/cli/ls/differences.ts";
import { longText } from "#src/cli/ls/records.ts";
import { filterOf, isWanted, readRequest } from "#src/cli/ls/request.ts";
import { inOrder, tableText } from "#src/cli/ls/table.ts";
import { treeText } from "#src/cli/ls/tree.ts";
import { shorten } from "#src/cli/ls/words.ts";
import { Terminal } from "#src/cli/terminal.ts";
import { columnsOf } from "#src/cli/text-width.ts";
import { plain } from "#src/cli/visible-text.ts";
import { NOBODY } from "../identity/callers.ts";
import { startProgram as start } from "../support/children.ts";
import { inFolder } from "../support/folder.ts";
import { ownLoopbackHosts } from "../support/own-addresses.ts";
import { lacking, lackingAnotherUser } from "../support/programs.ts";
import { ROOT } from "../support/root.ts";
import { runProgram, startProgram } from "./program.ts";

type Line = { readonly type: string; readonly v: number; readonly [name: string]: unknown };

function parsed(stdout: string): readonly Line[] {
	return stdout
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line) as Line);
}

test("socketry ls --help shows examples first and fits a screen", async () => {
	const { code, stdout } = await runProgram(["ls", "--help"]);
	assert.equal(code, 0);
	assert.match(stdout, /^Examples:/);
	const lines = stdout.trimEnd().split("\n");
	assert.ok(lines.length <= 40, `${lines.length} lines`);
	for (const line of lines) assert.ok(line.length <= 80, line);
});

const MISTAKES: readonly (readonly [string, readonly string[], RegExp])[] = [
	["an unknown option", ["--al"], /no option --al; did you mean --all\?/],
	["an unknown kind", ["--kind", "tpc"], /--kind knows no "tpc"; did you mean tcp\?/],
	["an unknown state", ["--state", "open"], /--state knows no "open"; there are: listening/],
	["a port that is none", ["--port", "http"], /--port must be a number, not "http"/],
	["a process that is none", ["--pid", "-1"], /--pid/],
	["a program", ["tcp", "--", "cat"], /no program is run/],
	["two forms", ["--json", "--tree"], /exclude each other/],
	["an interval alone", ["--interval", "1s"], /with --watch only/],
	["an interval of nothing", ["--watch", "--interval", "0"], /from 0.1 to 3600 seconds/],
];

for (const [what, args, message] of MISTAKES) {
	test(`${what} is exit code 2 and says what to write`, async () => {
		const { code, stdout, stderr } = await runProgram(["ls", ...args]);
		assert.deepEqual([code, stdout], [2, ""]);
		assert.match(stderr, message);
	});
}

test("a port shows its server and both ends of its connections, with the processes by name", async () => {
	const [host] = ownLoopbackHosts();
	const listener = await listen(`tcp://${host}:0`);
	const client = await connect(formatAddress(listener.address));
	const server = await listener.accept();
	const { port } = listener.address;
	const me = `[${process.pid}]`;
	const { code, stdout } = await runProgram(["ls", `:${port}`]);
	assert.equal(code, 0);
	const [heading = "", ...all] = stdout.trimEnd().split("\n");
	// Others may have the same port at other addresses.
	const rows = all.filter((row) => row.includes(host));
	assert.match(heading, /^KIND +STATE +LOCAL +PEER .*RTT +RETRANS +USER +PROCESS$/);
	assert.equal(rows.length, 3, stdout);
	assert.match(rows[0] ?? "", new RegExp(`^tcp +listening +${host}:${port} +.*/511`));
	for (const row of rows) assert.ok(row.endsWith(me), row);
	const toServer = rows.filter(
		(row) => row.includes(` ${host}:${port} `) && row.split(me).length === 3,
	);
	assert.equal(toServer.length, 2, stdout);
	const tree = await runProgram(["ls", "--tree", `:${port}`]);
	assert.match(
		tree.stdout,
		new RegExp(`\\[${process.pid}\\] \\S+\n.*listening tcp ${host}:${port}\n`),
	);
	assert.match(tree.stdout, new RegExp(`← \\S+\\[${process.pid}\\] · tcp ${host}:${port}\n`));
	assert.match(tree.stdout, new RegExp(`└─ → \\S+\\[${process.pid}\\] · tcp ${host}:${port}\n`));
	client.abort();
	server.abort();
	listener.close();
});

test("--json is lines with a type and a version, a summary at the end, and every field is documented", async () => {
	await inFolder(async (folder) => {
		const listener = await listen(`unix:${join(folder, "s")}`);
		const client = await connect(`unix:${join(folder, "s")}`);
		const waiting = await connect(`unix:${join(folder, "s")}`);
		const tcp = await listen("tcp://127.0.0.1:0");
		const stream = await connect(formatAddress(tcp.address));
		const { code, stdout } = await runProgram([
			"ls",
			"--json",
			"--all",
			"--pid",
			String(process.pid),
		]);
		assert.equal(code, 0);
		const lines = parsed(stdout);
		assert.ok(lines.every(({ v }) => v === 1));
		const sockets = lines.filter(({ type }) => type === "socket");
		assert.ok(sockets.length >= 6);
		const { type, sockets: count, time } = lines.at(-1) as Line;
		assert.deepEqual([type, count], ["summary", sockets.length]);
		assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/);
		const text = readFileSync(join(ROOT, "docs/ls.md"), "utf8");
		for (const name of new Set(lines.flatMap(namesIn))) {
			assert.ok(text.includes(`\`${name}\``), `docs/ls.md does not tell of ${name}`);
		}
		for (const each of [client, waiting, stream]) each.abort();
		listener.close();
		tcp.close();
	});
});

function namesIn(value: unknown): string[] {
	if (Array.isArray(value)) return value.flatMap(namesIn);
	if (typeof value !== "object" || value === null) return [];
	return Object.entries(value).flatMap(([name, inner]) => {
		return name === "notShown" ? [name] : [name, ...namesIn(inner)];
	});
}

test("nothing found is no error, and is said", async () => {
	const { code, stdout, stderr } = await runProgram(["ls", "--path", "/nowhere/at/all"]);
	assert.deepEqual([code, stdout], [0, ""]);
	assert.match(stderr, /no socket is like that/);
});

test("a reader that leaves early is nothing wrong", { skip: lacking("sh", "head") }, async () => {
	const main = join(ROOT, "dist/cli/main.js");
	const command = `"${process.execPath}" "${main}" ls --all --json | head -1; echo "\${PIPESTATUS[0]}"`;
	const { stdout, stderr } = await start(["bash", "-c", command]).ended;
	assert.match(stdout, /^\{"type":"socket".*\n0\n$/);
	assert.equal(stderr, "");
});

test("who is not root reads which owners are hidden", {
	skip: lackingAnotherUser() || lacking("setpriv"),
}, async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const { port } = listener.address;
	const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
	const { code, stdout, stderr } = await runProgram(["ls", "tcp", `:${port}`], {
		under: ["setpriv", ...ids, "--"],
	});
	assert.equal(code, 0);
	assert.match(stdout, /\(hidden, root\)\n/);
	assert.match(stderr, /note: \d+ processes of other users .*run this as root/);
	listener.close();
});

test("--watch --json tells what is opened and closed, until it is interrupted", async () => {
	const path = `@socketry-watched-${process.pid}`;
	const child = startProgram(["ls", "--watch", "--interval", "0.1", "--json", path]);
	// Notes come before it, where this machine has something that cannot be listed.
	for (let type = "note"; type === "note"; ) {
		({ type } = JSON.parse(await child.line()) as Line);
		assert.match(type, /^(note|summary)$/);
	}
	const listener = await listen(`unix:${path}`);
	const opened = JSON.parse(await child.line()) as Line;
	assert.deepEqual([opened["event"], opened["local"]], ["opened", `unix:${path}`]);
	listener.close();
	const closed = JSON.parse(await child.line()) as Line;
	assert.deepEqual([closed["event"], closed["inode"]], ["closed", opened["inode"]]);
	child.process.kill("SIGINT");
	const { code, stderr } = await child.ended;
	assert.deepEqual([code, stderr], [130, ""]);
});

const NGINX: SocketHolder = { pid: 12, fds: [3], command: "nginx", uid: 33, user: "www-data" };
const NODE: SocketHolder = { pid: 4_711, fds: [20, 21], command: "node", uid: 0, user: "root" };
const LISTENER: ListedSocket = {
	...{ kind: "tcp", state: "listening", inode: 1, local: "tcp://0.0.0.0:80", holders: [NGINX] },
	...{ uid: 0, user: "root", waitingCount: 0, backlogCount: 511 },
};
const ACCEPTED: ListedSocket = {
	...{ kind: "tcp", state: "established", inode: 2, local: "tcp://127.0.0.1:80", holders: [NGINX] },
	...{ peer: { address: "tcp://127.0.0.1:40000", inode: 3, holders: [NODE] }, sendQueueBytes: 7 },
};
const CLIENT: ListedSocket = {
	...{ kind: "tcp", state: "established", inode: 3, local: "tcp://127.0.0.1:40000" },
	...{ peer: { address: "tcp://127.0.0.1:80", inode: 2, holders: [NGINX] }, holders: [NODE] },
};
const FILE: ListedSocket = {
	...{ kind: "unix-seqpacket", state: "listening", inode: 4, holders: [NODE], file: "replaced" },
	local: `unix-seqpacket:/run/user/1000/${"a-long-name-".repeat(8)}/app.sock`,
};
const FAR: ListedSocket = {
	...{ kind: "tcp", state: "established", inode: 5, local: "tcp://127.0.0.1:80", holders: [NGINX] },
	peer: { address: "tcp://[2001:db8:1111:2222:3333:4444:5555:6666]:54321", holders: [] },
};
const ALL = [FAR, FILE, CLIENT, ACCEPTED, LISTENER];

function terminal(columns: number | undefined, env: Record<string, string> = {}): Terminal {
	const stream = { isTTY: columns !== undefined, columns } as NodeJS.WriteStream;
	return new Terminal(stream, { LANG: "C.UTF-8", NO_COLOR: "1", ...env });
}

const OPTIONS = { isLong: false, isHidden: false };

describe("the table", () => {
	test("is in order, and no wider than the terminal", () => {
		const kinds = inOrder(ALL).map(({ inode }) => inode);
		assert.deepEqual(kinds, [1, 2, 5, 3, 4]);
		for (const columns of [80, 100, 120]) {
			const text = tableText(inOrder(ALL), terminal(columns), OPTIONS);
			for (const line of text.split("\n")) assert.ok(line.length <= columns, line);
			assert.match(text, /^unix-seqpacket +listening +\/r.*….*k \(replaced\) /m);
			assert.match(text, /:40000 node\[4711\] +.*nginx\[12\]\n/);
		}
	});

	test("is whole where it goes to a file, and says that a file was replaced", () => {
		const text = tableText(inOrder(ALL), terminal(undefined), OPTIONS);
		assert.match(text, /app\.sock \(replaced\) /);
		assert.match(text, /\[2001:db8:1111:2222:3333:4444:5555:6666\]:54321/);
	});

	test("has no colours unless they are wanted, and the same text with them", () => {
		const bare = tableText(ALL, terminal(80), OPTIONS);
		const coloured = tableText(ALL, terminal(80, { FORCE_COLOR: "1" }), OPTIONS);
		assert.ok(!bare.includes("\x1b"));
		assert.ok(coloured.includes("\x1b[36mlistening\x1b[39m"));
		// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences
		assert.equal(coloured.replace(/\x1b\[\d+m/g, ""), bare);
	});
});

test("the tree gathers connections, and tells clients from servers", () => {
	const text = treeText([LISTENER, ACCEPTED, ACCEPTED, CLIENT, FAR], ALL, terminal(80), false);
	assert.equal(
		text,
		[
			"nginx[12] www-data",
			"├─ listening tcp 0.0.0.0:80",
			"├─ ← [2001:db8:1111:2222:3333:4444:5555:6666] · tcp 127.0.0.1:80",
			"└─ ← node[4711] · tcp 127.0.0.1:80 ×2",
			"node[4711] root",
			"└─ → nginx[12] · tcp 127.0.0.1:80",
			"",
		].join("\n"),
	);
	const ascii = treeText([CLIENT], ALL, new Terminal({} as NodeJS.WriteStream, {}), false);
	assert.equal(ascii, "node[4711] root\n`- -> nginx[12] - tcp 127.0.0.1:80\n");
});

test("the tree has those whose processes are hidden together, by their user", () => {
	const hidden = { ...LISTENER, holders: [] };
	const other = { ...hidden, inode: 9, local: "tcp://0.0.0.0:81" };
	const text = treeText([hidden, other, CLIENT], [hidden, other, CLIENT], terminal(80), true);
	assert.equal(
		text,
		[
			"(hidden, root)",
			"├─ listening tcp 0.0.0.0:80",
			"└─ listening tcp 0.0.0.0:81",
			"node[4711] root",
			"└─ → nginx[12] · tcp 127.0.0.1:80",
			"",
		].join("\n"),
	);
	assert.equal(treeText([hidden], [hidden], terminal(80), false), "");
});

test("what --long has to say stays within the terminal", () => {
	const figures = {
		...{ roundTripUs: 250, roundTripVariationUs: 9, retransmittedCount: 3, unansweredCount: 0 },
		...{ congestionWindow: 10, congestionControl: "cubic" },
	};
	const busy: ListedSocket = { ...ACCEPTED, holders: [NGINX, NODE], tcp: figures };
	const wide = longText([busy], terminal(200), { isLong: true, isHidden: false }, false);
	assert.match(wide, /^KIND .* RTT +RETRANS .*\n.* nginx\[12\] fd 3\+1\n$/);
	const narrow = longText([busy, FILE], terminal(80), { isLong: true, isHidden: false }, false);
	assert.equal(
		narrow,
		[
			"tcp established 127.0.0.1:80 → 127.0.0.1:40000 node[4711]",
			"    nginx[12] fd 3+1 · node[4711] fd 20,21 · www-data · to send 7",
			"    round trip 250 µs · sent again 3 · window 10 · cubic",
			`unix-seqpacket listening ${FILE.local?.slice(15)} (replaced)`,
			"    node[4711] fd 20,21 · root",
			"",
		].join("\n"),
	);
	const drawn = longText([busy, FILE], terminal(60), { isLong: true, isHidden: false }, true);
	for (const line of drawn.split("\n")) assert.ok(columnsOf(line) <= 60, line);
	const piped = longText([FILE], terminal(undefined), { isLong: true, isHidden: false }, false);
	assert.match(piped, /^KIND /);
});

test("names that strangers chose cannot command the terminal", () => {
	assert.equal(plain("a\x1b[2Jb\n\u202ec"), "a\\x1b[2Jb\\x0a\\u202ec");
	assert.equal(plain("h\u00e4 \u{1f600}"), "h\u00e4 \u{1f600}");
	const evil = { ...LISTENER, local: "unix:/tmp/\x1b]0;x\x07" };
	const text = tableText([evil], terminal(80), { isLong: true, isHidden: false });
	assert.ok(!text.includes("\x1b"));
	const nameBase64 = Buffer.from([0x2f, 0x78, 0xff, 0x0a]).toString("base64");
	const bytes = { ...LISTENER, local: "unix:/x\ufffd\n", nameBase64 };
	assert.match(tableText([bytes], terminal(80), OPTIONS), / \/x\\xff\\x0a /);
	const abstract = { ...bytes, local: "unix:@/x\ufffd\n" };
	assert.match(tableText([abstract], terminal(80), OPTIONS), / @\/x\\xff\\x0a /);
});

test("signs of two columns and marks of none leave the table aligned", () => {
	assert.equal(columnsOf("\u65e5\u672c\u8a9e \uff71 e\u0301 \u{1f600}"), 13);
	const wide = { ...FILE, local: "unix-seqpacket:/tmp/\u30bd\u30b1\u30c3\u30c8/\u6df1\u3044.sock" };
	for (const columns of [60, 80, 120]) {
		const text = tableText([LISTENER, wide], terminal(columns), OPTIONS);
		const ends = text
			.trimEnd()
			.split("\n")
			.map((line) => columnsOf(line.replace(/\S+$/, "")));
		assert.deepEqual(new Set(ends).size, 1, text);
		for (const line of text.split("\n")) assert.ok(columnsOf(line) <= columns, line);
	}
});

test("what is too long loses its middle", () => {
	const { glyphs } = terminal(80);
	assert.equal(shorten("/run/abcdefgh/x.sock", 12, glyphs), "/ru…h/x.sock");
	assert.equal(shorten("short", 12, glyphs), "short");
	assert.equal(shorten("anything", 1, glyphs), "");
	assert.equal(
		shorten("/run/\u{1f600}\u{1f600}\u{1f600}.sock", 12, glyphs),
		"/ru\u2026\u{1f600}.sock",
	);
});

test("words mean what people expect", () => {
	const wants = (words: readonly string[]): number[] => {
		const request = readRequest(words);
		return ALL.filter((each) => isWanted(each, request)).map(({ inode }) => inode);
	};
	assert.deepEqual(wants([]), [5, 4, 3, 2, 1]);
	assert.deepEqual(wants(["tcp", "listen"]), [1]);
	assert.deepEqual(wants(["unix"]), [4]);
	assert.deepEqual(wants(["40000"]), [3, 2]);
	assert.deepEqual(wants(["4711"]), [4, 3]);
	assert.deepEqual(wants([":4711"]), []);
	assert.deepEqual(wants(["nginx"]), [5, 2, 1]);
	assert.deepEqual(wants(["nginx", "node", "established"]), [5, 3, 2]);
	assert.deepEqual(wants(["www-data"]), [5, 2, 1]);
	assert.deepEqual(wants(["/run/user"]), [4]);
	assert.deepEqual(wants(["2001:db8"]), [5]);
	assert.deepEqual(wants(["--user", "root", "--kind", "tcp,udp"]), [3]);
});

test("what cannot be shown is not listed either", () => {
	const filter = (...words: string[]): unknown => filterOf(readRequest(words));
	const living = { states: SOCKET_STATES.filter((state) => state !== "time-wait") };
	assert.deepEqual(filter(), living);
	assert.deepEqual(filter("--tree"), living);
	assert.deepEqual(filter("--all"), {});
	// How many of these are over is found by looking.
	assert.deepEqual(filter("8080"), {});
	assert.deepEqual(filter("tcp", "listening"), { kinds: ["tcp"], states: ["listening"] });
	assert.deepEqual(filter("--kind", "udp", "53"), { kinds: ["udp"] });
	assert.deepEqual(filter("--tree", "udp"), {});
	assert.deepEqual(filter("time-wait"), { states: ["time-wait"] });
});

test("connections that are over are counted, and listed for who asks", async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	// Others may have connections from the same port of 127.0.0.1.
	const [host] = ownLoopbackHosts();
	const localAddress = { transport: "tcp", host, port: 0 } as const;
	const client = await connect(formatAddress(listener.address) as "tcp://h:1", { localAddress });
	const server = await listener.accept();
	await client.closeWrite();
	await server.close();
	await client.close();
	listener.close();
	const [near] = [client.address].map((address) => formatAddress(address as never));
	const brief = await runProgram(["ls", "--json"]);
	const lines = brief.stdout.trim().split("\n");
	const summary = JSON.parse(lines.at(-1) ?? "") as { notShown: Record<string, number> };
	assert.ok((summary.notShown["time-wait"] ?? 0) > 0);
	assert.ok(!brief.stdout.includes(`"local":"${near}"`));
	const asked = await runProgram(["ls", "--json", "time-wait", `:${near?.split(":").at(-1)}`]);
	assert.ok(asked.stdout.includes(`"local":"${near}"`));
});

test("differences are what was opened, closed, or is in another state", () => {
	const closing = { ...CLIENT, inode: 0, state: "time-wait" } as const;
	const busy = { ...ACCEPTED, sendQueueBytes: 900 };
	const { opened, changed, closed } = differencesOf(
		[CLIENT, ACCEPTED, FILE],
		[closing, busy, LISTENER],
	);
	assert.deepEqual([opened, changed, closed], [[LISTENER], [closing], [FILE]]);
});
