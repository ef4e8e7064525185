/** Random numbers that a seed makes repeatable. */
/** A sequence of random numbers. */
export interface RandomSource {
	/** What began it: the same seed gives the same numbers. */
	readonly seed: number;
	/** The next integer from 0 to `limit - 1`. */
	below(limit: number): number;
}

/**
 * Begins a sequence.
 *
 * @param seed an integer 0..4294967295; by default one of Math.random()'s
 * @see Steele, Lea, Flood: Fast splittable pseudorandom number generators (SplitMix)
 */
export function randomSource(seed: number = Math.floor(Math.random() * 2 ** 32)): RandomSource {
	let state = seed >>> 0;
	const next = (): number => {
		state = (state + 0x9e_37_79_b9) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 16), 0x21_f0_aa_ad);
		mixed = Math.imul(mixed ^ (mixed >>> 15), 0x73_5a_2d_97);
		return (mixed ^ (mixed >>> 15)) >>> 0;
	};
	return { seed, below: (limit) => Math.floor((next() / 2 ** 32) * limit) };
}
