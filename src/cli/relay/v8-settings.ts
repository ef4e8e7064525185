/** How V8 works for a relay of connections. */
import { setFlagsFromString } from "node:v8";

/**
 * Has V8 leave the room for new objects as small as it begins with. A few thousand connections would have it grow by 45 MiB, which is more than all
 * that they need, for they are new only while they come. For datagrams, which are always new, that room is well used.
 */
export function keepYoungSpaceSmall(): void {
	setFlagsFromString("--semi-space-growth-factor=1");
}

// By the first number of its version; another one would complain of what it does not know.
const INVOCATIONS = ["--invocation-count-for-maglev=6000", "--invocation-count-for-turbofan=45000"];
const LATER: Readonly<Record<string, readonly string[]>> = {
	11: ["--interrupt-budget=1000000"],
	12: INVOCATIONS,
	13: INVOCATIONS,
	14: INVOCATIONS,
};

/**
 * Has V8 compile for speed what ran 15 times as often as usual. Otherwise it does so with the first thousand connections, for as long as they take
 * themselves, although nearly all of their time is the kernel's; and what it compiles takes a kilobyte for each of them.
 */
export function compileLate(): void {
	const [major = ""] = process.versions.v8.split(".");
	for (const flag of LATER[major] ?? []) setFlagsFromString(flag);
}
