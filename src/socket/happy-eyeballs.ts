/**
 * RFC 8305, Happy Eyeballs: connection attempts start one after another, a failure or a short delay apart, and go on side by side until one
 * has succeeded. Pure: what an attempt is, its caller knows.
 */

/** Options of `raceAttempts`. */
export interface RaceOptions {
	/** Time until the next attempt starts although none has failed, in milliseconds. */
	readonly delayMs: number;
	/** Ends all attempts; the race rejects as they do. */
	readonly signal?: AbortSignal | undefined;
}

/**
 * Resolves to the result of the first attempt that succeeds, and aborts the others.
 *
 * @param candidates one or more, in order of preference
 * @param attempt has to reject soon once its signal aborts, and to release what it holds
 * @param discard releases the result of an attempt that succeeded too late
 * @throws {AggregateError} all have failed; `errors` is in the order of the candidates
 * @see RFC 8305 section 5
 */
export function raceAttempts<C, R>(
	candidates: readonly C[],
	attempt: (candidate: C, signal: AbortSignal) => Promise<R>,
	discard: (result: R) => void,
	options: RaceOptions,
): Promise<R> {
	const race = new AbortController();
	const signal =
		options.signal === undefined ? race.signal : AbortSignal.any([options.signal, race.signal]);
	return new Promise((resolve, reject) => {
		const errors: unknown[] = [];
		let started = 0;
		let failed = 0;
		let won = false;
		let timer: NodeJS.Timeout | undefined;

		const start = (): void => {
			clearTimeout(timer);
			if (won || started === candidates.length) return;
			// The first one starts in any case: that it rejects at once ends the race.
			if (started > 0 && options.signal?.aborted) return;
			const index = started++;
			attempt(candidates[index] as C, signal).then(win, (error) => lose(index, error));
			if (started < candidates.length) timer = setTimeout(start, options.delayMs);
		};
		const win = (result: R): void => {
			if (won) {
				discard(result);
				return;
			}
			won = true;
			clearTimeout(timer);
			race.abort();
			resolve(result);
		};
		const lose = (index: number, error: unknown): void => {
			errors[index] = error;
			failed++;
			if (won) return;
			if (options.signal?.aborted) {
				clearTimeout(timer);
				reject(error);
			} else if (failed === candidates.length) {
				reject(new AggregateError(errors, `all ${failed} attempts failed`));
			} else if (failed === started) start();
		};
		start();
	});
}

/** Alternates between families, beginning with the first one's; RFC 8305 section 4. */
export function interleaveFamilies<C extends { readonly family: string }>(
	candidates: readonly C[],
): C[] {
	const first = candidates.filter(({ family }) => family === candidates[0]?.family);
	const others = candidates.filter(({ family }) => family !== candidates[0]?.family);
	const order: C[] = [];
	for (let i = 0; i < Math.max(first.length, others.length); i++) {
		for (const candidate of [first[i], others[i]])
			if (candidate !== undefined) order.push(candidate);
	}
	return order;
}
