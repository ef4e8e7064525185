import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ROOT } from "../support/root.ts";
import { readTree, withoutComments } from "../support/source-tree.ts";

interface Manifest {
	readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
	readonly dependencies?: object;
}

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;

/** Entry points that are built: `socketry`, `socketry/sys`, and so on. */
const entryPoints = Object.entries(manifest.exports)
	.filter(([, target]) => typeof target !== "string" && existsSync(join(ROOT, target.default)))
	.map(([path]) => path.replace(/^\./, "socketry"));

/** Imports a module and prints how many descriptors that opened. */
const COUNT_DESCRIPTORS = `
	const { readdirSync } = await import("node:fs");
	const count = () => readdirSync("/proc/self/fd").length;
	const before = count();
	await import(process.argv[1]);
	console.log(count() - before);
`;

test("an index.ts only re-exports", () => {
	const wrong = readTree("src")
		.filter(({ path }) => path === "index.ts" || path.endsWith("/index.ts"))
		.filter(({ text }) => restOfIndex(text) !== "")
		.map(({ path, text }) => `src/${path}: ${restOfIndex(text).slice(0, 80)}`);
	assert.deepEqual(wrong, []);
});

test("no module waits while it is loaded, so that require() of the package works", () => {
	const wrong = readTree("src")
		.filter(({ path }) => path !== "cli/main.ts")
		.filter(({ text }) => /^(await\b|for await\b|(export )?const [^=]*= await\b)/m.test(text));
	assert.deepEqual(
		wrong.map(({ path }) => `src/${path}`),
		[],
	);
});

test("the package has no run-time dependencies", () => {
	assert.equal(manifest.dependencies, undefined);
});

describe("importing an entry point opens no descriptor", () => {
	for (const name of entryPoints) {
		test(name, { skip: existsSync("/proc/self/fd") ? false : "needs /proc/self/fd" }, () => {
			assert.equal(descriptorsOpenedBy(name, {}), 0);
		});
	}
});

describe("importing an entry point never throws, even without the addon", () => {
	for (const name of entryPoints) {
		test(name, { skip: existsSync("/proc/self/fd") ? false : "needs /proc/self/fd" }, () => {
			assert.equal(descriptorsOpenedBy(name, { SOCKETRY_ADDON: "/nonexistent/socketry.node" }), 0);
		});
	}
});

function descriptorsOpenedBy(name: string, env: Record<string, string>): number {
	const args = ["--input-type=module", "--eval", COUNT_DESCRIPTORS, name];
	const output = execFileSync(process.execPath, args, {
		cwd: ROOT,
		env: { ...process.env, ...env },
		encoding: "utf8",
	});
	return Number(output);
}

/** What an index.ts holds besides its re-exports. */
function restOfIndex(text: string): string {
	return withoutComments(text)
		.replace(/export\s+(type\s+)?(\*(\s+as\s+\w+)?|\{[^}]*\})\s+from\s+"[^"]+";/g, "")
		.trim();
}
