// Holds: from any state of a checkout, one call leaves it installed and built; a second call changes nothing.
//
// Runs before anything is installed, so it uses Node's own modules only.

import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildNative } from "./build-native.mjs";
import { digest, filesBelow, isStamped, writeStamp } from "./files.mjs";
import { ROOT, run } from "./run.mjs";

const INSTALL_STAMP = "node_modules/.socketry-install";

/** The TypeScript projects in the order they depend on each other: sources, and where the compiler writes. */
const PROJECTS = [
	{ source: "src", outputs: [".build/js", "dist"] },
	{ source: "tests", outputs: [".build/tests"] },
	{ source: "examples", outputs: [".build/examples"] },
];

/**
 * Installs, builds the addon and compiles, each only when needed.
 *
 * @returns {Promise<boolean>} false when a step failed; its output has been printed
 */
export async function ensure() {
	if (!(nodeIsRecent() && install() && buildNative())) {
		return false;
	}
	// The compiler writes its files in spite of wrong types, and what is in dist shall match them.
	const isTyped = compile();
	const { bundle } = await import("./bundle.mjs");
	await bundle();
	const { writeManPages } = await import("./man.mjs");
	await writeManPages();
	return isTyped;
}

/** Like {@link ensure}, but ends the process when it fails. */
export async function ensureOrExit() {
	if (!(await ensure())) {
		process.exit(1);
	}
}

/** @returns {boolean} */
function nodeIsRecent() {
	const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
	if (major > 20 || (major === 20 && minor >= 19)) {
		return true;
	}
	console.error(`socketry needs Node 20.19 or newer; this is ${process.version}`);
	return false;
}

/** @returns {boolean} */
function install() {
	const value = digest(["package-lock.json"], [process.platform, process.arch]);
	if (isStamped(INSTALL_STAMP, value)) {
		return true;
	}
	console.log("install: npm ci");
	const npm = process.env.npm_execpath;
	const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
	const status = npm?.endsWith(".js") ? run(process.execPath, [npm, ...args]) : run("npm", args);
	if (status !== 0) {
		console.error("install: npm ci failed; its messages are above");
		return false;
	}
	writeStamp(INSTALL_STAMP, value);
	return true;
}

/** @returns {boolean} */
function compile() {
	const projects = PROJECTS.filter(({ source }) => filesBelow(source, /\.ts$/).length > 0);
	for (const project of projects) {
		removeOrphans(project);
	}
	if (!existsSync(join(ROOT, "dist"))) {
		rmSync(join(ROOT, ".build/js"), { recursive: true, force: true });
	}
	if (projects.length === 0) {
		console.log("types: no TypeScript sources, nothing to compile");
		return true;
	}
	return run("tsc", ["-b", ...projects.map(({ source }) => `tsconfig.${source}.json`)]) === 0;
}

/**
 * Removes compiled files whose source is gone, so that a deleted test no longer runs and nothing stale is published.
 *
 * @param {{ source: string, outputs: readonly string[] }} project
 */
function removeOrphans({ source, outputs }) {
	for (const output of outputs) {
		for (const path of filesBelow(output, /\.(js|d\.ts)(\.map)?$/)) {
			const stem = path.slice(output.length + 1).replace(/\.(js|d\.ts)(\.map)?$/, "");
			if (!stem.startsWith("bundle/") && !existsSync(join(ROOT, source, `${stem}.ts`))) {
				rmSync(join(ROOT, path));
			}
		}
	}
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
	await ensureOrExit();
}
