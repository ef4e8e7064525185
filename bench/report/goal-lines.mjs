// Which goals a result reaches.
import { goals } from "../harness/goals.mjs";
import { formatNumber } from "../harness/table.mjs";
import { find } from "./figures.mjs";

export const REACHED = "reached";
export const MISSED = "**missed**";
const UNDECIDED = "undecided, the runs spread too far";

/** Each goal that the result has figures for, as a ratio inside this run, with its verdict. */
export function verdicts(results) {
	return goals.flatMap((goal) => {
		const { case: name, metric, subject, bound, against } = goal;
		const row = find(results, name, metric, subject);
		const rival = against === undefined ? undefined : find(results, name, metric, against);
		if (row === undefined || (against !== undefined && rival === undefined)) return [];
		const value = rival === undefined ? row.value : row.value / rival.value;
		return [{ goal, value, verdict: judge(row, rival, bound) }];
	});
}

// Reached or missed only when every run says so.
function judge(row, rival, bound) {
	const least = row.min / (rival?.max ?? 1);
	const most = row.max / (rival?.min ?? 1);
	if (least < bound && most > bound) return UNDECIDED;
	return most <= bound === (row.better === "lower") ? REACHED : MISSED;
}

/** One line a goal. */
export function goalLines(results) {
	return verdicts(results).map(({ goal, value, verdict }) => {
		const { case: name, metric, subject, against, text } = goal;
		const found = against === undefined ? formatNumber(value) : `${value.toFixed(2)} x ${against}`;
		return `- \`${name}\` ${metric}, ${subject}: ${found}, goal ${text}: ${verdict}`;
	});
}
