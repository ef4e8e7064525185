/**
 * The built package: few files to load, and yet one instance of everything, however it is imported.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../support/root.ts";

const DIST = join(ROOT, "dist");

const scripts = readdirSync(DIST, { recursive: true, encoding: "utf8" }).filter((path) =>
	path.endsWith(".js"),
);

test("every module of the library and of the test kit only passes on names of a bundle", () => {
	const wrong = scripts
		// The command line has a copy of its own of what guesses words, which has no state.
		.filter((path) => !/^((bundle|cli)\/|nearest\.js$)/.test(path))
		.filter((path) => !/^export \{[^{}]*\}( from "[./]*\/bundle\/\w+\.js")?;\n$/.test(read(path)));
	assert.deepEqual(wrong, []);
});

test("the addon is opened in one place", () => {
	const openers = scripts.filter((path) => read(path).includes("process.dlopen("));
	assert.deepEqual(openers, [join("bundle", "socketry.js")]);
});

test("a class is the same by every way to it", async () => {
	const { InvalidTypeError } = await import("socketry");
	const internal = await import("#src/errors.ts");
	const { memoryStreams } = await import("socketry/testing");
	assert.equal(internal.InvalidTypeError, InvalidTypeError);
	const [stream] = memoryStreams();
	await assert.rejects(async () => stream.readExactly("1" as never), InvalidTypeError);
});

test("a call replaced at the seam is replaced for everybody", async () => {
	const { sys } = await import("socketry/sys");
	const internal = await import("#src/sys/current.ts");
	assert.equal(internal.sys, sys);
});

test("importing the package loads neither of the modules of Node that would cost most", () => {
	const before = loadedBy("");
	const loaded = loadedBy(`await import("socketry");`);
	const large = ["NativeModule crypto", "NativeModule dns"];
	assert.deepEqual(
		large.filter((name) => loaded.includes(name) && !before.includes(name)),
		[],
	);
});

/** Node's own modules that a process has loaded once it ran this code. */
function loadedBy(code: string): string[] {
	const print = "console.log(JSON.stringify(process.moduleLoadList));";
	const args = ["--input-type=module", "--eval", `${code}\n${print}`];
	const env = { ...process.env, NODE_OPTIONS: "" };
	return JSON.parse(execFileSync(process.execPath, args, { cwd: ROOT, env, encoding: "utf8" }));
}

function read(path: string): string {
	return readFileSync(join(DIST, path), "utf8");
}
