import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Address, formatAddress, parseAddress, sameAddress } from "#src/socket/address.ts";

const port = fc.integer({ min: 0, max: 65_535 });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const host = fc.oneof(
	fc.constant("*"),
	fc.ipV4(),
	fc.ipV6(),
	fc.constantFrom("fe80::1%eth0", "fe80::1%2", "::ffff:1.2.3.4", "[::1]"),
	fc.domain(),
	fc.domain().map((name) => name.toUpperCase()),
);
const name = fc
	.string({ minLength: 1, maxLength: 100, unit: "grapheme" })
	.filter((text) => !/\p{Surrogate}/u.test(text) && Buffer.byteLength(text) <= 100);
const path = fc.oneof(
	name.filter((text) => !text.includes("\0")),
	fc.constantFrom("@a", "//a", "///a//b", "a%20b", " ", ":", "unix:a", "./@a"),
);
const unix = fc.constantFrom("unix" as const, "unix-dgram" as const, "unix-seqpacket" as const);
const vsock = fc.constantFrom("vsock" as const, "vsock-dgram" as const, "vsock-seqpacket" as const);
const service = fc
	.tuple(fc.constantFrom("_pg._tcp", "_X-2._TCP", "_rabbitmq._amqp"), fc.domain())
	.map((labels) => labels.join("."));
const anyAddress: fc.Arbitrary<Address> = fc.oneof(
	fc.record({ transport: fc.constantFrom("tcp" as const, "udp" as const), host, port }),
	fc.record({ transport: unix, path }) as fc.Arbitrary<Address>,
	fc.record({ transport: unix, abstract: name }) as fc.Arbitrary<Address>,
	fc.record({ transport: vsock, cid: uint32, port: uint32 }),
	fc.record({ transport: fc.constant("tcp+srv" as const), service }),
	fc.record({ transport: fc.constant("fd" as const), fd: fc.nat(0x7fff_ffff) }),
	fc.record({
		transport: fc.constant("systemd" as const),
		name: fc.constantFrom("http", "a.b-c_d@1"),
	}),
);

test("every form of text is read", () => {
	const cases: [string, Address][] = [
		["tcp://127.0.0.1:8080", { transport: "tcp", host: "127.0.0.1", port: 8080 }],
		["tcp://[::1]:0", { transport: "tcp", host: "::1", port: 0 }],
		["tcp://[0:0:0::1]:65535", { transport: "tcp", host: "::1", port: 65_535 }],
		["tcp://[FE80::1%eth0]:1", { transport: "tcp", host: "fe80::1%eth0", port: 1 }],
		["tcp://*:80", { transport: "tcp", host: "*", port: 80 }],
		["tcp://Example.COM.:80", { transport: "tcp", host: "example.com.", port: 80 }],
		["tcp://my_service-1:80", { transport: "tcp", host: "my_service-1", port: 80 }],
		["udp://b\u00fccher.example:53", { transport: "udp", host: "b\u00fccher.example", port: 53 }],
		["vsock://2:5000", { transport: "vsock", cid: 2, port: 5000 }],
		[
			"vsock-dgram://*:4294967295",
			{ transport: "vsock-dgram", cid: 4_294_967_295, port: 4_294_967_295 },
		],
		["unix:/run/app.sock", { transport: "unix", path: "/run/app.sock" }],
		["unix:///run/app.sock", { transport: "unix", path: "/run/app.sock" }],
		["unix:relative.sock", { transport: "unix", path: "relative.sock" }],
		["unix:a%20b:c", { transport: "unix", path: "a%20b:c" }],
		["unix-dgram:/p", { transport: "unix-dgram", path: "/p" }],
		["unix-seqpacket:/p", { transport: "unix-seqpacket", path: "/p" }],
		["unix:@name", { transport: "unix", abstract: "name" }],
		["unix:@a\0b", { transport: "unix", abstract: "a\0b" }],
		["unix:./@name", { transport: "unix", path: "./@name" }],
		["tcp+srv://_PG._tcp.Example.org", { transport: "tcp+srv", service: "_pg._tcp.example.org" }],
		["tcp+srv://_a._tcp.local.", { transport: "tcp+srv", service: "_a._tcp.local." }],
		["fd:3", { transport: "fd", fd: 3 }],
		["systemd:http", { transport: "systemd", name: "http" }],
	];
	for (const [text, address] of cases) assert.deepEqual(parseAddress(text), address, text);
});

