/** Invented findings, so that what is said about them can be tested. */
import { advise } from "#src/cli/compare/advice.ts";
import type { Environment } from "#src/cli/compare/environment.ts";
import type { Kind } from "#src/cli/compare/kinds.ts";
import { type Figures, RANKS } from "#src/cli/compare/measure.ts";
import { makePlan } from "#src/cli/compare/plan.ts";
import { makeReport, type Report } from "#src/cli/compare/report.ts";
import { makeRow, type Row } from "#src/cli/compare/rows.ts";

/** What is to be found for a kind; every round differs by `noise` from the one before and after, 0..1. */
export interface Invented {
	readonly p50Us?: number;
	readonly setUpUs?: number | undefined;
	readonly smallPerSecond?: number;
	readonly largeBytesPerSecond?: number;
	readonly lost?: number;
	readonly noise?: number;
}

const ROUNDS = 9;

/** One row as if it had been measured. */
export function inventRow(kind: Kind, invented: Invented = {}): Row {
	const { p50Us = 20, smallPerSecond = 1e6, largeBytesPerSecond = 4e9 } = invented;
	const { setUpUs = 50, lost = 0, noise = 0.01 } = invented;
	const rounds = Array.from({ length: ROUNDS }, (_, i): Figures => {
		const factor = 1 + noise * ((i % 3) - 1);
		return {
			setUpUs: kind === "pipe" ? undefined : setUpUs * factor,
			roundTripUs: RANKS.map((rank) => p50Us * factor * (0.5 + rank)),
			roundTrips: 1000,
			repeated: 0,
			small: { perSecond: smallPerSecond * factor, lost },
			largeBytesPerSecond: largeBytesPerSecond * factor,
			largeLost: lost,
		};
	});
	const open = (): never => {
		throw new Error("nothing is behind it");
	};
	const largeBytes = kind === "udp" ? 65_507 : 65_536;
	return makeRow({ target: { kind, place: `${kind}:place`, largeBytes, open }, rounds });
}

/** An environment with every sign that could break out of HTML. */
const ENVIRONMENT: Environment = {
	date: "2026-01-02T03:04:05.000Z",
	machine: `Machine <script>alert("1")</script> & 'more'`,
	processors: 2,
	virtual: true,
	kernel: "Linux 6.1",
	node: "v20.0.0",
	socketry: "0.0.0",
	load: 0,
};

/** A whole report over these rows. */
export function inventReport(rows: readonly Row[], isRemote = false): Report {
	const plan = makePlan(1000, rows.length, 64, false);
	const course = { environment: ENVIRONMENT, isRemote, plan };
	const unavailable = new Map<Kind, string>([["pipe", "the program mkfifo is not installed"]]);
	const empty = makeReport([], unavailable, course);
	return { ...empty, rows, advice: advise(rows, { isRemote }) };
}

/** One row of each kind, all different. */
export const ALL_ROWS: readonly Row[] = [
	inventRow("unix", { p50Us: 14, setUpUs: 22, largeBytesPerSecond: 5e9 }),
	inventRow("unix-seqpacket", { p50Us: 16.5, smallPerSecond: 3e5 }),
	inventRow("unix-dgram", { p50Us: 15.5, smallPerSecond: 2e5 }),
	inventRow("tcp", { p50Us: 123_456, setUpUs: 54_321 }),
	inventRow("udp", { p50Us: 19, lost: 0.4, smallPerSecond: 12 }),
	inventRow("pipe", { p50Us: 13, smallPerSecond: 15e6 }),
];
