/** What failed attempts say in one error. */
import { LIMITS } from "../limits.ts";

/**
 * Makes one error of several, as Node's own: the list of all failures, with the code of the first.
 *
 * @param texts of the failures, of which the message has the first ones, and how many more there are
 */
export function failedTogether(
	what: string,
	errors: readonly unknown[],
	texts: readonly string[],
): AggregateError {
	const told = texts.slice(0, LIMITS.failuresToldCount);
	const moreCount = texts.length - told.length;
	if (moreCount > 0) told.push(`and ${moreCount} more`);
	const aggregate = new AggregateError(errors, `${what} failed: ${told.join("; ")}`);
	return Object.assign(aggregate, { code: (errors[0] as { code?: unknown }).code });
}
