// The page of all figures.
import { cases } from "../harness/cases.mjs";
import { cell, section } from "./figures.mjs";
import { goalLines } from "./goal-lines.mjs";
import { losses } from "./losses.mjs";

const COLUMNS = ["c-epoll", "c-blocking", "node", "bun", "socketry", "socketry-sync"];

/** Every case with every subject, the goals, and where we lose. */
export function whole(results) {
	return [
		...table(results),
		...section("## Goals", goalLines(results)),
		...section("## Where `socketry` loses, and by which factor", losses(results)),
	];
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
