import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeControl, encodeControl, isControl, markOf } from "#src/cli/compare/protocol.ts";

test("control frames come back as they were written", () => {
	const tally = { messages: 12, timed: 11, elapsedMs: 0.25 };
	const frame = encodeControl("tally", { run: 65_535, size: 65_536, tally });
	assert.equal(frame.length, 48);
	const { proof: _, ...control } = decodeControl(frame) ?? {};
	assert.deepEqual(control, { version: 1, operation: "tally", run: 65_535, size: 65_536, tally });
	const proof = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
	assert.deepEqual(decodeControl(encodeControl("hello", { proof }))?.proof, proof);
});

test("other bytes are no control frame", () => {
	const frame = encodeControl("hello");
	const wrongMagic = frame.slice().fill(0x41, 3, 4);
	const wrongOperation = frame.slice().fill(200, 9, 10);
	for (const bytes of [frame.subarray(1), new Uint8Array(48), wrongMagic, wrongOperation]) {
		assert.equal(decodeControl(bytes), undefined);
	}
});

test("a message is never taken for a control frame, whatever its number", () => {
	for (let number = 0; number < 300; number++) {
		for (const isLast of [false, true]) {
			assert.equal(isControl(Uint8Array.of(markOf(number, isLast))), false);
		}
	}
	assert.equal(isControl(encodeControl("hello")), true);
	assert.notEqual(markOf(1, false), markOf(2, false));
});
