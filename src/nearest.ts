/** Guesses what a mistyped word was meant to be. */

const EDITS_MAX = 2;

/**
 * Finds the candidate that is at most two edits away from `word`.
 *
 * @returns the closest one, undefined when none is close
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
	let best: string | undefined;
	let bestEdits = EDITS_MAX + 1;
	for (const candidate of candidates) {
		const edits = distance(word, candidate);
		if (edits < bestEdits && edits < candidate.length) {
			best = candidate;
			bestEdits = edits;
		}
	}
	return best;
}

// Levenshtein's distance, row by row.
function distance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, i) => i);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
			next[j] = Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1);
		}
		row = next;
	}
	return row[b.length] as number;
}
