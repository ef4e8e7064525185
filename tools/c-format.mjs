// Holds: the C sources are laid out by .clang-format, where that program is installed.

import { filesBelow } from "./files.mjs";
import { capture } from "./run.mjs";

const files = filesBelow("native", /\.[ch]$/);
const { missing } = capture("clang-format", ["--version"]);
if (missing || files.length === 0) {
	console.log(`skipped: ${missing ? "clang-format is not installed" : "no C sources"}`);
} else {
	const result = capture("clang-format", ["--dry-run", "--Werror", ...files]);
	process.stderr.write(result.stderr);
	process.exitCode = result.ok ? 0 : 1;
}
