/** How many connections a process has descriptors for: further ones wait in the kernel, and are not accepted in order to be refused. */
import { readdirSync, readFileSync } from "node:fs";

/** Descriptors for what comes and goes: name lookups, files, modules that are loaded when used. */
const SPARE = 16;

/**
 * Lowers a number of connections to those that there are descriptors for; 1 at least.
 *
 * @param each descriptors that a connection takes
 * @param shared what all of them take together besides
 */
export function roomFor(max: number, each: number, shared = 0): number {
	const limit = descriptorsMax();
	if (limit === undefined) return max;
	const free = limit - readdirSync("/proc/self/fd").length - SPARE - shared;
	return Math.max(1, Math.min(max, Math.floor(free / each)));
}

// Undefined where it cannot be known, or there is none.
function descriptorsMax(): number | undefined {
	try {
		const [, limit] =
			/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
		return limit === undefined ? undefined : Number(limit);
	} catch {
		return undefined;
	}
}
