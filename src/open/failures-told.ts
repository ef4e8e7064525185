/** What failed attempts say in the message of one error. */
import { LIMITS } from "../limits.ts";

/** Joins the texts of the first ones, and says how many more there are. */
export function joinFailures(texts: readonly string[]): string {
	const told = texts.slice(0, LIMITS.failuresToldCount);
	const moreCount = texts.length - told.length;
	if (moreCount > 0) told.push(`and ${moreCount} more`);
	return told.join("; ");
}
