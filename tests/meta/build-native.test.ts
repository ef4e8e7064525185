import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../support/root.ts";

const skip = process.platform === "linux" ? false : "the addon is only built on Linux";

test("a missing compiler gives one sentence that says what to install", { skip }, () => {
	const result = build({ CC: "/nonexistent/cc" });
	assert.equal(result.status, 1);
	assert.equal(result.stdout, "");
	assert.match(
		result.stderr,
		/^native: no C compiler found .*apt-get install build-essential.*\n$/,
	);
});

test("an addon whose inputs are unchanged is not built again", { skip }, () => {
	const addon = process.env["SOCKETRY_ADDON"] === undefined ? builtAddon() : undefined;
	if (addon === undefined) return;
	const before = statSync(addon).mtimeMs;
	const result = build({});
	assert.equal(result.status, 0);
	assert.equal(result.stdout + result.stderr, "");
	assert.equal(statSync(addon).mtimeMs, before);
});

function build(env: Record<string, string>): {
	status: number | null;
	stdout: string;
	stderr: string;
} {
	return spawnSync(process.execPath, [join(ROOT, "tools", "build-native.mjs")], {
		env: { ...process.env, ...env },
		encoding: "utf8",
	});
}

function builtAddon(): string | undefined {
	const path = join(ROOT, "prebuilds", `${process.platform}-${process.arch}`, "socketry.node");
	return statSync(path, { throwIfNoEntry: false }) ? path : undefined;
}
