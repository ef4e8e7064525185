// Holds: `npm run fix` only makes changes that cannot alter behaviour: formatting, import order, safe lint fixes.

import { ensureOrExit } from "./ensure.mjs";
import { filesBelow } from "./files.mjs";
import { capture, run } from "./run.mjs";

await ensureOrExit();
let status = run("biome", ["check", "--write"]);
if (capture("clang-format", ["--version"]).ok) {
	status = Math.max(status, run("clang-format", ["-i", ...filesBelow("native", /\.[ch]$/)]));
}
process.exitCode = status;
