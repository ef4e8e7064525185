/** The report as JSON Lines. Fields are only ever added; `v` changes when one changes its meaning. docs/compare.md lists them. */
import { KINDS } from "./kinds.ts";
import { RANKS } from "./measure.ts";
import { SMALL_BYTES } from "./plan.ts";
import type { Report } from "./report.ts";
import { METRICS, type Metric, MORE_IS_BETTER, type Row } from "./rows.ts";

const VERSION = 1;

const NAMES: { readonly [Name in Metric]: { readonly metric: string; readonly unit: string } } = {
	setUpUs: { metric: "set_up", unit: "us" },
	p50Us: { metric: "round_trip_p50", unit: "us" },
	p99Us: { metric: "round_trip_p99", unit: "us" },
	smallPerSecond: { metric: "small", unit: "messages/s" },
	largeBytesPerSecond: { metric: "large", unit: "bytes/s" },
};

/** Writes the report, one object a line, each with `type` and `v`. */
export function renderJson(report: Report): string {
	return objectsOf(report)
		.map(({ type, ...rest }) => `${JSON.stringify({ type, v: VERSION, ...rest })}\n`)
		.join("");
}

interface Line {
	readonly type: string;
	readonly [field: string]: unknown;
}

function objectsOf(report: Report): Line[] {
	const { environment, isRemote, plan, rows, skipped, advice } = report;
	const { rounds, size } = plan;
	return [
		{ type: "environment", ...environment, remote: isRemote, rounds, size },
		...rows.flatMap((row) => [...resultsOf(row, size), roundTripsOf(row), guaranteesOf(row)]),
		...skipped.map(({ kind, reason }) => ({ type: "skipped", kind, reason })),
		...advice.map((each) => ({ type: "advice", ...each })),
		{ type: "summary", kinds: rows.map(({ kind }) => kind), skipped: skipped.length },
	];
}

function resultsOf(row: Row, size: number): Line[] {
	const bytes = (metric: Metric): number | undefined => {
		if (metric === "setUpUs") return undefined;
		if (metric === "smallPerSecond") return SMALL_BYTES;
		return metric === "largeBytesPerSecond" ? row.largeBytes : size;
	};
	const lost = { smallPerSecond: row.smallLost, largeBytesPerSecond: row.largeLost };
	return METRICS.filter((metric) => row.metrics[metric] !== undefined).map((metric) => ({
		type: "result",
		kind: row.kind,
		place: row.place,
		...NAMES[metric],
		message_bytes: bytes(metric),
		better: MORE_IS_BETTER[metric] ? "higher" : "lower",
		...row.metrics[metric],
		...(metric in lost && { lost: lost[metric as keyof typeof lost] }),
	}));
}

function roundTripsOf({ kind, roundTrips, repeated, roundTripUs }: Row): Line {
	return { type: "round_trips", kind, count: roundTrips, repeated, ranks: RANKS, us: roundTripUs };
}

function guaranteesOf({ kind }: Row): Line {
	const promises = Object.entries(KINDS[kind].guarantees).map(([name, { answer }]) => {
		return [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), answer === "yes"];
	});
	return { type: "guarantees", kind, ...Object.fromEntries(promises) };
}
