/** Text in columns. */
import { columnsOf } from "./text-width.ts";

/** One cell: its text, and how to mark it up once it has its width. */
export interface Cell {
	readonly text: string;
	readonly style?: ((text: string) => string) | undefined;
}

/** Puts rows in columns as wide as their widest cell; the first column is flush left, the others where `flush` says. */
export function layOut(
	rows: readonly (readonly Cell[])[],
	flush: readonly ("left" | "right")[],
	gap = "  ",
): string {
	const widths = flush.map((_, i) =>
		rows.reduce((most, row) => Math.max(most, columnsOf(row[i]?.text ?? "")), 0),
	);
	const lines = rows.map((row) => {
		const cells = row.map(({ text, style }, i) => {
			const padded = pad(text, widths[i] as number, flush[i]);
			return style === undefined ? padded : padded.replace(text, () => style(text));
		});
		return cells.join(gap).trimEnd();
	});
	return `${lines.join("\n")}\n`;
}

function pad(text: string, width: number, flush: "left" | "right" | undefined): string {
	const space = " ".repeat(Math.max(0, width - columnsOf(text)));
	return flush === "right" ? space + text : text + space;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a palette writes begins with one
const MARKUP = /\u001b\[\d+m/g;

/** Breaks text at spaces into lines of at most `columns` characters, each behind `indent`. Markup takes no room. */
export function wrap(text: string, columns: number, indent = ""): string {
	const lines: string[] = [];
	let line = "";
	let width = 0;
	for (const word of text.split(/[ \n]+/)) {
		const wordWidth = word.replace(MARKUP, "").length;
		if (line !== "" && indent.length + width + 1 + wordWidth > columns) {
			lines.push(line);
			line = word;
			width = wordWidth;
		} else {
			width += line === "" ? wordWidth : wordWidth + 1;
			line = line === "" ? word : `${line} ${word}`;
		}
	}
	return [...lines, line].map((each) => `${indent}${each}\n`).join("");
}
