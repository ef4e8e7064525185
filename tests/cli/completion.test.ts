/** Completion: what is offered, and what bash, zsh and fish make of it when somebody types. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Address, datagrams, listen } from "socketry";
import { SOCKET_KINDS, SOCKET_STATES } from "socketry/list";
import { socket } from "socketry/socket";
import { CATALOG } from "#src/cli/catalog.ts";
import { KIND_NAMES } from "#src/cli/compare/kinds.ts";
import { bashReplies, readBashLine } from "#src/cli/completion/bash-line.ts";
import { offerFor } from "#src/cli/completion/offer.ts";
import { FRAMINGS } from "#src/cli/exchange/framing.ts";
import { inFolder } from "../support/folder.ts";
import { ownLoopbackHosts } from "../support/own-addresses.ts";
import { lacking } from "../support/programs.ts";
import { ROOT } from "../support/root.ts";
import { TypedTerminal } from "../support/terminals.ts";
import { runProgram } from "./program.ts";

const RUN = randomBytes(6).toString("hex");
/** A name that a careless shell would run. */
const hostile = (user: string): string => `${user}-${RUN} $(touch pwned);b`;
const BREAKS = " \t\n\"'@><=;|&(:";

async function valuesOf(line: string): Promise<readonly string[] | string> {
	const offer = await offerFor(line.split(" "), CATALOG);
	return typeof offer === "string" ? offer : offer.map(({ value }) => value);
}

describe("what is offered", () => {
	test("commands, each with what it does", async () => {
		const offer = await offerFor([""], CATALOG);
		assert.ok(typeof offer !== "string");
		const names = offer.map(({ value }) => value);
		assert.deepEqual(names, [...Object.keys(CATALOG), "help"]);
		assert.ok(offer.every(({ about = "" }) => about !== ""));
		assert.deepEqual(await valuesOf("help "), Object.keys(CATALOG));
		assert.deepEqual(await valuesOf("-"), ["--help", "--version"]);
	});

	test("options that are not there yet, each with a sentence", async () => {
		const offer = await offerFor(["connect", "--crlf", "--send-fd", "3", "-"], CATALOG);
		assert.ok(typeof offer !== "string");
		const names = offer.map(({ value }) => value);
		assert.ok(names.includes("--json") && names.includes("--help") && names.includes("--send-fd"));
		assert.ok(!names.includes("--crlf"));
		assert.ok(offer.every(({ about = "" }) => about !== ""));
		assert.ok(!(await valuesOf("compare -")).includes("--internal-serve"));
	});

	test("values of options, also behind an equals sign and after commas", async () => {
		assert.deepEqual(await valuesOf("connect --message "), FRAMINGS);
		const behind = ["v1", "v2"].map((version) => `--proxy-protocol=${version}`);
		assert.deepEqual(await valuesOf("relay --proxy-protocol="), behind);
		const kinds = KIND_NAMES.filter((kind) => kind !== "tcp");
		assert.deepEqual(
			[...(await valuesOf("compare --kind tcp,"))].sort(),
			kinds.map((kind) => `tcp,${kind}`).sort(),
		);
		assert.equal(await valuesOf("compare --html "), "file");
		assert.ok((await valuesOf("connect --as-owner ")).includes("root"));
		assert.ok((await valuesOf("listen ./x --allow ")).includes("user=root"));
		assert.deepEqual(await valuesOf("connect --timeout "), []);
	});

	test("every value of a list is one that its command takes", async () => {
		assert.deepEqual([...(await valuesOf("compare --kind "))].sort(), [...KIND_NAMES].sort());
		assert.deepEqual(
			[...(await valuesOf("ls --kind "))].sort(),
			[...SOCKET_KINDS, "unix-stream"].sort(),
		);
		assert.deepEqual([...(await valuesOf("ls --state "))].sort(), [...SOCKET_STATES].sort());
	});

	test("services to connect to, and not to listen at", async () => {
		for (const [line, isOffered] of [
			["connect tcp+", true],
			["relay 1 tcp+", true],
			["listen tcp+", false],
		] as const) {
			assert.equal((await valuesOf(line)).includes("tcp+srv://_"), isOffered, line);
		}
	});

	test("ports that somebody listens on, in the spelling that was begun", async () => {
		await using listener = await listen("tcp://127.0.0.1:0");
		const port = portOf(listener);
		const spellings = {
			connect: `${port}`,
			ping: `localhost:${port}`,
			"wait a:1": `127.0.0.1:${port}`,
			"relay 1": `:${port}`,
			"fault 1": `tcp://localhost:${port}`,
		};
		for (const [command, spelling] of Object.entries(spellings)) {
			const values = await valuesOf(`${command} ${spelling.slice(0, -1)}`);
			assert.ok(values.includes(spelling), `${command} ${spelling}: ${values}`);
		}
		assert.ok((await valuesOf(`relay ./x=${port}`)).includes(`./x=${port}`));
		assert.ok((await valuesOf("ls --port ")).includes(`${port}`));
		assert.ok((await valuesOf("ls :")).includes(`:${port}`));
	});

	test("a port only by the hosts that it is reached by", async () => {
		const [host] = ownLoopbackHosts();
		// Sockets that do not listen, so that nobody else does there.
		using local = socket("inet", "stream");
		local.bind({ family: "inet", host: "127.0.0.1", port: 0 });
		const { port } = local.getsockname() as { port: number };
		using local6 = socket("inet6", "stream");
		local6.bind({ family: "inet6", host: "::1", port });
		await using _listener = await listen(`tcp://${host}:${port}`);
		assert.deepEqual(await valuesOf(`connect ${host}:${port}`), [`${host}:${port}`]);
		for (const spelling of [
			`127.0.0.1:${port}`,
			`tcp://localhost:${port}`,
			`tcp://[::1]:${port}`,
		]) {
			const values = await valuesOf(`connect ${spelling}`);
			assert.ok(!values.includes(spelling), spelling);
		}
	});

	test("the process behind a port is told", async () => {
		const [host] = ownLoopbackHosts();
		await using listener = await listen(`tcp://${host}:0`);
		const offer = await offerFor(["connect", `${host}:${portOf(listener)}`], CATALOG);
		assert.ok(typeof offer !== "string");
		assert.match(offer[0]?.about ?? "", new RegExp(`^tcp, .*\\[${process.pid}\\]$`));
	});

	test("Unix sockets by their paths and names, and folders on the way to others", async () => {
		await inFolder(async (folder) => {
			const path = join(folder, "app.sock");
			await using _messages = await datagrams(`unix-dgram:${join(folder, "d.sock")}`);
			await using _listener = await listen(`unix:${path}`);
			await using _named = await listen(`unix:@${hostile("offer")}`);
			assert.deepEqual(await valuesOf(`connect ${folder}/`), [path]);
			assert.deepEqual(await valuesOf(`connect unix:${folder}/`), [`unix:${path}`]);
			assert.deepEqual(await valuesOf(`connect unix-dgram:${folder}/`), [
				`unix-dgram:${join(folder, "d.sock")}`,
			]);
			assert.ok((await valuesOf("ls /")).includes(path));
			const abstract = await offerFor(["connect", `@offer-${RUN}`], CATALOG);
			assert.deepEqual(typeof abstract === "string" || abstract[0]?.value, `@${hostile("offer")}`);
			mkdirSync(join(folder, "sub"));
			assert.deepEqual([...(await valuesOf(`listen ${folder}/`))].sort(), [
				path,
				join(folder, "d.sock"),
				`${folder}/sub/`,
			]);
			rmSync(path);
			assert.deepEqual(await valuesOf(`connect ${folder}/a`), []);
		});
	});

	test("nothing where nothing can be written", async () => {
		for (const line of ["connect 80 ", "relay 1 2 ", "ping 80 8", "nothing ", "help connect "]) {
			assert.deepEqual(await valuesOf(line), [], line);
		}
	});

	test("the command line of a program is its own affair", async () => {
		assert.equal(await valuesOf("connect 80 -- l"), "program");
		assert.equal(await valuesOf("listen 80 --exec -- cat -"), "program");
		assert.deepEqual(await valuesOf("ls -- l"), []);
	});
});

