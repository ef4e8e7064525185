import assert from "node:assert/strict";
import { test } from "node:test";
import { createPalette, wantsColour } from "#src/cli/palette.ts";

test("a terminal gets colours, a file does not", () => {
	assert.equal(wantsColour(true, {}), true);
	assert.equal(wantsColour(false, {}), false);
	assert.equal(wantsColour(true, { TERM: "dumb" }), false);
});

test("NO_COLOR turns colours off unless it is empty", () => {
	assert.equal(wantsColour(true, { NO_COLOR: "1" }), false);
	assert.equal(wantsColour(true, { NO_COLOR: "" }), true);
});

test("FORCE_COLOR turns colours on, and off with 0, whatever else is set", () => {
	assert.equal(wantsColour(false, { FORCE_COLOR: "1" }), true);
	assert.equal(wantsColour(false, { FORCE_COLOR: "1", NO_COLOR: "1" }), true);
	assert.equal(wantsColour(true, { FORCE_COLOR: "0" }), false);
});

test("a palette without colours leaves text as it is", () => {
	assert.equal(createPalette(false).bold("text"), "text");
	assert.equal(createPalette(true).bold("text"), "\x1b[1mtext\x1b[22m");
});