test("an address that is written instead of a wrong one is an address", () => {
	const words = ["", "tcp:", "tcp//", "TCP://", "tcp6:", "udp:/", "vsock:", "http://", "srv:"];
	const hosts = ["", "a", "a..b", "127.1", "1.2.3.4", "[::1]", "[a]", "::1", "u@a", "3", "+"];
	const ports = ["", ":", ":80", ":080", ":65536", ":http", ":80/"];
	const texts = words.flatMap((word) =>
		hosts.flatMap((host) => ports.map((port) => word + host + port)),
	);
	for (const text of texts) {
		const [, written = "tcp://*:0"] =
			/(?:write|mean) ([a-z]+:\/\/[^ ,?]+)/.exec(refusalOf(text)) ?? [];
		const address = written.replace("HOST", "a").replace("CID", "2").replace("PORT", "1");
		assert.doesNotThrow(() => parseAddress(address), `${text}: ${written}`);
	}
});

function refusalOf(text: string): string {
	try {
		parseAddress(text);
		return "";
	} catch (error) {
		return (error as Error).message;
	}
}

test("text in no form is refused with the form that is expected", () => {
	const cases: [string, RegExp][] = [
		["", /it does not begin with a transport; the forms are tcp:\/\/HOST:PORT, udp:/],
		["app", /it does not begin with a transport/],
		["8080", /a port alone tells no host; write tcp:/],
		["127.0.0.1:80", /write tcp:\/\/ before it/],
		["[::1]:80", /write tcp:\/\/ before it/],
		[":80", /write tcp:\/\/HOST:80, or udp:\/\/HOST:80$/],
		["[a]:80", /write tcp:\/\/HOST:80, or udp:\/\/HOST:80$/],
		["a:81818", /write tcp:\/\/HOST:PORT, or udp:\/\/HOST:PORT$/],
		["srv:80", /write tcp:\/\/ before it/],
		["81818", /it does not begin with a transport/],
		["beef:", /it does not begin with a transport/],
		["/run/a.sock", /write unix: before it/],
		["./a:80", /write unix: before it/],
		["@a", /write unix: before it/],
		["http://a:81/b?c", /it is a URL; write tcp:\/\/a:81$/],
		["wss://a", /it is a URL; write tcp:\/\/a:443$/],
		["http://a:81818/b", /it is a URL; write tcp:\/\/a:PORT$/],
		["http://a..b", /it is a URL; write tcp:\/\/HOST:PORT$/],
		["redis://u:p@a", /it is a URL; write tcp:\/\/a:PORT$/],
		["TCP://a:80", /did you mean tcp:\/\/a:80\?/],
		["TCP4:a:80", /did you mean tcp:\/\/a:80\?/],
		["TCP-LISTEN:80", /did you mean tcp:\/\/HOST:80\?/],
		["tcp//a:80", /did you mean tcp:\/\/a:80\?/],
		["unix//run/a", /did you mean unix:\/run\/a\?/],
		["file:///run/a", /did you mean unix:\/run\/a\?/],
		["unix-stream:", /did you mean unix:\?/],
		["unixgram:/a", /did you mean unix-dgram:\/a\?/],
		["abstract:a", /did you mean unix:@a\?/],
		["vsock-listen:1", /did you mean vsock:\?/],
		["srv:80", /write tcp:\/\/ before it/],
		["constructor:80", /write tcp:\/\/ before it/],
		["localhost", /the port is missing; write tcp:\/\/localhost:PORT$/],
		["a.example:", /the port is missing; write tcp:\/\/a\.example:PORT$/],
		["[::1]", /the port is missing; write tcp:\/\/\[::1\]:PORT$/],
		["::1:80", /an IPv6 address needs brackets and a port/],
		["a:http", /the port must be a number/],
		["a.sock", /write unix:a\.sock$/],
		["run/a", /write unix:run\/a$/],
		["~/a", /nobody replaces its ~/],
		["C:\\run\\a", /paths and pipes of Windows/],
		["\\\\.\\pipe\\a", /paths and pipes of Windows/],
		[" tcp://a:80", /there is white space around it/],
		["fd://3", /write fd:NUMBER, without slashes/],
		["unxi:/a", /did you mean unix:\?/],
		["unix-seqpaket:/a", /did you mean unix-seqpacket:\?/],
		["tcp:a:80", /write tcp:\/\/a:80$/],
		["tcp:/a:80", /write tcp:\/\/a:80$/],
		["tcp:a:81818", /write tcp:\/\/HOST:PORT$/],
		["tcp:127.1:80", /write tcp:\/\/HOST:PORT$/],
		["tcp:[a]:80", /write tcp:\/\/HOST:PORT$/],
		["udp:a@b:80", /write udp:\/\/HOST:PORT$/],
		["vsock:a:80", /write vsock:\/\/CID:PORT$/],
		["vsock:3:80", /write vsock:\/\/3:80$/],
		["udp:53", /write udp:\/\/HOST:53$/],
		["tcp:\x1b:80", /write tcp:\/\/HOST:PORT$/],
		["tcp://a", /the port is missing; write tcp:\/\/HOST:PORT/],
		["tcp://[::1]", /the port is missing/],
		["tcp://[::1]80", /the port is missing/],
		["tcp://[::1", /the port is missing/],
		["tcp://a:", /the port must be a decimal number from 0 to 65535/],
		["tcp://a:80/b", /the port must be the end/],
		["tcp://a:65536", /the port must be/],
		["tcp://a:-1", /the port must be/],
		["tcp://a:080", /the port must be/],
		["tcp://a:0x50", /the port must be/],
		["tcp://a: 80", /the port must be/],
		["tcp://a:99999999999999999999", /the port must be/],
		["tcp://::1:80", /an IPv6 address needs brackets/],
		["tcp://a:b:80", /an IPv6 address needs brackets/],
		["tcp://[::g]:80", /no IPv6 address/],
		["tcp://[127.0.0.1]:80", /only an IPv6 address goes in brackets/],
		["tcp://[fe80::1%]:80", /the zone after %/],
		["tcp://[fe80::1%averyverylongname]:80", /the zone after %/],
		["tcp://[fe80::1%a/b]:80", /the zone after %/],
		["tcp://:80", /the host is empty/],
		["tcp://user@a:80", /a host has no user before it/],
		["tcp://a b:80", /a character that no host name has/],
		["tcp://a\0b:80", /a character that no host name has/],
		["tcp://a/b:80", /a character that no host name has/],
		["tcp://127.0.0.1%lo:80", /a character that no host name has/],
		["tcp://127.1:80", /ends in a number but is no IPv4 address/],
		["tcp://010.0.0.1:80", /ends in a number/],
		["tcp://0x7f000001:80", /ends in a number/],
		["tcp://2130706433:80", /ends in a number/],
		["tcp://256.0.0.1:80", /ends in a number/],
		["tcp://a..b:80", /each part of a host name/],
		["tcp://.:80", /each part of a host name/],
		[`tcp://${"a".repeat(64)}:80`, /1 to 63 characters/],
		[`tcp://${"a.".repeat(127)}:80`, /254 bytes, but a name has at most 253/],
		["unix:", /the path is empty/],
		["unix:@", /the abstract name is empty/],
		["unix:/a\0b", /the path has a NUL at byte 2/],
		[`unix:${"p".repeat(4_096)}`, /the path has 4096 bytes, but Linux takes paths of 4095/],
		[`unix:@${"p".repeat(108)}`, /the name has 108 bytes/],
		["unix:/\ud800", /lone surrogate/],
		["vsock:2:1", /write vsock:\/\/2:1$/],
		["vsock://2", /the port is missing/],
		["vsock://a:1", /the CID must be a decimal number/],
		["vsock://4294967296:1", /the CID must be/],
		["tcp+srv:_pg._tcp.example", /write tcp\+srv:\/\/_SERVICE\._tcp\.DOMAIN/],
		["tcp+srv://", /no name of a service; write _SERVICE\._tcp\.DOMAIN/],
		["tcp+srv://example.org", /no name of a service/],
		["tcp+srv://_pg.example.org", /no name of a service/],
		["tcp+srv://pg._tcp.example.org", /no name of a service/],
		["tcp+srv://_pg._tcp", /no name of a service/],
		["tcp+srv://_pg._tcp.", /no name of a service/],
		["tcp+srv://_._tcp.example.org", /no name of a service/],
		["tcp+srv://[::1]", /no name of a service/],
		["tcp+srv://*", /no name of a service/],
		["tcp+srv://_pg._tcp.example.org:5432", /records tell the port; leave ":PORT" out/],
		["tcp+srv://_dns._udp.example.org", /a service over _udp has no connections/],
		["tcp+srv://_pg._tcp.a b", /a character that no host name has/],
		["tcp+srv://_pg._tcp.a..b", /each part of a host name/],
		["udp+srv://_dns._udp.example.org", /did you mean tcp\+srv:\?/],
		["fd:", /the descriptor must be/],
		["fd:-1", /the descriptor must be/],
		["fd:2147483648", /the descriptor must be/],
		["systemd:", /the name must be 1 to 255/],
		["systemd:a:b", /the name must be 1 to 255/],
	];
	for (const [text, message] of cases) {
		assert.throws(
			() => parseAddress(text),
			{ code: "ERR_INVALID_ADDRESS", input: text, message },
			text,
		);
	}
});