describe("a command line of bash", () => {
	test("is taken apart as bash does", () => {
		const line = readBashLine(`socketry connect "a b"c\\ d 'e f`, BREAKS);
		assert.deepEqual(line.words, ["socketry", "connect", "a bc d", "e f"]);
		assert.equal(line.quote, "'");
		assert.deepEqual(readBashLine("socketry ", BREAKS).words, ["socketry", ""]);
	});

	test("keeps what bash takes for words of their own", () => {
		const reply = (text: string, value: string): string[] =>
			bashReplies([value], readBashLine(`socketry connect ${text}`, BREAKS));
		assert.deepEqual(reply("tcp://h:8", "tcp://h:80"), ["80"]);
		assert.deepEqual(reply("a=un", "a=unix:/x"), ["unix:/x"]);
		assert.deepEqual(reply("@n", "@name"), ["@name"]);
		assert.deepEqual(reply("unix:@n", "unix:@name"), ["@name"]);
		assert.deepEqual(reply("h:8", "other"), []);
	});

	test("gets replies that mean what they say", () => {
		const reply = (text: string): string[] =>
			bashReplies(["a'b $(c)"], readBashLine(`socketry connect ${text}`, BREAKS));
		assert.deepEqual(reply(""), ["a\\'b\\ \\$\\(c\\)"]);
		assert.deepEqual(reply('"a'), ["a'b \\$(c)"]);
		assert.deepEqual(reply("'a"), []);
		assert.deepEqual(bashReplies(["日 é"], readBashLine("socketry connect ", BREAKS)), ["日\\ é"]);
	});

	test("gets no history between quotes, and nobody's home", () => {
		const reply = (text: string, value: string): string[] =>
			bashReplies([value], readBashLine(`socketry ls ${text}`, BREAKS));
		assert.deepEqual(reply('"a', "a!!"), []);
		assert.deepEqual(reply("a", "a!!"), ["a\\!\\!"]);
		assert.deepEqual(reply("", "~root"), ["\\~root"]);
	});
});

