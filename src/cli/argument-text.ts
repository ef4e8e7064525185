/** Arguments of the command line as they were given: Node makes text of them, by which bytes that are no UTF-8 become others. */
import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { UsageError } from "./exit-code.ts";

const REPLACEMENT = "\ufffd";

/**
 * Makes sure that nothing was lost on the way.
 *
 * @throws {UsageError} an argument is no UTF-8
 */
export function requireUtf8(args: readonly string[]): void {
	// What stands for such bytes can also have been written by somebody.
	if (!args.some((text) => text.includes(REPLACEMENT)) || isUtf8(commandLine())) return;
	throw new UsageError(
		"an argument is not valid UTF-8, and would name something else; lead to it by a link with another name",
	);
}

function commandLine(): Uint8Array {
	try {
		return readFileSync("/proc/self/cmdline");
	} catch {
		return new Uint8Array(0);
	}
}