test("wrong objects are refused by the field that is wrong", () => {
	const cases: [unknown, string, RegExp][] = [
		[undefined, "ERR_INVALID_ARG_TYPE", /"address" must be a text such as/],
		[80, "ERR_INVALID_ARG_TYPE", /is 80/],
		[null, "ERR_INVALID_ARG_TYPE", /is null/],
		[
			{ host: "a", port: 1 },
			"ERR_INVALID_ARG_TYPE",
			/whose transport is tcp.*\{ host: "a", port: 1 \}/,
		],
		[{ transport: "http" }, "ERR_INVALID_ARG_TYPE", /whose transport/],
		[{ transport: "tcp", port: 1 }, "ERR_INVALID_ARG_TYPE", /"host" must be a string/],
		[{ transport: "tcp", host: "a" }, "ERR_INVALID_ARG_TYPE", /"port"/],
		[{ transport: "tcp", host: "a", port: "80" }, "ERR_INVALID_ARG_TYPE", /"port"/],
		[{ transport: "tcp", host: "a", port: 65_536 }, "ERR_OUT_OF_RANGE", /0 to 65535, but is 65536/],
		[{ transport: "tcp", host: "", port: 1 }, "ERR_INVALID_ADDRESS", /the host is empty/],
		[{ transport: "unix", path: "" }, "ERR_INVALID_ADDRESS", /the path is empty/],
		[{ transport: "unix", path: undefined }, "ERR_INVALID_ARG_TYPE", /"path" must be a string/],
		[{ transport: "unix", path: 1 }, "ERR_INVALID_ARG_TYPE", /"path"/],
		[{ transport: "unix", path: "/a", abstract: "a" }, "ERR_INVALID_ADDRESS", /not both/],
		[{ transport: "unix", abstract: null }, "ERR_INVALID_ARG_TYPE", /"abstract"/],
		[{ transport: "unix", path: "/a", bytes: Uint8Array.of(0) }, "ERR_INVALID_ADDRESS", /NUL/],
		[{ transport: "unix", path: "/a", bytes: [47] }, "ERR_INVALID_ARG_TYPE", /"bytes"/],
		[{ transport: "vsock", cid: -1, port: 1 }, "ERR_OUT_OF_RANGE", /"cid"/],
		[{ transport: "fd", fd: 1.5 }, "ERR_OUT_OF_RANGE", /"fd"/],
		[{ transport: "tcp+srv", host: "a" }, "ERR_INVALID_ARG_TYPE", /"service" must be a string/],
		[{ transport: "systemd", name: "a b" }, "ERR_INVALID_ADDRESS", /the name must be/],
	];
	for (const [input, code, message] of cases) {
		assert.throws(() => parseAddress(input as Address), { code, message });
	}
});

