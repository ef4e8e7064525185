/** How the time of a comparison is divided. */

/** What is done for one kind in one round, in milliseconds each. */
export interface Slices {
	readonly setUpMs: number;
	readonly roundTripMs: number;
	readonly smallMs: number;
	readonly largeMs: number;
}

/** The whole course. */
export interface Plan {
	/** Measured rounds; one shorter round before them warms up and is not counted. */
	readonly rounds: number;
	readonly slices: Slices;
	readonly warmUp: Slices;
	/** Size of the messages of the round trips. */
	readonly size: number;
}

/** Size of a small message. */
export const SMALL_BYTES = 64;
/** What is measured in without options, and with --quick. */
export const DURATION_MS = 35_000;
export const QUICK_MS = 8_000;

/** With five rounds the extremes are a 94 % interval of the median, with nine the second and the last but one. */
const ROUNDS = 9;
const ROUNDS_QUICK = 5;
const WARM_UP_ROUNDS = 0.5;

const SHARES = { setUpMs: 0.16, roundTripMs: 0.4, smallMs: 0.22, largeMs: 0.22 } as const;

/**
 * Divides the time over rounds, kinds and measurements.
 *
 * @param durationMs all of it
 * @param kinds how many are compared
 */
export function makePlan(durationMs: number, kinds: number, size: number, isQuick: boolean): Plan {
	const rounds = isQuick ? ROUNDS_QUICK : ROUNDS;
	const sliceMs = durationMs / (kinds * (rounds + WARM_UP_ROUNDS));
	const slices = scaled(sliceMs);
	return { rounds, slices, warmUp: scaled(sliceMs * WARM_UP_ROUNDS), size };
}

function scaled(ms: number): Slices {
	const { setUpMs, roundTripMs, smallMs, largeMs } = SHARES;
	return {
		setUpMs: setUpMs * ms,
		roundTripMs: roundTripMs * ms,
		smallMs: smallMs * ms,
		largeMs: largeMs * ms,
	};
}
