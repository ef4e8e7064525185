import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
	type ControlMessage,
	controlMessages,
	controlSpaceBytes,
	credentialsMessage,
	encodeControl,
	findControl,
	rightsMessage,
	segmentMessage,
} from "#src/socket/control.ts";

const int = fc.integer();
const anyMessage: fc.Arbitrary<ControlMessage> = fc.record(
	{ level: int, type: int, data: fc.uint8Array({ maxLength: 40 }) },
	{ noNullPrototype: true },
);

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("hex");
}

test("one message is the bytes of struct cmsghdr, its data and padding", () => {
	assert.equal(
		hex(encodeControl([rightsMessage([3, 4, 5])])),
		"1c00000000000000 01000000 01000000 030000000400000005000000 00000000".replaceAll(" ", ""),
	);
	assert.equal(
		hex(encodeControl([segmentMessage(1_400)])),
		"120000000000000011000000670000007805000000000000",
	);
	assert.equal(
		hex(credentialsMessage({ pid: 1, uid: 2, gid: 4_294_967_295 }).data),
		"0100000002000000ffffffff",
	);
	assert.equal(encodeControl([]).length, 0);
	assert.deepEqual([0, 1, 8, 9].map(controlSpaceBytes), [16, 24, 24, 32]);
});

test("messages survive the way to bytes and back", () => {
	fc.assert(
		fc.property(fc.array(anyMessage, { maxLength: 8 }), (messages) => {
			const bytes = encodeControl(messages);
			assert.equal(bytes.length % 8, 0);
			assert.deepEqual([...controlMessages(bytes)], messages);
		}),
	);
});

test("any bytes are read to an end, within their bounds", () => {
	const header = fc.tuple(
		fc.oneof(fc.nat(64), fc.integer()),
		fc.oneof(fc.constant(0), fc.integer()),
		fc.nat(3),
		fc.nat(3),
	);
	const nearlyMessages = fc.array(header, { maxLength: 8 }).map((headers) => {
		return new Uint8Array(Int32Array.from(headers.flatMap((fields) => [...fields, 7, 7])).buffer);
	});
	const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), nearlyMessages);
	fc.assert(
		fc.property(anyBytes, fc.nat(7), (content, shift) => {
			const around = new Uint8Array(content.length + shift + 32).fill(0xee);
			around.set(content, shift);
			const bytes = around.subarray(shift, shift + content.length);
			const messages = [...controlMessages(bytes)];
			assert.ok(messages.length <= bytes.length / 16);
			for (const { level, type, data } of messages) {
				assert.ok(data.byteOffset >= bytes.byteOffset + 16);
				assert.ok(data.byteOffset + data.length <= bytes.byteOffset + bytes.length);
				assert.ok(findControl(around, shift, shift + content.length, level, type, 0) >= shift + 16);
			}
		}),
		{ numRuns: 2_000 },
	);
});

test("a length that is too short, too long or beyond 4 GiB ends the messages before it", () => {
	const good = { level: 1, type: 2, data: Uint8Array.of(9) };
	const start = encodeControl([good]);
	for (const length of [0n, 1n, 15n, 25n, 2n ** 32n + 16n, 2n ** 63n, 2n ** 64n - 1n]) {
		const bad = new Uint8Array(24);
		new DataView(bad.buffer).setBigUint64(0, length, true);
		const bytes = Uint8Array.from([...start, ...bad]);
		assert.deepEqual([...controlMessages(bytes)], [good]);
		assert.equal(findControl(bytes, 0, bytes.length, 0, 0, 0), -1);
	}
	assert.deepEqual([...controlMessages(start.subarray(0, 15))], []);
});

test("the last message needs no padding", () => {
	const bytes = encodeControl([{ level: 1, type: 2, data: Uint8Array.of(9) }]);
	assert.equal([...controlMessages(bytes.subarray(0, 17))].length, 1);
});

test("findControl() finds the place of the data without making a message", () => {
	const bytes = encodeControl([{ level: 1, type: 1, data: Uint8Array.of(1) }, segmentMessage(500)]);
	assert.equal(findControl(bytes, 0, bytes.length, 17, 103, 2), 40);
	assert.equal(findControl(bytes, 0, bytes.length, 17, 103, 4), -1);
	assert.equal(findControl(bytes, 0, 24, 17, 103, 2), -1);
	assert.equal(findControl(bytes, 24, bytes.length, 1, 1, 0), -1);
	assert.equal(findControl(bytes, 0, 1_000_000, 17, 104, 0), -1);
});

test("what cannot be sent is refused", () => {
	assert.throws(() => rightsMessage(new Array<number>(254).fill(1)), {
		code: "ERR_LIMIT",
		limit: "descriptorsPerMessageCount",
		actual: 254,
		allowed: 253,
	});
	assert.equal(rightsMessage(new Array<number>(253).fill(1)).data.length, 1_012);
	assert.throws(() => rightsMessage([-1]), { code: "ERR_OUT_OF_RANGE" });
	assert.throws(() => segmentMessage(0), { code: "ERR_OUT_OF_RANGE" });
	assert.throws(() => segmentMessage(65_536), { code: "ERR_OUT_OF_RANGE" });
	assert.throws(() => credentialsMessage({ pid: -1, uid: 0, gid: 0 }), {
		code: "ERR_OUT_OF_RANGE",
	});
	const message = { level: 2 ** 31, type: 0, data: new Uint8Array() };
	assert.throws(() => encodeControl([message]), { code: "ERR_OUT_OF_RANGE" });
	assert.throws(() => encodeControl([{ ...message, data: "x" as never }]), {
		code: "ERR_INVALID_ARG_TYPE",
	});
});
