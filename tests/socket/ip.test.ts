import assert from "node:assert/strict";
import { isIPv4, isIPv6, SocketAddress } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { ipv4ToBytes, ipv4ToText, ipv6ToBytes, ipv6ToText, splitZone } from "#src/socket/ip.ts";

const ipv6Bytes = fc.oneof(
	fc.uint8Array({ minLength: 16, maxLength: 16 }),
	// Mostly zeros, so that "::" occurs everywhere.
	fc
		.array(fc.constantFrom(0, 0, 0, 1, 0xffff, 0xabcd), { minLength: 8, maxLength: 8 })
		.map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))),
);

test("canonical forms are those of RFC 5952", () => {
	const cases: [string, string][] = [
		["::", "::"],
		["::1", "::1"],
		["1::", "1::"],
		["2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1"],
		["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
		["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
		["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
		["2001:DB8::ABCD", "2001:db8::abcd"],
		["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
		["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
		["::ffff:1.2.3.4", "::ffff:1.2.3.4"],
		["::ffff:0102:0304", "::ffff:1.2.3.4"],
		["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
		["1:2:3:4:5:6:77.77.88.88", "1:2:3:4:5:6:4d4d:5858"],
		["::13.1.68.3", "::d01:4403"],
	];
	for (const [text, canonical] of cases) {
		const bytes = ipv6ToBytes(text);
		assert.ok(bytes, text);
		assert.equal(ipv6ToText(bytes), canonical, text);
	}
});

test("what is no IPv6 address is refused", () => {
	const wrong = [
		"",
		":",
		":::",
		"1",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1::2::3",
		"12345::",
		"g::",
		":1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:",
		"::1%lo",
		"[::1]",
		"::1.2.3",
		"::1.2.3.256",
		"::01.2.3.4",
		"1.2.3.4::",
		"1:2:3:4:5:6:7:1.2.3.4",
		"1::2:3:4:5:6:7:8",
		"::1.2.3.4:5",
		"::-1",
		"::+1",
		":: 1",
		"::0x1",
		"::\u0661",
		":".repeat(100_000),
	];
	for (const text of wrong) assert.equal(ipv6ToBytes(text), undefined, text.slice(0, 50));
});

test("what is no IPv4 address is refused", () => {
	const wrong = [
		"",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"256.1.1.1",
		"01.2.3.4",
		"1.2.3.4 ",
		"1..2.3",
		"0x1.2.3.4",
		".1.2.3",
		"1.2.3.",
		"1.2.3.+4",
		"1".repeat(100_000),
	];
	for (const text of wrong) assert.equal(ipv4ToBytes(text), undefined, text.slice(0, 50));
});

test("any text is an address exactly when Node says so", () => {
	const nearlyAddress = fc
		.array(
			fc.constantFrom(
				"::",
				":",
				".",
				"0",
				"1",
				"255",
				"256",
				"ffff",
				"abcde",
				"1.2.3.4",
				"00",
				"%",
			),
			{ maxLength: 12 },
		)
		.map((parts) => parts.join(""));
	fc.assert(
		fc.property(fc.oneof(nearlyAddress, fc.string(), fc.ipV4(), fc.ipV6()), (text) => {
			assert.equal(ipv4ToBytes(text) !== undefined, isIPv4(text));
			// Node accepts a zone, which we keep apart.
			if (!text.includes("%")) assert.equal(ipv6ToBytes(text) !== undefined, isIPv6(text));
			assert.equal(
				(ipv4ToBytes(text) ?? ipv6ToBytes(text)) !== undefined,
				ipv4ToBytes(text) !== undefined || ipv6ToBytes(text) !== undefined,
			);
		}),
		{ numRuns: 2_000 },
	);
});

test("every IPv4 address survives the way to text and back", () => {
	fc.assert(
		fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
			assert.deepEqual(ipv4ToBytes(ipv4ToText(bytes)), bytes);
		}),
	);
});

test("every IPv6 address survives the way to text and back, and Node reads it alike", () => {
	fc.assert(
		fc.property(ipv6Bytes, (bytes) => {
			const text = ipv6ToText(bytes);
			assert.deepEqual(ipv6ToBytes(text), bytes);
			assert.ok(isIPv6(text));
			const nodes = new SocketAddress({ address: text, family: "ipv6" }).address;
			assert.deepEqual(ipv6ToBytes(nodes), bytes);
			// inet_ntop(3) also dots ::1.2.3.4, which RFC 4291 deprecates and we do not.
			const isCompatible = bytes.subarray(0, 12).every((byte) => byte === 0);
			if (!isCompatible) assert.equal(text, nodes);
		}),
		{ numRuns: 1_000 },
	);
});

test("bytes are read at an offset", () => {
	const bytes = new Uint8Array(20);
	bytes.set([9, 10, 0, 0, 1], 3);
	assert.equal(ipv4ToText(bytes, 4), "10.0.0.1");
	bytes.fill(0);
	bytes[19] = 1;
	assert.equal(ipv6ToText(bytes, 4), "::1");
});

test("the zone begins at the first percent sign", () => {
	assert.deepEqual(splitZone("fe80::1%eth0"), { host: "fe80::1", zone: "eth0" });
	assert.deepEqual(splitZone("fe80::1%a%b"), { host: "fe80::1", zone: "a%b" });
	assert.deepEqual(splitZone("fe80::1%"), { host: "fe80::1", zone: "" });
	assert.deepEqual(splitZone("::1"), { host: "::1" });
});
