// Holds: the built tests pass on every supported line of Node, with the same addon and the same compiled files; but for those of folders that
// are about programs of others, networks and texts, where one version tells as much as four.
//
//   npm run test:matrix                   all versions below
//   npm run test:matrix -- 26             only those that start so
//   npm run test:matrix -- 26 socket/ip   and only matching test files

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureOrExit } from "./ensure.mjs";
import { ROOT, run } from "./run.mjs";
import { runTests } from "./test.mjs";

/** Besides the Node that runs this. Each is the npm package that holds just the program. */
const VERSIONS = ["22.23.3", "24.21.0", "26.10.0"];

const ELSEWHERE = ["examples", "fault", "list", "meta", "network", "peers", "soak"];

await ensureOrExit();
const versions = VERSIONS.filter((version) => {
	const asked = process.argv.slice(2).filter(isVersion);
	return asked.length === 0 || asked.some((start) => version.startsWith(start));
});
const fragments = process.argv.slice(2).filter((word) => !isVersion(word));
const failed = versions.filter((version) => !passesOn(version));
for (const version of versions) {
	console.log(`node ${version}: ${failed.includes(version) ? "FAILED" : "passed"}`);
}
process.exitCode = failed.length > 0 ? 1 : 0;

/**
 * @param {string} version
 * @returns {boolean}
 */
function passesOn(version) {
	const node = install(version);
	if (node === undefined) {
		return false;
	}
	console.log(`\n--- tests on Node ${version} ---`);
	return runTests({ node, fragments, without: ELSEWHERE, reporter: "dot" }) === 0;
}

/**
 * Brings one version into .build/nodes, once.
 *
 * @param {string} version
 * @returns {string | undefined} path of the program
 */
function install(version) {
	const folder = join(ROOT, ".build", "nodes", version);
	const name = `node-${process.platform}-${process.arch}`;
	const program = join(folder, "node_modules", name, "bin", "node");
	if (existsSync(program)) {
		return program;
	}
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
	const flags = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
	run("npm", ["install", ...flags, `${name}@${version}`], { cwd: folder });
	return existsSync(program) ? program : undefined;
}

/** @param {string} word */
function isVersion(word) {
	return /^\d+(\.\d+)*$/.test(word);
}
