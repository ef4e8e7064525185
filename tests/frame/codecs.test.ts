import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Codec } from "socketry/frame";
import { delimited, lengthPrefixed, lines, netstrings } from "socketry/frame";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

/** Everything that a codec makes of chunks, up to the end. */
function read<M>(codec: Codec<M, never>, chunks: readonly Uint8Array[]): M[] {
	const decoder = codec.decoder();
	const messages: M[] = [];
	for (const chunk of chunks) {
		decoder.push(chunk);
		for (let m = decoder.next(); m !== undefined; m = decoder.next()) messages.push(m);
	}
	const last = decoder.end();
	if (last !== undefined) messages.push(last);
	return messages;
}

/** The bytes cut at places given as fractions. */
function cut(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
	const at = places.map((place) => Math.floor(place * whole.length)).sort((a, b) => a - b);
	return [0, ...at].map((start, i) => Buffer.from(whole.subarray(start, at[i] ?? whole.length)));
}

const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 });
const anyBytes = fc.uint8Array({ maxLength: 300 });

const BINARY: readonly [string, Codec<Uint8Array>][] = [
	["lengthPrefixed", lengthPrefixed()],
	[
		"lengthPrefixed of 2 bytes, little-endian",
		lengthPrefixed({ prefixBytes: 2, littleEndian: true }),
	],
	["lengthPrefixed of 6 bytes", lengthPrefixed({ prefixBytes: 6 })],
	["netstrings", netstrings()],
];

for (const [name, codec] of BINARY) {
	test(`${name}: any messages cut anywhere arrive as they were`, () => {
		const property = fc.property(fc.array(anyBytes, { maxLength: 20 }), places, (messages, at) => {
			const wire = Buffer.concat(messages.map((message) => codec.encode(message)));
			const arrived = read(codec, cut(wire, at));
			assert.deepEqual(arrived.map(hex), messages.map(hex));
		});
		fc.assert(property, { numRuns: 300 });
	});
}

test("delimited: any messages without the delimiter, cut anywhere, arrive as they were", () => {
	const property = fc.property(
		fc.array(fc.uint8Array({ maxLength: 50, max: 3 }), { maxLength: 20 }),
		fc.uint8Array({ minLength: 1, maxLength: 4, max: 3 }),
		places,
		(candidates, delimiter, at) => {
			const codec = delimited(delimiter);
			const messages = candidates.filter((candidate) => isEncodable(codec, candidate));
			const wire = Buffer.concat(messages.map((message) => codec.encode(message)));
			assert.deepEqual(read(codec, cut(wire, at)).map(hex), messages.map(hex));
		},
	);
	fc.assert(property, { numRuns: 500 });
});

test("lines: any text cut anywhere, even inside a character, arrives as it was", () => {
	const line = fc
		.string({ unit: "grapheme", maxLength: 40 })
		.filter((text) => !/\n|\r$/.test(text));
	for (const ending of ["\n", "\r\n"] as const) {
		const codec = lines({ ending });
		const property = fc.property(fc.array(line, { maxLength: 20 }), places, (texts, at) => {
			const wire = Buffer.concat(texts.map((text) => codec.encode(text)));
			assert.deepEqual(read(codec, cut(wire, at)), texts);
		});
		fc.assert(property, { numRuns: 300 });
	}
});

test("any bytes give messages or a typed error, the same one again and again", () => {
	const codecs: readonly Codec<unknown, never>[] = [
		lines({ maxBytes: 20 }),
		lengthPrefixed({ maxBytes: 20, prefixBytes: 1 }),
		netstrings({ maxBytes: 20 }),
		delimited("ab", { maxBytes: 20 }),
	];
	const codes = new Set(["ERR_FRAMING", "ERR_LIMIT", "ERR_END_OF_STREAM"]);
	const property = fc.property(fc.constantFrom(...codecs), anyBytes, places, (codec, whole, at) => {
		const decoder = codec.decoder();
		try {
			for (const chunk of cut(whole, at)) {
				decoder.push(chunk);
				while (decoder.next() !== undefined);
			}
			decoder.end();
		} catch (error) {
			assert.ok(codes.has((error as { code: string }).code), String(error));
			const again = (): unknown => decoder.next() ?? decoder.end();
			assert.throws(again, { message: (error as Error).message });
			decoder.push(bytes("1"));
			if ((error as { code: string }).code !== "ERR_END_OF_STREAM") assert.throws(again);
		}
	});
	fc.assert(property, { numRuns: 1000 });
});

describe("lines", () => {
	test("end with either ending, and the last one with the stream", () => {
		assert.deepEqual(read(lines(), [bytes("a\r\nb\n\nc")]), ["a", "b", "", "c"]);
		assert.deepEqual(read(lines(), [bytes("a\n")]), ["a"]);
		assert.deepEqual(read(lines(), []), []);
	});

	test("that are no UTF-8 are an error, or replaced when asked for", () => {
		const chunk = Uint8Array.of(0x61, 0xff, 0x0a);
		assert.throws(() => read(lines(), [chunk]), { code: "ERR_FRAMING" });
		assert.deepEqual(read(lines({ invalid: "replace" }), [chunk]), ["a\ufffd"]);
		assert.deepEqual(read(lines(), [lines().encode("\ufffd")]), ["\ufffd"]);
	});

	test("keep a byte order mark", () => {
		assert.deepEqual(read(lines(), [Buffer.from("\ufeffa\n")]), ["\ufeffa"]);
	});

	test("cannot hold what would end them", () => {
		for (const line of ["a\nb", "a\r", 1 as unknown as string]) {
			assert.throws(() => lines().encode(line), { code: "ERR_INVALID_ARG_VALUE" });
		}
	});
});

