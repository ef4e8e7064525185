// Looking figures up in a result, and holding them against each other.
import { formatNumber } from "../harness/table.mjs";

/** The row of one figure, or undefined. */
export function find(results, caseName, metric, subject) {
	return results.find(
		(row) => row.case === caseName && row.metric === metric && row.subject === subject,
	);
}

/** The median, and half of what the runs spread over it in percent. */
export function cell(row) {
	if (row === undefined) return "";
	const percent = spreadPercent(row);
	return formatNumber(row.value) + (percent === undefined ? "" : ` ±${percent}%`);
}

/** Half of what the runs spread over the median in percent; undefined for a single run. */
export function spreadPercent(row) {
	if (row.runs < 2 || row.value <= 0) return undefined;
	return Math.ceil((50 * (row.max - row.min)) / row.value);
}

/** A heading with its lines, or nothing when there are none. */
export function section(title, lines) {
	return lines.length === 0 ? [] : ["", title, "", ...lines];
}
