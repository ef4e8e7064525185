/** The text of `--help`: examples first, at most 80 columns. */
import type { Example, Guide, OptionGuide, OptionGuides } from "./guide.ts";
import { wrap } from "./table.ts";

const COLUMNS = 80;
/** Where the texts of options begin. */
const TEXT_COLUMN = 23;
/** What is left between a long option and a text on the same line. */
const LONG_GAP = 4;
/** A space at which no line breaks. */
const KEPT = "\u00a0";

/**
 * Writes the help of a command, or of the program.
 *
 * @param name `socketry connect`
 * @param commands rows of other commands, for the program itself
 */
export function helpOf(
	name: string,
	guide: Guide,
	commands: readonly (readonly [name: string, summary: string])[] = [],
): string {
	const { examples, usage, description, options, notes = [], exits } = guide;
	const codes = `Exit codes: ${exits.map(exitOf).join(", ")}.`;
	const parts = [
		`Examples:\n${examplesOf(examples)}`,
		usage.map((form, i) => `${i === 0 ? "Usage:" : "      "} ${name} ${form}\n`).join(""),
		...description.map((paragraph) => wrap(paragraph, COLUMNS)),
		...(commands.length === 0 ? [] : [`Commands:\n${commandsOf(commands)}`]),
		...groupsOf(options),
		[...notes, codes]
			.map((paragraph) => wrap(paragraph, COLUMNS))
			.join("")
			.replaceAll(KEPT, " "),
	];
	return parts.join("\n");
}

/** Writes an option as it is typed: `-a, --all`, `--timeout TIME`. */
function synopsisOf(name: string, { short, value }: OptionGuide): string {
	const long = value === undefined ? `--${name}` : `--${name} ${value}`;
	return short === undefined ? long : `-${short}, ${long}`;
}

function examplesOf(examples: readonly Example[]): string {
	const lengths = examples.map(({ run, does }) => (does === undefined ? 0 : run.length));
	const width = Math.max(...lengths) + 3;
	const lines = examples.map(({ run, does, heading }) => {
		const above = heading === undefined ? "" : `\n  ${heading}\n`;
		return `${above}  ${does === undefined ? run : run.padEnd(width) + does}\n`;
	});
	return lines.join("");
}

function commandsOf(commands: readonly (readonly [name: string, summary: string])[]): string {
	const width = Math.max(...commands.map(([name]) => name.length)) + 2;
	return commands.map(([name, summary]) => `  ${name.padEnd(width)}${summary}\n`).join("");
}

function exitOf([code, meaning]: readonly [string, string]): string {
	return `${code.replaceAll(" ", KEPT)}${KEPT}${meaning}`;
}

function groupsOf(options: OptionGuides): string[] {
	const groups: string[] = [];
	for (const [name, option] of Object.entries(options)) {
		if (option.text === undefined) continue;
		const { heading = groups.length === 0 ? "Options:" : undefined } = option;
		const row = rowOf(headOf([name, ...(option.with ?? [])], options), option.text);
		if (heading === undefined) groups.push(`${groups.pop()}${row}`);
		else groups.push(`${heading}\n${row}`);
	}
	return groups;
}

// Options that share a row: the value is named once if it is the same.
function headOf(names: readonly string[], options: OptionGuides): string {
	const heads = names.map((name, i) => {
		const option = options[name] as OptionGuide;
		const isSame =
			option.value !== undefined && options[names[i + 1] ?? ""]?.value === option.value;
		if (!isSame) return synopsisOf(name, option);
		const { value: _, ...rest } = option;
		return synopsisOf(name, rest);
	});
	return `  ${heads.join(", ")}`;
}

function rowOf(head: string, text: string): string {
	const body = wrap(text, COLUMNS, " ".repeat(TEXT_COLUMN));
	if (head.length < TEXT_COLUMN - 1) return head.padEnd(TEXT_COLUMN) + body.trimStart();
	const line = `${head}${" ".repeat(LONG_GAP)}${text}`;
	return line.length <= COLUMNS ? `${line}\n` : `${head}\n${body}`;
}
