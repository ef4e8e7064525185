import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
	decodeSocketAddress,
	encodeSocketAddress,
	SOCKADDR_BYTES_MAX,
	type SocketAddress,
} from "#src/socket/sockaddr.ts";

const port = fc.integer({ min: 0, max: 65_535 });
const uint32 = fc.integer({ min: 1, max: 0xffff_ffff });
const name = fc
	.string({ minLength: 1, maxLength: 107, unit: "grapheme" })
	.filter((text) => !/\p{Surrogate}/u.test(text) && Buffer.byteLength(text) <= 107);

const anyAddress: fc.Arbitrary<SocketAddress> = fc.oneof(
	fc.record({ family: fc.constant("inet" as const), host: fc.ipV4(), port }),
	fc.record(
		{
			family: fc.constant("inet6" as const),
			host: fc.constantFrom("::", "::1", "fe80::1"),
			port,
			scope: uint32,
			flow: uint32,
		},
		{ requiredKeys: ["family", "host", "port"] },
	),
	fc.record({
		family: fc.constant("unix" as const),
		path: name.filter((text) => !text.includes("\0")),
	}),
	fc.record({ family: fc.constant("unix" as const), abstract: name }),
	fc.constant({ family: "unix" as const }),
	fc.record({ family: fc.constant("vsock" as const), cid: uint32, port: uint32 }),
);

test("the bytes are those of the C structures", () => {
	const cases: [SocketAddress, string][] = [
		[{ family: "inet", host: "127.0.0.1", port: 8080 }, "0200 1f90 7f000001 0000000000000000"],
		[
			{ family: "inet6", host: "fe80::1", port: 443, scope: 2, flow: 0x12345 },
			"0a00 01bb 00012345 fe800000000000000000000000000001 02000000",
		],
		[{ family: "unix", path: "/a" }, "0100 2f61 00"],
		[{ family: "unix", abstract: "a\0b" }, "0100 00 610062"],
		[{ family: "unix" }, "0100"],
		[{ family: "vsock", cid: 2, port: 5000 }, "2800 0000 88130000 02000000 00000000"],
	];
	for (const [address, hex] of cases) {
		assert.equal(
			Buffer.from(encodeSocketAddress(address)).toString("hex"),
			hex.replaceAll(" ", ""),
		);
	}
});

test("every address survives the way to bytes and back", () => {
	fc.assert(
		fc.property(anyAddress, fc.boolean(), (address, isInRoom) => {
			const bytes = encodeSocketAddress(address);
			assert.ok(bytes.length <= SOCKADDR_BYTES_MAX);
			const room = new Uint8Array(isInRoom ? SOCKADDR_BYTES_MAX : bytes.length).fill(
				isInRoom ? 0xaa : 0,
			);
			room.set(bytes);
			assert.deepEqual({ ...decodeSocketAddress(room, bytes.length) }, { ...address });
		}),
		{ numRuns: 1_000 },
	);
});

test("any bytes are decoded or refused, and never read beyond the length", () => {
	fc.assert(
		fc.property(
			fc.constantFrom(0, 1, 2, 10, 40, 255),
			fc.uint8Array({ maxLength: SOCKADDR_BYTES_MAX }),
			fc.nat(200),
			(family, rest, length) => {
				const bytes = Uint8Array.from([family, 0, ...rest]);
				const decode = (filler: number): unknown => {
					const copy = bytes.slice();
					copy.fill(filler, Math.min(length, copy.length));
					try {
						return decodeSocketAddress(copy, length);
					} catch (error) {
						return (error as { code: string }).code;
					}
				};
				assert.deepEqual(decode(0), decode(0xff));
			},
		),
		{ numRuns: 2_000 },
	);
});

test("a path takes 1 to 107 bytes, counted in UTF-8", () => {
	for (const length of [1, 106, 107]) {
		const bytes = encodeSocketAddress({ family: "unix", path: "p".repeat(length) });
		assert.equal(bytes.length, 2 + length + 1);
		assert.deepEqual(decodeSocketAddress(bytes), { family: "unix", path: "p".repeat(length) });
	}
	assert.throws(() => encodeSocketAddress({ family: "unix", path: "p".repeat(108) }), {
		code: "ERR_INVALID_ADDRESS",
		message: /108 bytes, but a Unix address holds 107; use a shorter directory/,
	});
	assert.throws(() => encodeSocketAddress({ family: "unix", path: "\u00e9".repeat(54) }), {
		message: /108 bytes/,
	});
	assert.throws(() => encodeSocketAddress({ family: "unix", path: "" }), {
		message: /path is empty/,
	});
});

test("an abstract name takes 1 to 107 bytes", () => {
	for (const length of [1, 107]) {
		const abstract = "n".repeat(length);
		const bytes = encodeSocketAddress({ family: "unix", abstract });
		assert.equal(bytes.length, 3 + length);
		assert.deepEqual(decodeSocketAddress(bytes), { family: "unix", abstract });
	}
	assert.throws(() => encodeSocketAddress({ family: "unix", abstract: "n".repeat(108) }), {
		message: /108 bytes, but an abstract address holds 107/,
	});
	assert.throws(() => encodeSocketAddress({ family: "unix", abstract: "" }), {
		code: "ERR_INVALID_ADDRESS",
	});
});

