import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "#src/cli/exit-code.ts";
import { parseDuration, parseSize } from "#src/cli/quantity.ts";

test("sizes are bytes, or counted by 1024", () => {
	const read = (text: string): number => parseSize("--size", text, 1, 1e9);
	assert.deepEqual(
		["64", "64B", "4k", "4K", "4KiB", "1M"].map(read),
		[64, 64, 4096, 4096, 4096, 1_048_576],
	);
	for (const text of ["", "-1", "1.5", "4kk", "0x10", "1e3", "2000000000"]) {
		assert.throws(() => read(text), UsageError, text);
	}
});

test("times are seconds, or have a unit", () => {
	const read = (text: string): number => parseDuration("--duration", text, 1, 1e6);
	assert.deepEqual(
		["10", "2.5", "10s", "300ms", "2m", "0.1h"].map(read),
		[10_000, 2_500, 10_000, 300, 120_000, 360_000],
	);
	for (const text of ["", "0", "-1", "soon", "1h", "5000"]) {
		assert.throws(() => read(text), UsageError, text);
	}
});
