/** From the figures of the rounds to one row per kind. */
import { KINDS, type Kind } from "./kinds.ts";
import { type Figures, RANKS } from "./measure.ts";
import type { Finding } from "./rounds.ts";
import { type Estimate, estimate, isTie, median } from "./statistics.ts";

/** What was measured of one kind. */
export interface Row {
	readonly kind: Kind;
	readonly label: string;
	readonly place: string;
	readonly largeBytes: number;
	/** Estimates by metric; a pipe has no set-up. */
	readonly metrics: { readonly [Name in Metric]: Estimate | undefined };
	/** Share that did not arrive when sent without a pause, 0..1: median of the rounds. */
	readonly smallLost: number;
	readonly largeLost: number;
	/** Round-trip times at `RANKS` in microseconds: medians of the rounds. */
	readonly roundTripUs: readonly number[];
	/** Round trips measured in all, and those that had to be repeated. */
	readonly roundTrips: number;
	readonly repeated: number;
}

/** What is measured. */
export type Metric = "setUpUs" | "p50Us" | "p99Us" | "smallPerSecond" | "largeBytesPerSecond";

/** Whether more is better. */
export const MORE_IS_BETTER: { readonly [Name in Metric]: boolean } = {
	setUpUs: false,
	p50Us: false,
	p99Us: false,
	smallPerSecond: true,
	largeBytesPerSecond: true,
};

/** All metrics in the order of the tables. */
export const METRICS: readonly Metric[] = Object.keys(MORE_IS_BETTER) as Metric[];

const P50: number = RANKS.indexOf(0.5);
const P99: number = RANKS.indexOf(0.99);

/** Sums up what the rounds have found. */
export function makeRow({ target, rounds }: Finding): Row {
	const of = (read: (figures: Figures) => number | undefined): Estimate | undefined => {
		const values = rounds.map(read).filter((value) => value !== undefined);
		return values.length === 0 ? undefined : estimate(values);
	};
	const sum = (read: (figures: Figures) => number): number => {
		return rounds.reduce((total, figures) => total + read(figures), 0);
	};
	return {
		kind: target.kind,
		label: KINDS[target.kind].label,
		place: target.place,
		largeBytes: target.largeBytes,
		metrics: {
			setUpUs: of(({ setUpUs }) => setUpUs),
			p50Us: of(({ roundTripUs }) => roundTripUs[P50]),
			p99Us: of(({ roundTripUs }) => roundTripUs[P99]),
			smallPerSecond: of(({ small }) => small.perSecond),
			largeBytesPerSecond: of(({ largeBytesPerSecond }) => largeBytesPerSecond),
		},
		smallLost: median(rounds.map(({ small }) => small.lost)),
		largeLost: median(rounds.map(({ largeLost }) => largeLost)),
		roundTripUs: RANKS.map((_, i) => median(rounds.map((r) => r.roundTripUs[i] as number))),
		roundTrips: sum(({ roundTrips }) => roundTrips),
		repeated: sum(({ repeated }) => repeated),
	};
}

/** The sockets that are best in a metric: the best one and all that cannot be told from it. Pipes are a reference, no choice. */
export function bestRows(rows: readonly Row[], metric: Metric): Row[] {
	const sign = MORE_IS_BETTER[metric] ? -1 : 1;
	const ranked = rows
		.filter(({ kind, metrics }) => kind !== "pipe" && metrics[metric] !== undefined)
		.sort((a, b) => sign * (figureOf(a, metric) - figureOf(b, metric)));
	const [best] = ranked;
	if (best === undefined) return [];
	const top = best.metrics[metric] as Estimate;
	return ranked.filter((row) => row === best || isTie(row.metrics[metric] as Estimate, top));
}

function figureOf(row: Row, metric: Metric): number {
	return (row.metrics[metric] as Estimate).value;
}
