// Holds: `npm start` works from a fresh clone and shows the main thing; words after `--` go to the command.

import { ensureOrExit } from "./ensure.mjs";
import { run } from "./run.mjs";

await ensureOrExit();
process.exitCode = run(process.execPath, ["dist/cli/main.js", "compare", ...process.argv.slice(2)]);