test("socketry completion prints a script for each shell, and says which there are", async () => {
	for (const shell of ["bash", "zsh", "fish"]) {
		const { code, stdout } = await runProgram(["completion", shell]);
		assert.equal(code, 0);
		assert.match(stdout, /completion --words/);
	}
	for (const args of [[], ["tcsh"], ["constructor"], ["bash", "zsh"]]) {
		const { code, stderr } = await runProgram(["completion", ...args]);
		assert.equal(code, 2);
		assert.match(stderr, /say for which shell: bash, zsh or fish/);
	}
});

/** How to start a shell that completes. */
const SHELLS: Readonly<Record<string, string>> = {
	bash: `bash --norc -i`,
	zsh: `zsh -f -i`,
	fish: `fish --no-config -i`,
};
const SETUP: Readonly<Record<string, string>> = {
	bash: `PS1='$ '; eval "$(socketry completion bash)"`,
	zsh: `PS1='$ '; autoload -Uz compinit; compinit -D -u; eval "$(socketry completion zsh)"`,
	fish: `function fish_prompt; echo '$ '; end; socketry completion fish | source`,
};

describe("what is typed is completed by", { concurrency: true }, () => {
	for (const [shell, command] of Object.entries(SHELLS)) {
		test(shell, { skip: lacking(shell, "script") }, async () => {
			await inFolder(async (folder) => {
				await using _listener = await listen(`unix:${folder}/my app.sock`);
				await using internet = await listen("tcp://127.0.0.1:0");
				const port = portOf(internet);
				// At 127.0.0.1 other servers of this machine may have ports that begin like ours.
				const [host] = ownLoopbackHosts();
				await using alone = await listen(`tcp://${host}:0`);
				const lonely = `tcp://${host}:${portOf(alone)}`;
				await using _named = await listen(`unix:@${hostile(shell)}`);
				const dictated: readonly (readonly [string, readonly string[]])[] = [
					["conn\t", ["connect"]],
					["connect --mess\tle\t80", ["connect", "--message", "length", "80"]],
					[`connect ${lonely.slice(0, -2)}\t`, ["connect", lonely]],
					[`wait a:1 tcp://localhost:${port}\t`, ["wait", "a:1", `tcp://localhost:${port}`]],
					["connect ./my\t", ["connect", "./my app.sock"]],
					["connect './my\t", ["connect", "./my app.sock"]],
					["connect unix:./my\t", ["connect", "unix:./my app.sock"]],
					[`relay ./x=./m\t`, ["relay", "./x=./my app.sock"]],
					[`connect @${shell}-${RUN}\t`, ["connect", `@${hostile(shell)}`]],
					["compare --html pa\t", ["compare", "--html", "page 1.html"]],
					["compare --kind tcp,unix-s\t", ["compare", "--kind", "tcp,unix-seqpacket"]],
					["connect 80 -- touc\t", ["connect", "80", "--", "touch"]],
				];
				const lines = dictated.map(([typed]) => `socketry ${typed}`);
				const heard = await dictate(`${command}`, [SETUP[shell] ?? "", ...lines], folder);
				assert.deepEqual(
					heard,
					dictated.map(([, args]) => args),
				);
				assert.equal(existsSync(join(folder, "pwned")), false);
			});
		});
	}
});

function portOf({ address }: { readonly address: Address }): number {
	return "port" in address ? address.port : 0;
}

/** Types lines into a shell on a terminal, where `socketry` completes, and else tells how it was called. */
async function dictate(
	shell: string,
	lines: readonly string[],
	folder: string,
): Promise<readonly (readonly string[])[]> {
	writeFileSync(join(folder, "page 1.html"), "");
	mkdirSync(join(folder, "bin"));
	const program = join(folder, "bin", "socketry");
	const main = join(ROOT, "dist/cli/main.js");
	writeFileSync(
		program,
		`#!/bin/sh
[ "$1" = completion ] && exec "${process.execPath}" "${main}" "$@"
printf 'CALLED'
printf '<%s>' "$@"
echo
`,
	);
	chmodSync(program, 0o755);
	await using terminal = new TypedTerminal(shell, {
		cwd: folder,
		env: { PATH: `${folder}/bin:${process.env["PATH"]}`, HOME: folder, TERM: "dumb" },
		columns: 200,
	});
	terminal.type([...lines, "exit"].map((line) => `${line}\r`).join(""));
	await terminal.ended;
	const calls = terminal.text.matchAll(/CALLED<(.*)>/g);
	return [...calls].map(([, args = ""]) => args.split("><"));
}
