import assert from "node:assert/strict";
import { test } from "node:test";
import { runProgram } from "./program.ts";

test("socketry --help shows examples first and fits a screen", async () => {
	const { code, stdout, stderr } = await runProgram(["--help"]);
	assert.equal(code, 0);
	assert.equal(stderr, "");
	assert.match(stdout, /^Examples:/);
	assertFits(stdout);
	for (const args of [["-h"], ["help"]]) {
		assert.equal((await runProgram(args)).stdout, stdout);
	}
});

test("the help of every command shows examples first and fits a screen", async () => {
	const general = (await runProgram(["--help"])).stdout;
	const commands = general.slice(general.indexOf("Commands:")).matchAll(/^ {2}([a-z]+) /gm);
	const names = [...commands].map(([, name]) => name as string);
	assert.ok(names.length > 6);
	for (const name of names) {
		const { code, stdout } = await runProgram([name, "--help"]);
		assert.equal(code, 0);
		assert.match(stdout, /^Examples:/);
		assertFits(stdout);
		assert.equal((await runProgram(["help", name])).stdout, stdout);
	}
});

test("socketry --version is the version of the package", async () => {
	const { code, stdout } = await runProgram(["--version"]);
	assert.equal(code, 0);
	assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

test("without a command the help goes to standard error and the exit code is 2", async () => {
	const { code, stdout, stderr } = await runProgram([]);
	assert.equal(code, 2);
	assert.equal(stdout, "");
	assert.match(stderr, /^Examples:/);
});

const MISTAKES: readonly (readonly [string, readonly string[], RegExp])[] = [
	["an unknown command", ["compar"], /there is no command compar; did you mean compare\?/],
	["an unknown first option", ["--quick"], /there is no option --quick/],
	["an unknown option", ["compare", "--qick"], /no option --qick; did you mean --quick\?/],
	["an option without its value", ["compare", "--size"], /--size needs a value/],
	["a value for a switch", ["compare", "--json=1"], /--json takes no value/],
	["a word that is no option", ["compare", "all"], /"all" is no option/],
	["a size out of range", ["compare", "--size", "0"], /--size must be .* from 1 to 65507/],
	["a time that is none", ["compare", "--duration", "soon"], /--duration must be a time/],
	["an unknown kind", ["compare", "--kind", "tpc"], /no kind "tpc"; did you mean tcp\?/],
	["two lengths", ["compare", "--quick", "--duration", "1"], /give one of them/],
	["--to with --kind", ["compare", "--to", "tcp://h:1", "--kind", "tcp"], /leave --kind out/],
	["--serve with --quick", ["compare", "--serve", "tcp://*:0", "--quick"], /--json only/],
	["a malformed address", ["compare", "--to", "tcp:7000"], /write tcp:\/\/HOST:/],
	["a kind of address that is not compared", ["compare", "--to", "fd:3"], /only tcp, udp/],
	[
		"two addresses of one kind",
		["compare", ..."--to tcp://a:1 --to tcp://b:1".split(" ")],
		/one of each kind/,
	],
	["a page in no folder", ["compare", "--html", "/nowhere/at/all.html"], /cannot be written/],
];

for (const [what, args, message] of MISTAKES) {
	test(`${what} ends with exit code 2 and says what to do`, async () => {
		const { code, stdout, stderr } = await runProgram(args);
		assert.equal(code, 2, stderr);
		assert.equal(stdout, "");
		assert.match(stderr, message);
	});
}

function assertFits(text: string): void {
	const lines = text.trimEnd().split("\n");
	assert.ok(lines.length <= 40, `${lines.length} lines`);
	assert.deepEqual(
		lines.filter((line) => line.length > 80),
		[],
	);
}
