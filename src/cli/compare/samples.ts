/** Measured times in memory that is there before the measuring begins. */

/** Samples of one phase; more are not needed for any quantile that is shown. */
const ROOM = 65_536;

/** A collection of times. */
export class Samples {
	readonly #values: Float64Array = new Float64Array(ROOM);
	#count = 0;

	/** Times collected. */
	get count(): number {
		return this.#count;
	}

	/** Adds one; returns false when there is no room for another. */
	add(value: number): boolean {
		this.#values[this.#count++] = value;
		return this.#count < ROOM;
	}

	/**
	 * Reads values at ranks.
	 *
	 * @param ranks each 0..1; 0.5 is the median
	 * @returns as many values; NaN when nothing was collected
	 */
	quantiles(ranks: readonly number[]): number[] {
		const sorted = this.#values.subarray(0, this.#count).sort();
		return ranks.map((rank) => sorted[Math.floor(rank * (this.#count - 1))] ?? Number.NaN);
	}

	/** Forgets all. */
	clear(): void {
		this.#count = 0;
	}
}