test("a NUL in a path is refused with its place", () => {
	assert.throws(() => encodeSocketAddress({ family: "unix", path: "/tmp/a\0b" }), {
		code: "ERR_INVALID_ADDRESS",
		message:
			'"/tmp/a\\u0000b" is not a usable address: ' +
			"the path has a NUL at byte 6; remove it, or use an abstract name",
	});
});

test("a lone surrogate is refused rather than replaced", () => {
	assert.throws(() => encodeSocketAddress({ family: "unix", path: "/\ud800" }), {
		code: "ERR_INVALID_ADDRESS",
	});
});

test("a path of 108 bytes without NUL, as another program may bind it, is decoded whole", () => {
	const bytes = new Uint8Array(110).fill(0x70);
	bytes.set([1, 0]);
	assert.deepEqual(decodeSocketAddress(bytes), { family: "unix", path: "p".repeat(108) });
});

test("bytes that are no UTF-8 are kept, and decide on the way back", () => {
	for (const start of [[], [0]]) {
		const bytes = Uint8Array.from([1, 0, ...start, 0x2f, 0xff, 0xfe, ...(start.length ? [] : [0])]);
		const address = decodeSocketAddress(bytes);
		assert.deepEqual("bytes" in address && address.bytes, Uint8Array.of(0x2f, 0xff, 0xfe));
		assert.deepEqual(encodeSocketAddress(address), bytes);
	}
	assert.deepEqual(decodeSocketAddress(Uint8Array.of(1, 0, 0xef, 0xbb, 0xbf, 0x61, 0)), {
		family: "unix",
		path: "\ufeffa",
	});
});

test("no bytes at all are the unnamed address of an unbound sender", () => {
	assert.deepEqual(decodeSocketAddress(new Uint8Array(SOCKADDR_BYTES_MAX), 0), { family: "unix" });
});

test("wrong fields are refused by name", () => {
	const cases: [unknown, string, RegExp][] = [
		[undefined, "ERR_INVALID_ARG_TYPE", /"address" must be an object whose family/],
		[{ family: "ipx" }, "ERR_INVALID_ARG_TYPE", /family/],
		[
			{ family: "inet", host: "localhost", port: 1 },
			"ERR_INVALID_ADDRESS",
			/"localhost".*four decimals/,
		],
		[{ family: "inet", host: 1, port: 1 }, "ERR_INVALID_ARG_TYPE", /"host" must be a string/],
		[{ family: "inet", host: "::1", port: 1 }, "ERR_INVALID_ADDRESS", /four decimals/],
		[
			{ family: "inet", host: "127.0.0.1", port: 65_536 },
			"ERR_OUT_OF_RANGE",
			/"port".*0 to 65535.*65536/,
		],
		[{ family: "inet", host: "127.0.0.1", port: -1 }, "ERR_OUT_OF_RANGE", /-1/],
		[{ family: "inet", host: "127.0.0.1", port: 1.5 }, "ERR_OUT_OF_RANGE", /1.5/],
		[{ family: "inet", host: "127.0.0.1", port: "80" }, "ERR_INVALID_ARG_TYPE", /"80"/],
		[{ family: "inet", host: "127.0.0.1" }, "ERR_INVALID_ARG_TYPE", /undefined/],
		[{ family: "inet6", host: "[::1]", port: 1 }, "ERR_INVALID_ADDRESS", /without brackets/],
		[
			{ family: "inet6", host: "fe80::1%lo", port: 1 },
			"ERR_INVALID_ADDRESS",
			/the zone goes into scope/,
		],
		[{ family: "inet6", host: "::1", port: 1, scope: -1 }, "ERR_OUT_OF_RANGE", /"scope"/],
		[{ family: "unix", path: undefined }, "ERR_INVALID_ARG_TYPE", /"path" must be a string/],
		[{ family: "unix", path: "/a", abstract: "a" }, "ERR_INVALID_ADDRESS", /not both/],
		[{ family: "unix", path: "/a", bytes: "a" }, "ERR_INVALID_ARG_TYPE", /"bytes"/],
		[{ family: "vsock", cid: 2 ** 32, port: 1 }, "ERR_OUT_OF_RANGE", /"cid"/],
	];
	for (const [address, code, message] of cases) {
		assert.throws(() => encodeSocketAddress(address as SocketAddress), { code, message });
	}
});

test("addresses of other families and cut addresses are refused", () => {
	assert.throws(() => decodeSocketAddress(Uint8Array.of(16, 0, 0, 0)), { code: "ERR_UNSUPPORTED" });
	assert.throws(() => decodeSocketAddress(Uint8Array.of(2, 0, 0, 80)), {
		code: "ERR_INVALID_ARG_VALUE",
	});
});
