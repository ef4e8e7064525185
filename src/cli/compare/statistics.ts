/** Medians, and how far they can be trusted. */

/** A figure with the interval in which its true median lies. */
export interface Estimate {
	/** Median of the rounds. */
	readonly value: number;
	/** Ends of the interval. */
	readonly low: number;
	readonly high: number;
	/** The figure of each round, in order of time. */
	readonly rounds: readonly number[];
}

/** Least confidence of an interval, as far as there are rounds enough. */
const CONFIDENCE = 0.9;

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	const upper = sorted[middle] ?? Number.NaN;
	return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * Estimates the median that more rounds would come to.
 *
 * The interval lies between two of the measured values, which assumes nothing about how they are distributed: of the pairs that hold the
 * true median with 90 % confidence or more, the closest. Five rounds give their extremes (94 %), nine leave one outlier out on each side
 * (96 %); with fewer than five the confidence is less.
 */
export function estimate(rounds: readonly number[]): Estimate {
	const sorted = [...rounds].sort((a, b) => a - b);
	const outside = outliersOutside(sorted.length);
	return {
		value: median(sorted),
		low: sorted[outside] ?? Number.NaN,
		high: sorted[sorted.length - 1 - outside] ?? Number.NaN,
		rounds,
	};
}

// The true median is outside when at least n - k values fall on one side of it: a coin thrown n times, both tails.
function outliersOutside(count: number): number {
	let probability = 0.5 ** count;
	let tail = probability;
	let outside = 0;
	for (let k = 1; k < count / 2; k++) {
		probability *= (count - k + 1) / k;
		tail += probability;
		if (1 - 2 * tail < CONFIDENCE) break;
		outside = k;
	}
	return outside;
}

/** Half the interval's width in relation to the value. */
export function spread({ value, low, high }: Estimate): number {
	return (high - low) / 2 / value;
}

/** Differences below this are no reason to choose anything, however sure they are. */
const NEGLIGIBLE = 0.05;

/** Whether two figures cannot be told apart: their intervals overlap, or the difference is below 5 %. */
export function isTie(a: Estimate, b: Estimate): boolean {
	if (a.low <= b.high && b.low <= a.high) return true;
	return Math.max(a.value, b.value) / Math.min(a.value, b.value) < 1 + NEGLIGIBLE;
}
