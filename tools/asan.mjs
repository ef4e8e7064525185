// Holds: the suite finds no memory error and no undefined behaviour in the addon; but for tests that reach it by no way of their own.
//
//   npm run test:asan                 all tests
//   npm run test:asan -- socket/ip    only matching test files

import { join } from "node:path";
import { buildNative, SANITIZED_ADDON } from "./build-native.mjs";
import { ensureOrExit } from "./ensure.mjs";
import { capture, ROOT } from "./run.mjs";
import { runTests } from "./test.mjs";

const ELSEWHERE = ["cli", "examples", "fault", "frame", "list", "meta", "peers", "proxy"];

/** The sanitizers make everything several times slower. */
const TIMEOUT_MS = 1_800_000;

await ensureOrExit();
const library = process.platform === "linux" ? sanitizerLibrary() : undefined;
if (library === undefined) {
	console.log("skipped: this C compiler brings no AddressSanitizer");
} else if (buildNative({ sanitize: true })) {
	process.exitCode = runTests({
		fragments: process.argv.slice(2),
		without: ELSEWHERE,
		timeoutMs: TIMEOUT_MS,
		env: {
			SOCKETRY_ADDON: join(ROOT, SANITIZED_ADDON),
			LD_PRELOAD: library,
			// Node itself leaves memory to the kernel at exit; the addon's own allocations are counted by the tests.
			ASAN_OPTIONS: "detect_leaks=0:abort_on_error=1",
			UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1",
		},
	});
} else {
	process.exitCode = 1;
}

/** The run-time library that has to be loaded before the program that loads the addon. */
function sanitizerLibrary() {
	const cc = process.env.CC || "cc";
	const path = capture(cc, ["-print-file-name=libasan.so"]).stdout.trim();
	return path.includes("/") ? path : undefined;
}
