// Holds: a benchmark always measures what the sources say now.

import { ensureOrExit } from "./ensure.mjs";
import { run } from "./run.mjs";

await ensureOrExit();
process.exitCode = run(process.execPath, ["bench/run.mjs", ...process.argv.slice(2)]);
