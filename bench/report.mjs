// Writes a saved result into the pages that show figures: node bench/report.mjs [RESULT.json] [--write]
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { summary } from "./report/summary.mjs";
import { whole } from "./report/whole.mjs";

const BEGIN = "<!-- bench:begin -->";
const END = "<!-- bench:end -->";
const NEEDED = ["machine", "kernel", "node", "commit", "date"];
const PAGES = [
	["README.md", summary],
	["docs/performance.md", whole],
];

/** The newest saved result. */
function newest() {
	const directory = fileURLToPath(new URL("./results/", import.meta.url));
	const names = readdirSync(directory).filter((name) => name.endsWith(".json"));
	if (names.length === 0) throw new Error("bench/results is empty: npm run bench -- --save");
	return join(directory, names.sort().at(-1));
}

function readResult(path) {
	const result = JSON.parse(readFileSync(path, "utf8"));
	const missing = NEEDED.filter((name) => !result.environment?.[name]);
	if (missing.length > 0) {
		throw new Error(
			`${path} does not say its ${missing.join(", ")}: figures without that mean nothing`,
		);
	}
	return result;
}

/** Where and when it was measured: figures without that mean nothing. */
function origin({ environment, quick, results }) {
	const { machine, cores, virtual, kernel, governor, commit, modified, date } = environment;
	const runs = Math.max(...results.map((row) => row.runs));
	const where = `${machine}, ${cores} cores${virtual ? " (virtual)" : ""}, ${kernel}`;
	const clock = governor === null ? "governor not visible" : `governor ${governor}`;
	const { node, bun = null, deno = null } = environment;
	const rivals = `${bun === null ? "" : `, Bun ${bun}`}${deno === null ? "" : `, Deno ${deno}`}`;
	const what = `Node ${node}${rivals}`;
	const at = `commit ${commit.slice(0, 8)}${modified ? " with changes" : ""}, ${date.slice(0, 10)}`;
	return [
		`Measured on ${where}, ${clock}, ${what}, ${at}; median of ${quick ? "up to " : ""}${runs} runs`,
		"and half their spread.",
	];
}

function insert(page, text) {
	const path = fileURLToPath(new URL(`../${page}`, import.meta.url));
	const before = readFileSync(path, "utf8");
	const begin = before.indexOf(BEGIN);
	const end = before.indexOf(END);
	if (begin < 0 || end < begin) throw new Error(`${page} has no ${BEGIN} ... ${END}`);
	writeFileSync(path, `${before.slice(0, begin + BEGIN.length)}\n${text}\n${before.slice(end)}`);
}

try {
	const { values, positionals } = parseArgs({
		options: { write: { type: "boolean", default: false } },
		allowPositionals: true,
	});
	const result = readResult(positionals[0] ?? newest());
	for (const [page, view] of PAGES) {
		const text = [...origin(result), "", ...view(result.results)].join("\n");
		if (values.write) insert(page, text);
		else console.log(`${page}:\n\n${text}\n`);
	}
} catch (error) {
	console.error(error.message);
	process.exitCode = 1;
}
