/** Runs the program `socketry` as a person would. */
import { pathToFileURL } from "node:url";
import { type Child, type ChildOptions, type Ended, startChild } from "../support/children.ts";
import { ROOT } from "../support/root.ts";

const MAIN = new URL("dist/cli/main.js", pathToFileURL(ROOT));

/** No colours, whatever the surroundings ask for. */
const PLAIN = { FORCE_COLOR: "0", LC_ALL: "C.UTF-8" };

/** Starts it. */
export function startProgram(args: readonly string[], options: ChildOptions = {}): Child {
	return startChild(MAIN, { ...options, args, env: { ...PLAIN, ...options.env } });
}

/** Runs it to its end. */
export function runProgram(args: readonly string[], options?: ChildOptions): Promise<Ended> {
	return startProgram(args, options).ended;
}
