/**
 * Loaded before every test file (by tools/test.mjs): when its tests have ended, no descriptor may be open that was not open before
 * them, and the addon must watch and own nothing. Allows what Node itself opens on first use.
 */
import { after } from "node:test";
import { isMainThread } from "node:worker_threads";
import { assertNoLeaks, openResources } from "#src/testing/leaks.ts";

/** A child process forked by a test inherits our flags, but is no test file. */
const isTestFile = isMainThread && /\.test\.[jt]s$/.test(process.argv[1] ?? "");

if (isTestFile) {
	openSignalPipe();
	const before = openResources();
	after(() => assertNoLeaks(before, { graceMs: 20_000 }));
}

/** Node opens a pipe when the first signal or child process is watched for; this makes it do so now. */
function openSignalPipe(): void {
	const ignore = (): void => undefined;
	process.on("SIGUSR2", ignore);
	process.off("SIGUSR2", ignore);
}
