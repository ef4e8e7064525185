// Writes a saved result as the README's table: node bench/report.mjs [RESULT.json] [--write README.md]
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cases } from "./harness/cases.mjs";
import { goals } from "./harness/goals.mjs";
import { formatNumber } from "./harness/table.mjs";

const BEGIN = "<!-- bench:begin -->";
const END = "<!-- bench:end -->";
const NEEDED = ["machine", "kernel", "node", "commit", "date"];
const COLUMNS = ["c-epoll", "c-blocking", "node", "bun", "socketry", "socketry-sync"];
// A factor that two plays of the same subject may differ by.
const NOISE = 1.03;

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

/** Main metric of each case, one row a case, one column a subject. */
function table(results) {
	const lines = [
		`| case | unit | ${COLUMNS.join(" | ")} | others |`,
		`|---|---|${"---:|".repeat(COLUMNS.length)}---|`,
	];
	for (const each of cases) {
		for (const metric of each.kind === "import" ? each.metrics : each.metrics.slice(0, 1)) {
			const rows = results.filter((row) => row.case === each.name && row.metric === metric.name);
			if (rows.length === 0) continue;
			const cells = COLUMNS.map((name) => cell(rows.find((row) => row.subject === name)));
			const others = rows.filter((row) => !COLUMNS.includes(row.subject));
			const rest = others.map((row) => `${row.subject} ${cell(row)}`).join(", ");
			const unit = `${metric.name} (${metric.better} is better)`;
			lines.push(`| \`${each.name}\` | ${unit} | ${cells.join(" | ")} | ${rest} |`);
		}
	}
	return lines;
}

// The median, and half of what the runs spread over it in percent.
function cell(row) {
	if (row === undefined) return "";
	if (row.runs < 2 || row.value <= 0) return formatNumber(row.value);
	const percent = (50 * (row.max - row.min)) / row.value;
	return `${formatNumber(row.value)} ±${Math.ceil(percent)}%`;
}

function find(results, caseName, metric, subject) {
	return results.find(
		(row) => row.case === caseName && row.metric === metric && row.subject === subject,
	);
}

// Reached or missed only when every run says so.
function judge(row, rival, bound) {
	const least = row.min / (rival?.max ?? 1);
	const most = row.max / (rival?.min ?? 1);
	if (least < bound && most > bound) return "undecided, the runs spread too far";
	return most <= bound === (row.better === "lower") ? "reached" : "**missed**";
}

/** One line a goal: reached or not, as a ratio inside this run. */
function goalLines(results) {
	return goals.flatMap(({ case: name, metric, subject, bound, against, text: goal }) => {
		const row = find(results, name, metric, subject);
		const rival = against === undefined ? undefined : find(results, name, metric, against);
		if (row === undefined || (against !== undefined && rival === undefined)) return [];
		const value = rival === undefined ? row.value : row.value / rival.value;
		const text = against === undefined ? formatNumber(value) : `${value.toFixed(2)} x ${against}`;
		const verdict = judge(row, rival, bound);
		return [`- \`${name}\` ${metric}, ${subject}: ${text}, goal ${goal}: ${verdict}`];
	});
}

/** Where somebody else is better than the asynchronous API by more than the spread of the runs. */
function losses(results) {
	return cases.flatMap((each) => {
		const metric = each.metrics[0].name;
		const rows = results.filter((row) => row.case === each.name && row.metric === metric);
		const ours = rows.find((row) => row.subject === "socketry");
		if (ours === undefined) return [];
		const ahead = rows.filter((row) => isRival(row.subject) && isAhead(row, ours));
		if (ahead.length === 0) return [];
		const list = ahead.map((row) => `${row.subject} by ${timesAhead(row, ours).toFixed(2)}`);
		return [`- \`${each.name}\`: ${list.join(", ")}`];
	});
}

function isAhead(theirs, ours) {
	const apart = ours.better === "lower" ? theirs.max < ours.min : theirs.min > ours.max;
	return apart && timesAhead(theirs, ours) > NOISE;
}

function timesAhead(theirs, ours) {
	return ours.better === "lower" ? ours.value / theirs.value : theirs.value / ours.value;
}

// What a relay costs is no loss to whoever does without.
function isRival(subject) {
	return !subject.startsWith("socketry") && subject !== "direct";
}

function document({ environment, quick, results }) {
	const { machine, cores, virtual, kernel, governor, commit, modified, date } = environment;
	const runs = Math.max(...results.map((row) => row.runs));
	const where = `${machine}, ${cores} cores${virtual ? " (virtual)" : ""}, ${kernel}`;
	const clock = governor === null ? "governor not visible" : `governor ${governor}`;
	const { node, bun = null, deno = null } = environment;
	const rivals = `${bun === null ? "" : `, Bun ${bun}`}${deno === null ? "" : `, Deno ${deno}`}`;
	const what = `Node ${node}${rivals}`;
	const at = `commit ${commit.slice(0, 8)}${modified ? " with changes" : ""}, ${date.slice(0, 10)}`;
	const section = (title, lines) => (lines.length === 0 ? [] : ["", title, "", ...lines]);
	return [
		`Measured on ${where}, ${clock}, ${what}, ${at}; median of ${quick ? "up to " : ""}${runs} runs`,
		"and half their spread. Loopback is not a network; `bench/README.md` has the method.",
		"",
		...table(results),
		...section("Goals:", goalLines(results)),
		...section("Where `socketry` loses, and by which factor:", losses(results)),
	].join("\n");
}

function insert(path, text) {
	const page = readFileSync(path, "utf8");
	const begin = page.indexOf(BEGIN);
	const end = page.indexOf(END);
	if (begin < 0 || end < begin) throw new Error(`${path} has no ${BEGIN} ... ${END}`);
	writeFileSync(path, `${page.slice(0, begin + BEGIN.length)}\n${text}\n${page.slice(end)}`);
}

try {
	const { values, positionals } = parseArgs({
		options: { write: { type: "string" } },
		allowPositionals: true,
	});
	const text = document(readResult(positionals[0] ?? newest()));
	if (values.write === undefined) console.log(text);
	else insert(values.write, text);
} catch (error) {
	console.error(error.message);
	process.exitCode = 1;
}
