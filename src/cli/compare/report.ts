/** Everything that a comparison has found, ready to be shown. */
import { type Advice, advise } from "./advice.ts";
import type { Environment } from "./environment.ts";
import { KINDS, type Kind } from "./kinds.ts";
import type { Plan } from "./plan.ts";
import type { Finding } from "./rounds.ts";
import { makeRow, type Row } from "./rows.ts";

/** A kind that could not be measured. */
export interface Skipped {
	readonly kind: Kind;
	readonly label: string;
	readonly reason: string;
}

/** A result. */
export interface Report {
	readonly environment: Environment;
	/** Whether the other side was given by address, and may be on another machine. */
	readonly isRemote: boolean;
	readonly plan: Plan;
	readonly rows: readonly Row[];
	readonly skipped: readonly Skipped[];
	readonly advice: readonly Advice[];
}

/** Draws up the report. */
export function makeReport(
	findings: readonly Finding[],
	unavailable: ReadonlyMap<Kind, string>,
	course: Pick<Report, "environment" | "isRemote" | "plan">,
): Report {
	const rows = findings.map(makeRow);
	const skipped = [...unavailable].map(([kind, reason]) => ({
		kind,
		label: KINDS[kind].label,
		reason,
	}));
	return { ...course, rows, skipped, advice: advise(rows, course) };
}
