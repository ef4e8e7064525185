/** What every command of the program is, and what it is given. */
import type { Guide } from "./guide.ts";
import type { Terminal } from "./terminal.ts";

/** What a command works with. */
export interface Context {
	/** Standard output: results and nothing else. */
	readonly out: Terminal;
	/** Standard error: messages and progress. */
	readonly err: Terminal;
	/** All commands. */
	readonly catalog: Catalog;
	/** Aborts on the first Ctrl-C, SIGTERM or SIGHUP: the command cleans up and returns. */
	readonly signal: AbortSignal;
}

/** Commands by their names, in the order of the help. */
export type Catalog = Readonly<Record<string, CatalogEntry>>;

/** What is known of a command before it is loaded. */
export interface CatalogEntry {
	/** One line of `socketry --help`. */
	readonly summary: string;
	readonly load: () => Promise<Command>;
}

/** One command. Its module is loaded only when it is used. */
export interface Command {
	readonly guide: Guide;
	/** Whether standard output is a copy of what arrives: then it is a failure that its reader has left (`| head`). */
	readonly copies?: boolean;
	/** Whether it carries what belongs to others, who may end it in their own time when standard output fails. */
	readonly carries?: boolean;
	/**
	 * Runs to the end.
	 *
	 * @param args what follows the command's name
	 * @returns the exit code
	 * @throws {UsageError} the arguments make no sense
	 */
	run(args: readonly string[], context: Context): Promise<number>;
}
