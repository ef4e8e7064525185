/** Options of a command line: parsed by Node, with errors that say what to write. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { UsageError } from "./exit-code.ts";
import { nearest } from "./nearest.ts";

/** The options that a command knows, as `parseArgs` of node:util takes them. */
export type OptionTable = NonNullable<ParseArgsConfig["options"]>;

/** What `parseArgs` makes of a table of options. */
export type OptionValues<Table extends OptionTable> = ReturnType<
	typeof parseArgs<{ options: Table; strict: true; allowPositionals: false }>
>["values"];

/**
 * Parses the options of a command that takes nothing else.
 *
 * @throws {UsageError} an unknown option, a missing value, a word that is no option
 */
export function parseOptions<const Table extends OptionTable>(
	args: readonly string[],
	options: Table,
): OptionValues<Table> {
	try {
		return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
	} catch (error) {
		throw new UsageError(explain(error as Error & { code?: string }, Object.keys(options)));
	}
}

/** A command line of options, words and perhaps a program to run. */
export interface CommandLine<Table extends OptionTable> {
	readonly values: OptionValues<Table>;
	readonly words: readonly string[];
	/** What follows `--`; undefined without it. */
	readonly program: readonly string[] | undefined;
}

/**
 * Parses the command line of a command that takes words, and perhaps a program after `--`.
 *
 * @throws {UsageError} an unknown option, a missing value, `--` with nothing after it
 */
export function parseCommandLine<const Table extends OptionTable>(
	args: readonly string[],
	options: Table,
): CommandLine<Table> {
	const dashes = args.indexOf("--");
	const own = dashes < 0 ? args : args.slice(0, dashes);
	const program = dashes < 0 ? undefined : args.slice(dashes + 1);
	if (program?.length === 0) throw new UsageError("-- must be followed by the program to run");
	try {
		const parsed = parseArgs({ args: [...own], options, strict: true, allowPositionals: true });
		return { values: parsed.values, words: parsed.positionals, program };
	} catch (error) {
		throw new UsageError(explain(error as Error & { code?: string }, Object.keys(options)));
	}
}

function explain(error: Error & { code?: string }, known: readonly string[]): string {
	const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? "";
	if (error.code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
		const meant = nearest(
			quoted.replace(/^-+/, ""),
			known.filter((name) => !isHidden(name)),
		);
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

// Options that a program uses to start itself.
function isHidden(name: string): boolean {
	return name.startsWith("internal-");
}