test("an object is returned as a canonical copy with nothing else in it", () => {
	const input = { transport: "tcp", host: "[0::1]", port: 1, extra: true } as const;
	const address = parseAddress(input);
	assert.deepEqual(address, { transport: "tcp", host: "::1", port: 1 });
	assert.notEqual(address, input);
	assert.deepEqual(parseAddress({ transport: "unix" }), { transport: "unix" });
	const bytes = Uint8Array.of(0x2f, 0xff);
	const exact = parseAddress({ transport: "unix", path: "/\ufffd", bytes });
	bytes[1] = 0;
	assert.deepEqual(exact, { transport: "unix", path: "/\ufffd", bytes: Uint8Array.of(0x2f, 0xff) });
});

test("every address survives the way to text and back", () => {
	fc.assert(
		fc.property(anyAddress, (input) => {
			const address = parseAddress(input);
			const again = parseAddress(formatAddress(address));
			const startsWithAt = "path" in address && address.path.startsWith("@");
			if (!startsWithAt) assert.deepEqual(again, address);
			assert.deepEqual(parseAddress(address), address);
			assert.ok(sameAddress(again, address));
			assert.ok(sameAddress(input, address));
		}),
		{ numRuns: 2_000 },
	);
});

test("any text is read or refused with one of our errors", () => {
	const scheme = fc.constantFrom(
		"tcp://",
		"udp://",
		"unix:",
		"unix:@",
		"vsock://",
		"fd:",
		"systemd:",
		"",
	);
	fc.assert(
		fc.property(scheme, fc.string({ unit: "binary", maxLength: 300 }), (start, rest) => {
			try {
				const address = parseAddress(start + rest);
				assert.ok(sameAddress(formatAddress(address), address));
			} catch (error) {
				assert.equal((error as { code?: string }).code, "ERR_INVALID_ADDRESS");
			}
		}),
		{ numRuns: 2_000 },
	);
});

