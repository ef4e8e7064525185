/** What the exit code of the program tells; the table is part of its interface. */

/** Exit codes; a program ended by signal n has 128 + n. */
export const EXIT = {
	/** Everything was delivered, both ways. */
	done: 0,
	/** A network error: refused, reset, unreachable, not the peer that was expected. */
	failed: 1,
	/** The command line is wrong. */
	usage: 2,
	/** The address is in use, or permission is missing. */
	denied: 3,
	/** Data was cut: a connection failed in the middle, or time was up with bytes under way. */
	cut: 4,
	/** `--timeout` is over. */
	expired: 124,
	/** The program to run is there and cannot be run. */
	notExecutable: 126,
	/** The program to run is not there. */
	notFound: 127,
	/** Nobody reads our output any more: 128 + SIGPIPE. */
	brokenPipe: 141,
} as const;

const DENIED: ReadonlySet<unknown> = new Set(["EADDRINUSE", "EACCES", "EPERM"]);

/** The command line is wrong; the message says what to write instead. */
export class UsageError extends Error {}

/** Not everything was delivered. */
export class CutError extends Error {}

/** The time that the command was given is over. */
export class ExpiredError extends Error {}

/** Chooses the exit code for what a command has thrown. */
export function exitCodeOf(error: unknown): number {
	if (error instanceof UsageError) return EXIT.usage;
	if (error instanceof CutError) return EXIT.cut;
	if (error instanceof ExpiredError) return EXIT.expired;
	if ((error as { code?: unknown } | null)?.code === "ERR_INVALID_ADDRESS") return EXIT.usage;
	return DENIED.has((error as { code?: unknown } | null)?.code) ? EXIT.denied : EXIT.failed;
}
