// Where somebody else is faster or smaller.
import { cases } from "../harness/cases.mjs";

// A factor that two plays of the same subject may differ by.
const NOISE = 1.03;

/** Where somebody else is better than the asynchronous API by more than the spread of the runs. */
export function losses(results) {
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