test("huge text is refused at once", () => {
	for (const start of [
		"",
		"tcp://",
		"tcp://[",
		"tcp+srv://_a._tcp.",
		"unix:",
		"unix:@",
		"fd:",
		"systemd:",
	]) {
		for (const filler of ["a", ":", "/a", "1", "a."]) {
			const text = start + filler.repeat(1_000_000);
			assert.throws(
				() => parseAddress(text),
				(error: Error) => error.message.length < 500,
			);
		}
	}
});

test("addresses are compared as places, not as text", () => {
	assert.ok(sameAddress("tcp://[0:0::1]:80", "tcp://[::1]:80"));
	assert.ok(sameAddress("tcp://LOCALHOST:80", { transport: "tcp", host: "localhost", port: 80 }));
	assert.ok(sameAddress("unix:./@a", { transport: "unix", path: "@a" }));
	assert.ok(!sameAddress("unix:@a", { transport: "unix", path: "@a" }));
	assert.ok(!sameAddress("tcp://127.0.0.1:80", "udp://127.0.0.1:80"));
	assert.ok(!sameAddress({ transport: "unix" }, { transport: "unix" }));
	const exact = (byte: number): Address => ({
		transport: "unix",
		path: "\ufffd",
		bytes: Uint8Array.of(byte),
	});
	assert.ok(sameAddress(exact(0xff), exact(0xff)));
	assert.ok(!sameAddress(exact(0xff), exact(0xfe)));
	assert.ok(!sameAddress(exact(0xff), "unix:\ufffd"));
});

test("the unnamed address has a text to show, which is no address", () => {
	assert.equal(formatAddress({ transport: "unix" }), "unix:");
});
