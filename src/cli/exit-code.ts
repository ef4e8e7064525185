/** What the exit code of the program tells; the table is part of its interface. */

/** Exit codes; a program ended by signal n has 128 + n. */
export const EXIT = {
	done: 0,
	/** A network error: refused, reset, unreachable, not the peer that was expected. */
	failed: 1,
	/** The command line is wrong. */
	usage: 2,
	/** The address is in use, or permission is missing. */
	denied: 3,
} as const;

const DENIED: ReadonlySet<unknown> = new Set(["EADDRINUSE", "EACCES", "EPERM"]);

/** The command line is wrong; the message says what to write instead. */
export class UsageError extends Error {}

/** Chooses the exit code for what a command has thrown. */
export function exitCodeOf(error: unknown): number {
	if (error instanceof UsageError) return EXIT.usage;
	if ((error as { code?: unknown } | null)?.code === "ERR_INVALID_ADDRESS") return EXIT.usage;
	return DENIED.has((error as { code?: unknown } | null)?.code) ? EXIT.denied : EXIT.failed;
}
