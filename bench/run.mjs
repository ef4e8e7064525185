// npm run bench: plays every case with every subject in turn and prints medians and spread.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readArguments, USAGE } from "./harness/arguments.mjs";
import { environment } from "./harness/environment.mjs";
import { playOnce } from "./harness/play.mjs";
import { summarize } from "./harness/statistics.mjs";
import { plays } from "./harness/subjects.mjs";
import { caseTable } from "./harness/table.mjs";
import { UnavailableError } from "./harness/unavailable.mjs";

const BUSY_LOAD = 0.5;

/** All rounds of one case: in each round every subject once, each round beginning with another subject. */
async function measureCase(each, players, profile, allowanceMs) {
	const runs = new Map(players.map((subject) => [subject, []]));
	const failures = new Map();
	const start = performance.now();
	let roundMs = 0;
	for (let round = 0; round < profile.rounds; round++) {
		if (round > 0 && performance.now() - start + roundMs > allowanceMs) break;
		const roundStart = performance.now();
		for (let i = 0; i < players.length; i++) {
			const subject = players[(i + round) % players.length];
			if (failures.has(subject)) continue;
			try {
				runs.get(subject).push(await playOnce(each, subject, profile));
			} catch (error) {
				failures.set(subject, error);
			}
		}
		roundMs = performance.now() - roundStart;
	}
	return { runs, failures };
}

function summarizeCase(each, { runs, failures }) {
	const results = [];
	for (const metric of each.metrics) {
		for (const [subject, figures] of runs) {
			if (figures.length === 0 || failures.has(subject)) continue;
			const values = figures.map((figure) => figure[metric.name]);
			results.push(summarize(each.name, subject.name, metric, values));
		}
	}
	const failed = [...failures].map(([subject, error]) => ({
		case: each.name,
		subject: subject.name,
		unavailable: error instanceof UnavailableError,
		reason:
			error instanceof UnavailableError ? `not run: ${error.message}` : `FAILED: ${error.message}`,
	}));
	return { results, failures: failed };
}

function printCase(each, { results, failures }, json) {
	if (!json) {
		console.log(`${caseTable(each, results, failures)}\n`);
		return;
	}
	for (const result of results) console.log(JSON.stringify(result));
	for (const { case: name, subject, reason } of failures) {
		console.error(`${name} ${subject}: ${reason}`);
	}
}

function save(head, plan, results, failures) {
	const directory = fileURLToPath(new URL("./results/", import.meta.url));
	const name = `${head.date.slice(0, 19).replaceAll(":", "")}-${(head.commit ?? "none").slice(0, 8)}.json`;
	const { warmUpMs, measureMs } = plan.profile;
	const body = { environment: head, quick: plan.quick, warmUpMs, measureMs, results, failures };
	mkdirSync(directory, { recursive: true });
	writeFileSync(directory + name, `${JSON.stringify(body, null, "\t")}\n`);
	console.error(`saved bench/results/${name}`);
}

async function run(plan) {
	const head = await environment(new Set(plan.subjects.map(({ name }) => name)));
	if (head.loadAverage > BUSY_LOAD) {
		console.error(
			`warning: load average ${head.loadAverage.toFixed(2)}; other work disturbs the figures`,
		);
	}
	const work = plan.cases
		.map((each) => ({ each, players: plan.subjects.filter((subject) => plays(subject, each)) }))
		.filter(({ players }) => players.length > 0);
	const end = performance.now() + plan.profile.budgetMs;
	const results = [];
	const failures = [];
	for (const [index, { each, players }] of work.entries()) {
		const allowanceMs = (end - performance.now()) / (work.length - index);
		const found = summarizeCase(each, await measureCase(each, players, plan.profile, allowanceMs));
		printCase(each, found, plan.json);
		results.push(...found.results);
		failures.push(...found.failures);
	}
	if (plan.save) save(head, plan, results, failures);
	return failures.every((failure) => failure.unavailable);
}

function list(plan) {
	for (const each of plan.cases) {
		const names = plan.subjects.filter((subject) => plays(subject, each)).map(({ name }) => name);
		console.log(`${each.name.padEnd(30)} ${names.join(" ")}`);
	}
}

async function main() {
	let plan;
	try {
		plan = readArguments(process.argv.slice(2));
	} catch (error) {
		console.error(`${error.message}\n\n${USAGE}`);
		return 2;
	}
	if (plan.help) console.log(USAGE);
	else if (plan.list) list(plan);
	else if (!(await run(plan))) return 1;
	return 0;
}

process.exitCode = await main();
