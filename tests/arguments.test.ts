import assert from "node:assert/strict";
import { test } from "node:test";
import {
	requireBoolean,
	requireBytes,
	requireBytesOrText,
	requireInteger,
	requireObject,
	requireOneOf,
	requireSignal,
} from "#src/arguments.ts";

test("requireInteger() takes the ends of its range and nothing beyond", () => {
	assert.equal(requireInteger("port", 0, 0, 65_535), 0);
	assert.equal(requireInteger("port", 65_535, 0, 65_535), 65_535);
	for (const value of [-1, 65_536, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
		assert.throws(() => requireInteger("port", value, 0, 65_535), {
			code: "ERR_OUT_OF_RANGE",
			message: `"port" must be an integer from 0 to 65535, but is ${value}`,
		});
	}
	for (const value of ["1", 1n, null, undefined]) {
		assert.throws(() => requireInteger("port", value, 0, 65_535), { code: "ERR_INVALID_ARG_TYPE" });
	}
});

test("requireBytes() gives a Uint8Array over the memory of any view", () => {
	const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
	assert.equal(requireBytes("data", bytes), bytes);
	assert.deepEqual(requireBytes("data", new DataView(bytes.buffer, 2, 3)), Uint8Array.of(3, 4, 5));
	assert.deepEqual(requireBytes("data", new Uint16Array(bytes.buffer, 2, 1)), Uint8Array.of(3, 4));
	assert.equal(requireBytes("data", new Uint8Array()).length, 0);
});

test("requireBytes() refuses what is no view and what has lost its buffer", () => {
	for (const value of ["text", new ArrayBuffer(1), [1], null, undefined]) {
		assert.throws(() => requireBytes("data", value), { code: "ERR_INVALID_ARG_TYPE" });
	}
	const bytes = new Uint8Array(8);
	structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
	assert.throws(() => requireBytes("data", bytes), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /detached/,
	});
});

test("requireBytesOrText() takes text too, and says so", () => {
	assert.deepEqual(requireBytesOrText("data", "\u00e4"), Buffer.from([0xc3, 0xa4]));
	assert.deepEqual(requireBytesOrText("data", new Uint16Array(1)), new Uint8Array(2));
	assert.throws(() => requireBytesOrText("data", 7), {
		code: "ERR_INVALID_ARG_TYPE",
		message: /"data" must be a string, a Uint8Array or another view of an ArrayBuffer, but is 7/,
	});
});

test("the other guards return what suits and name what does not", () => {
	assert.equal(requireBoolean("noDelay", false), false);
	assert.throws(() => requireBoolean("noDelay", 0), { code: "ERR_INVALID_ARG_TYPE" });
	assert.equal(requireOneOf("type", "a", ["a", "b"]), "a");
	assert.throws(() => requireOneOf("type", "c", ["a", "b"]), {
		code: "ERR_INVALID_ARG_VALUE",
		message: '"type" must be "a" or "b", but is "c"',
	});
	assert.throws(() => requireOneOf("type", 1, ["a"]), { code: "ERR_INVALID_ARG_TYPE" });
	const options = {};
	assert.equal(requireObject("options", options), options);
	assert.throws(() => requireObject("options", null), { code: "ERR_INVALID_ARG_TYPE" });
	const { signal } = new AbortController();
	assert.equal(requireSignal("signal", signal), signal);
	assert.equal(requireSignal("signal", undefined), undefined);
	assert.throws(() => requireSignal("signal", {}), { code: "ERR_INVALID_ARG_TYPE" });
});