describe("limits", () => {
	test("hold for what is sent and what is received", () => {
		const codecs = [lengthPrefixed, netstrings, (o: object) => delimited("\n", o)];
		for (const make of codecs) {
			const codec = make({ maxBytes: 3 });
			assert.throws(() => codec.encode("four"), { code: "ERR_LIMIT", actual: 4, allowed: 3 });
			assert.equal(Buffer.from(codec.encode("abc")).includes("abc"), true);
			const wire = make({}).encode("four");
			assert.throws(() => read(codec, [wire]), { code: "ERR_LIMIT" });
		}
		assert.throws(() => lines({ maxBytes: 3 }).encode("four"), { code: "ERR_LIMIT" });
	});

	test("are told before all of a long message has come", () => {
		const decoder = delimited("\r\n", { maxBytes: 10 }).decoder();
		decoder.push(new Uint8Array(12));
		assert.throws(() => decoder.next(), { code: "ERR_LIMIT" });
		const prefixed = lengthPrefixed({ maxBytes: 10 }).decoder();
		prefixed.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
		assert.throws(() => prefixed.next(), { code: "ERR_LIMIT", actual: 0xffff_ffff });
	});

	test("allow a message of exactly that length, however it is cut", () => {
		const codec = delimited("\r\n", { maxBytes: 4 });
		assert.deepEqual(read(codec, [bytes("abcd\r"), bytes("\n")]).map(text), ["abcd"]);
		assert.deepEqual(read(lines({ maxBytes: 4 }), [bytes("abcd\n")]), ["abcd"]);
	});

	test("a prefix of two bytes holds 65535", () => {
		const codec = lengthPrefixed({ prefixBytes: 2 });
		assert.throws(() => codec.encode(new Uint8Array(65_536)), { allowed: 65_535 });
		assert.equal(codec.encode(new Uint8Array(65_535)).length, 65_537);
	});
});

test("an end inside a message is an error", () => {
	for (const [, codec] of BINARY) {
		const wire = codec.encode(bytes("hello"));
		for (let end = 1; end < wire.length; end++) {
			assert.throws(() => read(codec, [wire.slice(0, end)]), { code: "ERR_END_OF_STREAM" });
		}
	}
	assert.throws(() => read(delimited(";"), [bytes("a;b")]), { code: "ERR_END_OF_STREAM" });
});

test("netstrings that are malformed are an error", () => {
	for (const wire of ["05:hello,", "00:,", ":,", "a", "5hello,", "5:hello;", "-1:,", " 1:a,"]) {
		assert.throws(() => read(netstrings(), [bytes(wire)]), { code: "ERR_FRAMING" }, wire);
	}
	assert.deepEqual(read(netstrings(), [bytes("0:,3:a,b,")]).map(text), ["", "a,b"]);
});

test("a message that would be cut at the wrong place is refused", () => {
	assert.throws(() => delimited("aa").encode("ba"), { code: "ERR_INVALID_ARG_VALUE" });
	assert.throws(() => delimited("ab").encode("cabd"), { code: "ERR_INVALID_ARG_VALUE" });
	assert.deepEqual(read(delimited("\r\n"), [delimited("\r\n").encode("a\r")]).map(text), ["a\r"]);
});

test("wrong options are refused", () => {
	assert.throws(() => delimited(""), { code: "ERR_INVALID_ARG_VALUE" });
	assert.throws(() => delimited(1 as unknown as string), { code: "ERR_INVALID_ARG_TYPE" });
	for (const maxBytes of [0, 1.5, 2 ** 31, Number.NaN]) {
		assert.throws(() => lines({ maxBytes }), { code: "ERR_OUT_OF_RANGE" });
	}
	assert.throws(() => lengthPrefixed({ prefixBytes: 7 }), { code: "ERR_OUT_OF_RANGE" });
	assert.throws(() => lines({ ending: "\r" as "\n" }), { code: "ERR_INVALID_ARG_VALUE" });
	assert.throws(() => netstrings(null as unknown as object), { code: "ERR_INVALID_ARG_TYPE" });
});

test("messages stay as they are while later ones arrive", () => {
	const codec = lengthPrefixed();
	const decoder = codec.decoder();
	const kept: [Uint8Array, string][] = [];
	for (let i = 0; i < 1_000; i++) {
		const message = codec.encode(`${i}`.repeat(1 + (i % 50)));
		for (const part of cut(message, [0.1, 0.3, 0.9])) decoder.push(part);
		const arrived = decoder.next() as Uint8Array;
		kept.push([arrived, text(arrived)]);
	}
	for (const [message, was] of kept) assert.equal(text(message), was);
});

function isEncodable(codec: Codec<Uint8Array>, message: Uint8Array): boolean {
	try {
		codec.encode(message);
		return true;
	} catch {
		return false;
	}
}

function hex(message: Uint8Array): string {
	return Buffer.from(message).toString("hex");
}

function text(message: Uint8Array): string {
	return Buffer.from(message).toString("latin1");
}

test("a long message that comes byte by byte is not searched again and again", () => {
	const decoder = delimited("\r\n", { maxBytes: 4_194_304 }).decoder();
	const byte = Buffer.from("x");
	const used = process.cpuUsage();
	for (let i = 0; i < 2_000_000; i++) {
		decoder.push(byte);
		decoder.next();
	}
	const { user } = process.cpuUsage(used);
	assert.ok(user < 20_000_000, `${user} us of CPU time`);
	decoder.push(Buffer.from("\r\n"));
	assert.equal(decoder.next()?.length, 2_000_000);
});
