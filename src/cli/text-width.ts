/** How wide text is on a terminal. */

const NARROW = /^[ -~\u00a0-\u02ff]*$/;
// Marks that lie upon the sign before them. What else has no width is made visible before it comes here.
const NONE = /^\p{M}$/u;
// Unicode Standard Annex 11, by the scripts and blocks that it calls wide: halfwidth forms are of the same scripts.
const WIDE =
	/^(?![\uff61-\uffdc])[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]$/u;

/** Columns that text takes. */
export function columnsOf(text: string): number {
	if (NARROW.test(text)) return text.length;
	let columns = 0;
	for (const sign of text) columns += signColumns(sign);
	return columns;
}

/** As much of the beginning as fits into so many columns. */
export function headOf(text: string, columns: number): string {
	return fitting([...text], columns).join("");
}

/** As much of the end as fits into so many columns. */
export function tailOf(text: string, columns: number): string {
	return fitting([...text].reverse(), columns)
		.reverse()
		.join("");
}

function fitting(signs: readonly string[], columns: number): string[] {
	const taken: string[] = [];
	let left = columns;
	for (const sign of signs) {
		left -= signColumns(sign);
		if (left < 0) break;
		taken.push(sign);
	}
	return taken;
}

function signColumns(sign: string): number {
	if (NARROW.test(sign)) return 1;
	if (NONE.test(sign)) return 0;
	return WIDE.test(sign) ? 2 : 1;
}
