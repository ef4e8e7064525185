import assert from "node:assert/strict";
import { test } from "node:test";
import { layOut, wrap } from "#src/cli/table.ts";

test("columns are as wide as their widest cell, and markup does not count", () => {
	const text = layOut(
		[
			[{ text: "a" }, { text: "1", style: (inner) => `<${inner}>` }],
			[{ text: "long" }, { text: "100" }],
		],
		["left", "right"],
	);
	assert.equal(text, "a       <1>\nlong  100\n");
});

test("long text is broken between words", () => {
	assert.equal(wrap("one two three", 8, "  "), "  one\n  two\n  three\n");
	assert.equal(wrap("one two three", 9), "one two\nthree\n");
	const red = "\x1b[31mone\x1b[39m";
	assert.equal(wrap(`${red} two three`, 9), `${red} two\nthree\n`);
});
