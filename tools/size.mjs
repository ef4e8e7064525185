// Holds: the package stays small, quick to import and readable, as budgets.json says. (Function length in TypeScript is biome's rule.)

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addonPath } from "./build-native.mjs";
import { filesBelow } from "./files.mjs";
import { capture, ROOT } from "./run.mjs";

/** Cold processes of each kind; the quickest of both are compared, as whatever else the machine does only adds to them. */
const PROCESSES = 15;

/** Tries again when that was too much: a crowded cache makes the same work longer. */
const ATTEMPTS = 5;

const budgets = JSON.parse(readFileSync(join(ROOT, "budgets.json"), "utf8"));
let exceeded = false;

/** @type {string[]} */
const figures = [];

const code = filesBelow("src", /\.ts$/).concat(filesBelow("native", /\.[ch]$/));
const lengths = code.map((path) => linesOf(path).length);
report("addonBytes", bytesOf([addonPath()]));
report("libraryBytes", bytesOf(["dist/bundle/socketry.js"]));
// Without the modules that the program has in its parts: they are not published.
const published = filesBelow("dist", /\.js$/).filter((path) => !/^dist\/cli\/.*\//.test(path));
report("distBytes", bytesOf(published));
report("importShare", existsSync(join(ROOT, "dist/index.js")) ? importShare() : 0);
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

/** Processor time that importing the package adds to an empty process, as a share of that: it hardly depends on the machine, or on who else is busy on it. */
function importShare() {
	const folder = join(ROOT, ".build", "size");
	mkdirSync(folder, { recursive: true });
	const tell = "const { user, system } = process.cpuUsage();\nprocess._rawDebug(user + system);\n";
	writeFileSync(join(folder, "empty.mjs"), tell);
	writeFileSync(join(folder, "import.mjs"), `import "socketry";\n${tell}`);
	let best = Number.POSITIVE_INFINITY;
	for (let attempt = 0; attempt < ATTEMPTS && best > budgets.importShare; attempt++) {
		best = Math.min(best, importShareOnce(folder));
	}
	return Math.round(best * 100) / 100;
}

/** @param {string} folder */
function importShareOnce(folder) {
	const least = { empty: Number.POSITIVE_INFINITY, import: Number.POSITIVE_INFINITY };
	for (let round = 0; round < PROCESSES; round++) {
		for (const name of /** @type {const} */ (["empty", "import"])) {
			const result = capture(process.execPath, [join(folder, `${name}.mjs`)]);
			if (!result.ok) {
				throw new Error(`the package cannot be imported: ${result.stderr}`);
			}
			least[name] = Math.min(least[name], Number(result.stderr));
		}
	}
	return least.import / least.empty - 1;
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
