import assert from "node:assert/strict";
import { test } from "node:test";
import { runChild } from "../support/children.ts";
import { example } from "../support/programs.ts";

test("256 MiB are handed to another process with seven bytes on the socket", async () => {
	const { code, stdout, stderr } = await runChild(example("shared-memory/main.ts"), {
		args: ["256"],
	});
	assert.equal(stderr, "");
	assert.equal(code, 0);
	const bytes = 256 * 1_048_576;
	const expected = [
		`handed over: ${bytes} bytes mapped, 7 bytes through the socket`,
		"the reader found the same bytes",
		`the same sent through the socket: ${bytes + 7} bytes`,
	];
	assert.deepEqual(stdout.split("\n").slice(0, 3), expected);
	assert.match(stdout, /can read: [\d.]+ ms with a descriptor, [\d.]+ ms with the bytes\n$/);
});
