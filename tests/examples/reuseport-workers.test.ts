import assert from "node:assert/strict";
import { test } from "node:test";
import { runChild } from "../support/children.ts";
import { example } from "../support/programs.ts";

test("threads that share a port each get a part of what many senders send", async () => {
	const { code, stdout, stderr } = await runChild(example("reuseport-workers/main.ts"), {
		args: ["3", "1"],
	});
	assert.equal(code, 0, stderr);
	const counts = [...stdout.matchAll(/^thread \d: (\d+) datagrams/gm)].map(([, text]) =>
		Number(text),
	);
	assert.equal(counts.length, 3);
	assert.ok(
		counts.every((count) => count > 0),
		stdout,
	);
	const [, sent, received] = /(\d+) sent, (\d+) received/.exec(stdout) ?? [];
	assert.equal(
		counts.reduce((sum, count) => sum + count, 0),
		Number(received),
	);
	assert.ok(Number(received) <= Number(sent), stdout);
});
