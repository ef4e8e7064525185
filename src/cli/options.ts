/** Options of a command line: parsed by Node, with errors that say what to write. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { nearest } from "../nearest.ts";
import { UsageError } from "./exit-code.ts";
import type { OptionGuide, OptionGuides } from "./guide.ts";

type ValueOf<Option extends OptionGuide> = Option extends { readonly value: string }
	? Option extends { readonly multiple: true }
		? readonly string[]
		: string
	: boolean;

/** What a command line gives for the options of a guide. */
export type OptionValues<Options extends OptionGuides> = {
	readonly [Name in keyof Options]?: ValueOf<Options[Name]> | undefined;
};

/**
 * Parses the options of a command that takes nothing else.
 *
 * @throws {UsageError} an unknown option, a missing value, a word that is no option
 */
export function parseOptions<Options extends OptionGuides>(
	args: readonly string[],
	options: Options,
): OptionValues<Options> {
	return parse(args, options, false).values;
}

/** A command line of options, words and perhaps a program to run. */
export interface CommandLine<Options extends OptionGuides> {
	readonly values: OptionValues<Options>;
	readonly words: readonly string[];
	/** What follows `--`; undefined without it. */
	readonly program: readonly string[] | undefined;
}

/**
 * Parses the command line of a command that takes words, and perhaps a program after `--`.
 *
 * @throws {UsageError} an unknown option, a missing value, `--` with nothing after it
 */
export function parseCommandLine<Options extends OptionGuides>(
	args: readonly string[],
	options: Options,
): CommandLine<Options> {
	const dashes = args.indexOf("--");
	const own = dashes < 0 ? args : args.slice(0, dashes);
	const program = dashes < 0 ? undefined : args.slice(dashes + 1);
	if (program?.length === 0) throw new UsageError("-- must be followed by the program to run");
	return { ...parse(own, options, true), program };
}

function parse<Options extends OptionGuides>(
	args: readonly string[],
	options: Options,
	allowPositionals: boolean,
): { values: OptionValues<Options>; words: string[] } {
	try {
		const table = tableOf(options);
		const parsed = parseArgs({ args: [...args], options: table, strict: true, allowPositionals });
		return { values: parsed.values as OptionValues<Options>, words: parsed.positionals };
	} catch (error) {
		throw new UsageError(explain(error as Error & { code?: string }, options));
	}
}

function tableOf(options: OptionGuides): NonNullable<ParseArgsConfig["options"]> {
	const rows = Object.entries(options).map(([name, { short, value, multiple = false }]) => {
		const type = value === undefined ? ("boolean" as const) : ("string" as const);
		return [name, { type, multiple, ...(short === undefined ? {} : { short }) }] as const;
	});
	return Object.fromEntries(rows);
}

function explain(error: Error & { code?: string }, options: OptionGuides): string {
	const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? "";
	if (error.code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
		const known = Object.keys(options).filter((name) => !options[name]?.isHidden);
		const meant = nearest(quoted.replace(/^-+/, ""), known);
		return `there is no option ${quoted}${meant === undefined ? "" : `; did you mean --${meant}?`}`;
	}
	if (error.code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL") {
		return `"${quoted}" is no option: this command takes options only`;
	}
	const [option = ""] = quoted.split(/[ ,=]/).filter((word) => word.startsWith("--"));
	return /does not take an argument/.test(error.message)
		? `${option} takes no value`
		: `${option} needs a value`;
}

/** What an option says, read by `read`; undefined where it was not given. */
export function given<Said, T>(said: Said | undefined, read: (said: Said) => T): T | undefined {
	return said === undefined ? undefined : read(said);
}
