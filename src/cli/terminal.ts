/** Where the program writes to: standard output or standard error, be it a terminal, a file or a pipe that closes early. */
import { createPalette, type Palette, wantsColour } from "./palette.ts";
import { wrap } from "./table.ts";

/** Columns of text beyond which lines are hard to read. */
const COLUMNS_MAX = 100;
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

/** Signs that need more than ASCII, or what stands for them. */
export interface Glyphs {
	readonly micro: string;
	readonly plusMinus: string;
	readonly full: string;
	readonly empty: string;
	readonly rule: string;
	readonly times: string;
	readonly dot: string;
	readonly ellipsis: string;
	readonly to: string;
	readonly from: string;
	readonly both: string;
	readonly branch: string;
	readonly lastBranch: string;
}

const UNICODE: Glyphs = {
	micro: "\u00b5",
	plusMinus: "\u00b1",
	full: "\u2588",
	empty: "\u2591",
	rule: "\u2500",
	times: "\u00d7",
	dot: "\u00b7",
	ellipsis: "\u2026",
	to: "\u2192",
	from: "\u2190",
	both: "\u2194",
	branch: "\u251c\u2500",
	lastBranch: "\u2514\u2500",
};
const ASCII: Glyphs = {
	micro: "u",
	plusMinus: "~",
	full: "#",
	empty: ".",
	rule: "-",
	times: "x",
	dot: "-",
	ellipsis: "~",
	to: "->",
	from: "<-",
	both: "<->",
	branch: "|-",
	lastBranch: "`-",
};

/** Where the cursor is, for both outputs, which may be one terminal. */
export interface Cursor {
	/** Whether the terminal has written ^C at the end of a line. */
	isBehindKey: boolean;
}

/** One of the two outputs. */
export class Terminal {
	readonly palette: Palette;
	readonly glyphs: Glyphs;
	readonly #stream: NodeJS.WriteStream;
	readonly #cursor: Cursor;
	readonly #isDumb: boolean;

	constructor(
		stream: NodeJS.WriteStream,
		env: Readonly<Record<string, string | undefined>>,
		cursor: Cursor = { isBehindKey: false },
	) {
		this.#stream = stream;
		this.#cursor = cursor;
		this.#isDumb = env["TERM"] === "dumb";
		this.palette = createPalette(wantsColour(this.isTerminal, env));
		this.glyphs = speaksUnicode(env) ? UNICODE : ASCII;
	}

	/** Whether a person looks at it. */
	get isTerminal(): boolean {
		return this.#stream.isTTY === true;
	}

	/** Columns to fill. */
	get columns(): number {
		const columns = this.isTerminal ? this.#stream.columns || COLUMNS_DEFAULT : COLUMNS_DEFAULT;
		return Math.min(columns, COLUMNS_MAX);
	}

	/** Columns that a table may have: all there are, and any number where it goes to a file or another program. */
	get tableColumns(): number {
		if (!this.isTerminal) return Number.POSITIVE_INFINITY;
		return this.#stream.columns || COLUMNS_DEFAULT;
	}

	/** Lines that can be seen at once. */
	get rows(): number {
		return (this.isTerminal && this.#stream.rows) || ROWS_DEFAULT;
	}

	/** Whether the cursor can be moved. */
	get canRedraw(): boolean {
		return this.isTerminal && !this.#isDumb;
	}

	/** Writes lines for people: on a terminal they break between words, elsewhere not at all. */
	say(text: string): void {
		const lines = text.split("\n").map((line) => wrap(line, this.columns));
		this.write(this.isTerminal ? lines.join("") : `${text}\n`);
	}

	/** Writes text as it is, on a terminal below ^C. What a closed pipe cannot take is dropped. */
	write(text: string): void {
		if (!this.#stream.writable) return;
		if (!/^[\r\n]/.test(text)) this.endLine();
		if (this.isTerminal) this.#cursor.isBehindKey = false;
		this.#stream.write(text);
	}

	/** Ends the line in which the terminal has written ^C, if nothing has done so. */
	endLine(): void {
		if (!(this.#cursor.isBehindKey && this.isTerminal)) return;
		this.#cursor.isBehindKey = false;
		this.#stream.write("\n");
	}
}

function speaksUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
	const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
	return /utf-?8/i.test(locale);
}
