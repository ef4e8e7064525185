// Holds: the package stays small, quick to import and readable, as budgets.json says. (Function length in TypeScript is biome's rule.)

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addonPath } from "./build-native.mjs";
import { filesBelow } from "./files.mjs";
import { capture, ROOT } from "./run.mjs";

/** Cold processes of each kind; the quickest of both are compared, as whatever else the machine does only adds to them. */
const PROCESSES = 15;

/** Tries again when that was too slow, for a machine that is busy all the while. */
const ATTEMPTS = 3;

const budgets = JSON.parse(readFileSync(join(ROOT, "budgets.json"), "utf8"));
let exceeded = false;

/** @type {string[]} */
const figures = [];

const code = filesBelow("src", /\.ts$/).concat(filesBelow("native", /\.[ch]$/));
const lengths = code.map((path) => linesOf(path).length);
report("addonBytes", bytesOf([addonPath()]));
report("libraryBytes", bytesOf(["dist/bundle/socketry.js"]));
report("distBytes", bytesOf(filesBelow("dist", /\.js$/)));
report("importMs", existsSync(join(ROOT, "dist/index.js")) ? importMs() : 0);
report("fileLines", Math.max(0, ...lengths), code[lengths.indexOf(Math.max(0, ...lengths))]);
report("medianFileLines", median(lengths));
reportLongestFunction();
if (!exceeded) {
	console.log(`ok: ${figures.join(", ")}`);
}
process.exitCode = exceeded ? 1 : 0;

/**
 * @param {string} name in budgets.json
 * @param {number} actual
 * @param {string} [where]
 */
function report(name, actual, where = "") {
	const fits = actual <= budgets[name];
	exceeded ||= !fits;
	figures.push(`${name} ${actual}`);
	if (!fits) {
		console.error(`${name} is ${actual}, more than ${budgets[name]}: ${where}`);
	}
}

/** Milliseconds that importing the package adds to an empty process. */
function importMs() {
	const folder = join(ROOT, ".build", "size");
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, "empty.mjs"), "");
	writeFileSync(join(folder, "import.mjs"), 'import "socketry";\n');
	let best = Number.POSITIVE_INFINITY;
	for (let attempt = 0; attempt < ATTEMPTS && best > budgets.importMs; attempt++) {
		best = Math.min(best, importMsOnce(folder));
	}
	return Math.round(best * 10) / 10;
}

/** @param {string} folder */
function importMsOnce(folder) {
	/** @type {Record<string, number[]>} */
	const times = { empty: [], import: [] };
	for (let round = 0; round < PROCESSES; round++) {
		for (const [name, list] of Object.entries(times)) {
			const start = performance.now();
			const result = capture(process.execPath, [join(folder, `${name}.mjs`)]);
			list.push(performance.now() - start);
			if (!result.ok) {
				throw new Error(`the package cannot be imported: ${result.stderr}`);
			}
		}
	}
	return Math.min(...(times.import ?? [])) - Math.min(...(times.empty ?? []));
}

/** In C: from a line that starts in the first column and opens a brace to the brace that closes in it. */
function reportLongestFunction() {
	let longest = { lines: 0, where: "" };
	for (const path of filesBelow("native", /\.c$/)) {
		let start = 0;
		for (const [index, line] of linesOf(path).entries()) {
			if (/^\w.*\)\s*\{$|^\{/.test(line)) {
				start = index;
			} else if (line.startsWith("}") && index - start + 1 > longest.lines && start > 0) {
				longest = { lines: index - start + 1, where: `${path}:${start + 1}` };
			}
		}
	}
	report("functionLines", longest.lines, longest.where);
}

/** @param {string} path */
function linesOf(path) {
	return readFileSync(join(ROOT, path), "utf8").trimEnd().split("\n");
}

/** @param {readonly string[]} paths */
function bytesOf(paths) {
	const existing = paths.filter((path) => existsSync(join(ROOT, path)));
	return existing.reduce((sum, path) => sum + statSync(join(ROOT, path)).size, 0);
}

/** @param {readonly number[]} values */
function median(values) {
	return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
