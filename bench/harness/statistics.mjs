/** The middle value, or the mean of the two in the middle. */
export function median(values) {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One result in the form that `--json` prints. */
export function summarize(caseName, subject, metric, values) {
	return {
		case: caseName,
		subject,
		metric: metric.name,
		value: round(median(values)),
		better: metric.better,
		runs: values.length,
		min: round(Math.min(...values)),
		max: round(Math.max(...values)),
	};
}

/** Four significant digits: more would be noise. */
export function round(value) {
	return Number(value.toPrecision(4));
}
