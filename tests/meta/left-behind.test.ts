/** What a test file leaves behind that was killed because its time was up. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { startChild } from "../support/children.ts";
import { lacking } from "../support/programs.ts";
import { ROOT } from "../support/root.ts";

interface Tool {
	readonly MARK: string;
	readonly endLeftBehind: (value: string) => string[];
}

test("a test file that is ended takes its children along, and the run ends theirs", {
	skip: lacking("setsid"),
}, async () => {
	const tool = pathToFileURL(join(ROOT, "tools/left-behind.mjs")).href;
	const { MARK, endLeftBehind } = (await import(tool)) as Tool;
	const mark = randomUUID();
	const script = new URL("./left-behind.child.js", import.meta.url);
	const file = startChild(script, { env: { [MARK]: mark } });
	const [child = "", grandchild = ""] = (await file.line()).split(" ");
	assert.ok(runs(child) && runs(grandchild));
	file.process.kill("SIGTERM");
	assert.equal((await file.ended).signal, "SIGTERM");
	await gone(child);
	assert.ok(runs(grandchild));
	assert.deepEqual(
		endLeftBehind(mark).map((each) => each.split(" ")[0]),
		[grandchild],
	);
	await gone(grandchild);
	assert.deepEqual(endLeftBehind(mark), []);
});

async function gone(pid: string): Promise<void> {
	while (runs(pid)) await new Promise((resolve) => setImmediate(resolve));
}

// Who has inherited a dead process need not look at once.
function runs(pid: string): boolean {
	try {
		return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
	} catch {
		return false;
	}
}
