import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeOption, encodeOption, optionRoomBytes } from "#src/socket/option-codec.ts";
import type { OptionType } from "#src/socket/option-value.ts";

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("hex");
}

test("values become the bytes of the C types", () => {
	assert.equal(hex(encodeOption("bool", true)), "01000000");
	assert.equal(hex(encodeOption("int", -2)), "feffffff");
	assert.equal(hex(encodeOption("count", 0x12345678)), "78563412");
	assert.equal(hex(encodeOption("hops", -1)), "ffffffff");
	assert.equal(hex(encodeOption("uint32", 0xffff_fffe)), "feffffff");
	assert.equal(hex(encodeOption("uint32be", 5)), "00000005");
	assert.equal(hex(encodeOption("uint64", 2n ** 64n - 1n)), "ffffffffffffffff");
	assert.equal(hex(encodeOption("uint64", 1_000)), "e803000000000000");
	assert.equal(hex(encodeOption("linger", { on: true, seconds: 5 })), "0100000005000000");
	assert.equal(hex(encodeOption("timeval", 1_500.25)), "01000000000000001aa2070000000000");
	assert.equal(hex(encodeOption("timeval", 1e-9)), "00000000000000000100000000000000");
	assert.equal(hex(encodeOption("timeval", 0)), "00".repeat(16));
	assert.equal(hex(encodeOption("string", "bbr")), "62627200");
	assert.equal(hex(encodeOption("in_addr", "127.0.0.1")), "7f000001");
	assert.equal(
		hex(encodeOption("ip_mreqn", { group: "239.1.2.3", index: 2 })),
		"ef0102030000000002000000",
	);
	assert.equal(
		hex(encodeOption("ip_mreqn", { group: "239.1.2.3", interface: "10.0.0.1" })),
		"ef0102030a00000100000000",
	);
	assert.equal(
		hex(encodeOption("ip_mreq_source", { group: "232.1.2.3", source: "10.0.0.2" })),
		"e8010203000000000a000002",
	);
	assert.equal(
		hex(encodeOption("ipv6_mreq", { group: "ff02::1", index: 3 })),
		"ff02000000000000000000000000000103000000",
	);
});

test("bytes become values", () => {
	assert.equal(decodeOption("bool", Uint8Array.of(2, 0, 0, 0)), true);
	assert.equal(decodeOption("bool", Uint8Array.of(1)), true);
	assert.equal(decodeOption("int", Uint8Array.of(0xff, 0xff, 0xff, 0xff)), -1);
	assert.equal(decodeOption("uint32", Uint8Array.of(0xff, 0xff, 0xff, 0xff)), 0xffff_ffff);
	assert.equal(decodeOption("string", new TextEncoder().encode("cubic\0\0\0")), "cubic");
	assert.equal(decodeOption("string", new TextEncoder().encode("cubic")), "cubic");
	assert.equal(decodeOption("string", new Uint8Array()), "");
	assert.deepEqual(decodeOption("uint32s", Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0, 9)), [1, 2]);
	assert.deepEqual(
		decodeOption("ucred", Uint8Array.of(7, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0)),
		{
			pid: 7,
			uid: 4_294_967_295,
			gid: 1,
		},
	);
	assert.equal(decodeOption("in_addr", Uint8Array.of(127, 0, 0, 1)), "127.0.0.1");
});

test("every value survives the way to bytes and back", () => {
	const timeval = fc.nat(2_000_000_000).map((us) => us / 1_000);
	fc.assert(
		fc.property(
			fc.integer(),
			fc.integer({ min: 0, max: 0xffff_ffff }),
			fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
			timeval,
			fc.record({ on: fc.boolean(), seconds: fc.nat(65_535) }, { noNullPrototype: true }),
			fc.ipV4(),
			(int, uint32, uint64, ms, linger, host) => {
				assert.equal(decodeOption("int", encodeOption("int", int)), int);
				assert.equal(decodeOption("uint32", encodeOption("uint32", uint32)), uint32);
				assert.equal(decodeOption("uint32be", encodeOption("uint32be", uint32)), uint32);
				assert.equal(decodeOption("uint64", encodeOption("uint64", uint64)), uint64);
				assert.ok(Math.abs(decodeOption("timeval", encodeOption("timeval", ms)) - ms) < 0.002);
				assert.deepEqual(decodeOption("linger", encodeOption("linger", linger)), linger);
				assert.equal(decodeOption("in_addr", encodeOption("in_addr", host)), host);
			},
		),
	);
});

