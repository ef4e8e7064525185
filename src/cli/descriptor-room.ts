/** How many connections a process has descriptors for: further ones wait in the kernel, and are not accepted in order to be refused. */
import { readdirSync } from "node:fs";
import { descriptorLimit } from "../socket/descriptor-limit.ts";

/** Descriptors for what comes and goes: name lookups, files, modules that are loaded when used. */
const SPARE = 16;

/**
 * Lowers a number of connections to those that there are descriptors for; 1 at least.
 *
 * @param each descriptors that a connection takes
 * @param share of all descriptors that others take, from 0 to 1
 */
export function roomFor(max: number, each: number, share = 0): number {
	const limit = descriptorLimit();
	if (limit === undefined) return max;
	const free = limit * (1 - share) - readdirSync("/proc/self/fd").length - SPARE;
	return Math.max(1, Math.min(max, Math.floor(free / each)));
}
