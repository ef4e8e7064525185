// Results for people: one small table a case.
import { goalsFor } from "./goals.mjs";

/** The table of one case: each subject's median, spread, and ratio to the first subject. */
export function caseTable(each, results, failures) {
	const lines = [each.name];
	for (const metric of each.metrics) {
		const rows = results.filter((result) => result.metric === metric.name);
		const base = rows[0];
		for (const row of rows) lines.push(tableRow(row, base));
	}
	for (const { subject, reason } of failures) {
		lines.push(`  ${subject.padEnd(15)} ${reason.split("\n").join("\n    ")}`);
	}
	return lines.join("\n");
}

function tableRow(row, base) {
	const ratio = base.value > 0 && row.value > 0 ? `x${(row.value / base.value).toFixed(2)}` : "";
	const spread = row.runs > 1 ? `${formatNumber(row.min)} .. ${formatNumber(row.max)}` : "one run";
	const goal = goalsFor(row.case, row.metric, row.subject);
	const columns = [
		`  ${row.subject.padEnd(15)}`,
		formatNumber(row.value).padStart(12),
		` ${row.metric.padEnd(16)}`,
		`[${spread}]`.padEnd(28),
		row === base ? "" : ratio.padEnd(8),
		goal === "" ? "" : `goal: ${goal}`,
	];
	return columns.join(" ").trimEnd();
}

/** A number in at most four significant digits, thousands grouped. */
export function formatNumber(value) {
	if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
	return String(Number(value.toPrecision(4)));
}