test("values out of range and of the wrong type are refused", () => {
	const cases: [OptionType, unknown, string][] = [
		["bool", 1, "ERR_INVALID_ARG_TYPE"],
		["int", 2 ** 31, "ERR_OUT_OF_RANGE"],
		["int", 0.5, "ERR_OUT_OF_RANGE"],
		["int", "1", "ERR_INVALID_ARG_TYPE"],
		["count", -1, "ERR_OUT_OF_RANGE"],
		["byte", 256, "ERR_OUT_OF_RANGE"],
		["hops", -2, "ERR_OUT_OF_RANGE"],
		["uint16", 65_536, "ERR_OUT_OF_RANGE"],
		["uint32", -1, "ERR_OUT_OF_RANGE"],
		["uint32", 2 ** 32, "ERR_OUT_OF_RANGE"],
		["uint64", -1n, "ERR_OUT_OF_RANGE"],
		["uint64", 2n ** 64n, "ERR_OUT_OF_RANGE"],
		["uint64", 2 ** 53, "ERR_OUT_OF_RANGE"],
		["uint64", "1", "ERR_INVALID_ARG_TYPE"],
		["linger", true, "ERR_INVALID_ARG_TYPE"],
		["linger", { on: true }, "ERR_INVALID_ARG_TYPE"],
		["linger", { on: true, seconds: -1 }, "ERR_OUT_OF_RANGE"],
		["timeval", -1, "ERR_OUT_OF_RANGE"],
		["timeval", Number.NaN, "ERR_OUT_OF_RANGE"],
		["timeval", Number.POSITIVE_INFINITY, "ERR_OUT_OF_RANGE"],
		["string", "averyveryverylongname", "ERR_INVALID_ARG_VALUE"],
		["string", "a\0b", "ERR_INVALID_ARG_VALUE"],
		["string", 1, "ERR_INVALID_ARG_TYPE"],
		["in_addr", "localhost", "ERR_INVALID_ARG_VALUE"],
		["ip_mreqn", { group: "ff02::1" }, "ERR_INVALID_ARG_VALUE"],
		["ip_mreqn", {}, "ERR_INVALID_ARG_TYPE"],
		["ipv6_mreq", { group: "239.1.1.1" }, "ERR_INVALID_ARG_VALUE"],
		["ipv6_mreq", { group: "ff02::1", index: -1 }, "ERR_OUT_OF_RANGE"],
		["bytes", "text", "ERR_INVALID_ARG_TYPE"],
		["tcp_info", {}, "ERR_INVALID_ARG_VALUE"],
	];
	for (const [type, value, code] of cases) {
		assert.throws(() => encodeOption(type, value as never), { code }, `${type} ${String(value)}`);
	}
	assert.throws(() => decodeOption("ip_mreqn", new Uint8Array(12)), {
		code: "ERR_INVALID_ARG_VALUE",
	});
});

test("bytes of any length are decoded without reading beyond them", () => {
	const types = fc.constantFrom<OptionType>(
		"int",
		"uint32",
		"uint64",
		"linger",
		"timeval",
		"ucred",
		"uint32s",
		"string",
		"in_addr",
		"tcp_info",
		"bytes",
	);
	fc.assert(
		fc.property(types, fc.uint8Array({ maxLength: 600 }), (type, bytes) => {
			const room = Uint8Array.from([...bytes, ...new Uint8Array(64).fill(0xee)]);
			const whole = decodeOption(type, bytes);
			const within = decodeOption(type, room.subarray(0, bytes.length));
			assert.deepEqual(within, whole);
			assert.ok(optionRoomBytes(type) >= 4);
		}),
		{ numRuns: 1_000 },
	);
});
