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

/** Imports a module and prints what that opened, as JSON; Node may open /dev/null and queues of its own meanwhile. */
const PRINT_OPENED = `
	const { readdirSync, readlinkSync } = await import("node:fs");
	const target = (fd) => {
		try {
			return readlinkSync("/proc/self/fd/" + fd);
		} catch {
			return "";
		}
	};
	const before = readdirSync("/proc/self/fd");
	await import(process.argv[1]);
	const opened = readdirSync("/proc/self/fd").filter((fd) => !before.includes(fd)).map(target);
	console.log(JSON.stringify(opened.filter((to) => to !== "" && !/^(\\/dev\\/null|anon_inode:)/.test(to))));
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
			assert.deepEqual(openedBy(name, {}), []);
		});
	}
});

describe("importing an entry point never throws, even without the addon", () => {
	for (const name of entryPoints) {
		test(name, { skip: existsSync("/proc/self/fd") ? false : "needs /proc/self/fd" }, () => {
			assert.deepEqual(openedBy(name, { SOCKETRY_ADDON: "/nonexistent/socketry.node" }), []);
		});
	}
});

function openedBy(name: string, env: Record<string, string>): string[] {
	const args = ["--input-type=module", "--eval", PRINT_OPENED, name];
	const output = execFileSync(process.execPath, args, {
		cwd: ROOT,
		env: { ...process.env, ...env },
		encoding: "utf8",
	});
	return JSON.parse(output) as string[];
}

/** What an index.ts holds besides its re-exports. */
function restOfIndex(text: string): string {
	return withoutComments(text)
		.replace(/export\s+(type\s+)?(\*(\s+as\s+\w+)?|\{[^}]*\})\s+from\s+"[^"]+";/g, "")
		.trim();
}
