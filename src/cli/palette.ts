/** Colours and weights, as far as the receiving end wants them. */

/** Marks up text for a terminal, or leaves it as it is. */
export interface Palette {
	readonly bold: (text: string) => string;
	readonly dim: (text: string) => string;
	readonly good: (text: string) => string;
	readonly bad: (text: string) => string;
	readonly accent: (text: string) => string;
}

/** Escape sequences of ECMA-48, Select Graphic Rendition: what to send before and after. */
const CODES: { readonly [Name in keyof Palette]: readonly [number, number] } = {
	bold: [1, 22],
	dim: [2, 22],
	good: [32, 39],
	bad: [31, 39],
	accent: [36, 39],
};

/**
 * Decides whether a stream gets colours: FORCE_COLOR wins as it does in Node, then NO_COLOR, then whether it is a terminal that can.
 *
 * @see https://no-color.org, https://force-color.org
 */
export function wantsColour(
	isTerminal: boolean,
	env: Readonly<Record<string, string | undefined>>,
): boolean {
	const forced = env["FORCE_COLOR"] ?? env["CLICOLOR_FORCE"];
	if (forced !== undefined) return !["0", "false"].includes(forced);
	if (env["NO_COLOR"]) return false;
	return isTerminal && env["TERM"] !== "dumb";
}

/** Makes a palette that marks up, or one that does nothing. */
export function createPalette(coloured: boolean): Palette {
	const style = (name: keyof Palette): ((text: string) => string) => {
		const [before, after] = CODES[name];
		return coloured ? (text) => `\x1b[${before}m${text}\x1b[${after}m` : (text) => text;
	};
	return {
		bold: style("bold"),
		dim: style("dim"),
		good: style("good"),
		bad: style("bad"),
		accent: style("accent"),
	};
}
