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
