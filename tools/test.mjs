// Holds: the compiled tests run on this Node with warnings as errors and a time limit, in one process per file.
//
//   npm test                    all tests
//   npm test -- socket/ip       only the test files whose path contains a given fragment

import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureOrExit } from "./ensure.mjs";
import { filesBelow } from "./files.mjs";
import { endLeftBehind, MARK } from "./left-behind.mjs";
import { ROOT, run } from "./run.mjs";

const TESTS = ".build/tests";

/** Files at a time: tests wait for more than they compute. */
const CONCURRENCY = availableParallelism() + 1;

/** A file that takes longer than this, in milliseconds, hangs: a busy machine takes many times as long as a quiet one. */
const TIMEOUT_MS = Number(process.env.SOCKETRY_TEST_MS ?? 600_000);

/**
 * Runs compiled tests.
 *
 * @param {{ node?: string, fragments?: readonly string[], without?: readonly string[], env?: Record<string, string>,
 *   reporter?: string, timeoutMs?: number }} [options]
 *   `node` is the program to run them on, `fragments` choose files by path (all when empty, but for those in the folders of `without`)
 * @returns {number} exit code
 */
export function runTests(options = {}) {
	const { node = process.execPath, fragments = [], without = [], env, reporter = "spec" } = options;
	const files = filesBelow(TESTS, /\.test\.js$/)
		.map((path) => relative(TESTS, path))
		.filter((path) =>
			fragments.length > 0
				? fragments.some((part) => matches(path, part))
				: !without.some((folder) => path.startsWith(`${folder}/`)),
		);
	if (files.length === 0) {
		console.log(`no test file matches ${fragments.join(" ") || "anything: there are no tests"}`);
		return fragments.length === 0 ? 0 : 1;
	}
	const flags = [
		"--test",
		`--test-concurrency=${CONCURRENCY}`,
		`--test-reporter=${reporter}`,
		`--test-timeout=${options.timeoutMs ?? TIMEOUT_MS}`,
		"--unhandled-rejections=strict",
		"--throw-deprecation",
		"--enable-source-maps",
		"--expose-gc",
		`--import=${pathToFileURL(join(ROOT, TESTS, "support/leaks.js")).href}`,
	];
	const mark = `${process.pid}-${Date.now()}`;
	const code = run(node, [...flags, ...files], { cwd: TESTS, env: { ...env, [MARK]: mark } });
	for (const each of endLeftBehind(mark)) console.log(`left behind by a test, and ended: ${each}`);
	return code;
}

/**
 * Does the fragment occur in the path, be it written for the source or for the compiled file?
 *
 * @param {string} path
 * @param {string} fragment
 * @returns {boolean}
 */
function matches(path, fragment) {
	return path.includes(fragment.replace(/^(\.\/)?tests\//, "").replace(/\.ts$/, ".js"));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
	await ensureOrExit();
	process.exitCode = runTests({ fragments: process.argv.slice(2) });
}
