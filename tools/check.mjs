// Holds: what lands is formatted, typed, layered, documented, lean and installable. Runs every gate, even after one has failed.
//
//   npm run check             all gates
//   npm run check -- api      only the gates whose name contains a given word

import { ensureOrExit } from "./ensure.mjs";
import { capture } from "./run.mjs";

/** @type {readonly { name: string, holds: string, command: readonly string[] }[]} */
const GATES = [
	{ name: "style", holds: "format and lint", command: ["biome", "check", "--error-on-warnings"] },
	{ name: "promises", holds: "no promise is lost", command: ["oxlint", "--type-aware"] },
	{ name: "tools", holds: "types of tools/", command: ["tsc", "-p", "tsconfig.tools.json"] },
	{ name: "c-format", holds: "format of native/", command: ["node", "tools/c-format.mjs"] },
	{ name: "targets", holds: "C for other machines", command: ["node", "tools/targets.mjs"] },
	{ name: "meta", holds: "layers, entry points", command: ["node", "tools/test.mjs", "meta/"] },
	{ name: "api", holds: "public names", command: ["node", "tools/api.mjs"] },
	{ name: "unused", holds: "no dead code", command: ["knip"] },
	{ name: "docs", holds: "errors, code map, links", command: ["node", "tools/docs.mjs"] },
	{ name: "options", holds: "docs/cli.md lists them", command: ["node", "tools/options.mjs"] },
	{ name: "snippets", holds: "docs run as written", command: ["node", "tools/snippets.mjs"] },
	{ name: "size", holds: "budgets.json", command: ["node", "tools/size.mjs"] },
	{ name: "package", holds: "the tarball works", command: ["node", "tools/package.mjs"] },
];

await ensureOrExit();
const words = process.argv.slice(2);
const chosen = GATES.filter(
	({ name }) => !words.length || words.some((word) => name.includes(word)),
);
const failed = chosen.filter((gate) => !passes(gate)).map(({ name }) => name);
if (failed.length > 0) {
	console.error(`\n${failed.length} of ${chosen.length} gates failed: ${failed.join(", ")}`);
	process.exitCode = 1;
} else {
	console.log(`\nall ${chosen.length} gates passed`);
}

/**
 * Runs one gate and prints one line about it, and its output when it fails.
 *
 * @param {{ name: string, holds: string, command: readonly string[] }} gate
 * @returns {boolean}
 */
function passes({ name, holds, command: [program = "", ...args] }) {
	const start = performance.now();
	const result = capture(program === "node" ? process.execPath : program, args);
	const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(6);
	const remark = /^(?:skipped|ok): .*$/m.exec(result.stdout)?.[0];
	const verdict = result.ok ? (remark ?? "ok") : "FAILED";
	console.log(`${name.padEnd(10)}${holds.padEnd(26)}${seconds} s  ${verdict}`);
	if (!result.ok) {
		console.log(`\n${result.stdout}${result.stderr}`.replaceAll("\n", "\n    ").trimEnd());
		console.log("");
	}
	return result.ok;
}
