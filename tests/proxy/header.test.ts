import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Address, type Stream, socketpair } from "socketry";
import { encodeProxyHeader, type ProxyHeader, readProxyHeader } from "socketry/proxy";
import { checksum } from "#src/proxy/crc32c.ts";

/** What a server reads of these bytes, and what is left for it. */
async function read(bytes: Uint8Array): Promise<{ header: ProxyHeader; rest: string }> {
	const [left, right] = socketpair();
	try {
		await left.write(bytes);
		await left.closeWrite();
		const header = await readProxyHeader(right);
		let rest = "";
		for await (const chunk of right) rest += Buffer.from(chunk).toString("latin1");
		return { header, rest };
	} finally {
		left.abort();
		right.abort();
	}
}

const tcp = (host: string, port: number): Address => ({ transport: "tcp", host, port });
const V4 = { source: tcp("192.0.2.1", 56_324), destination: tcp("192.0.2.2", 443) };
const V6 = { source: tcp("2001:db8::1", 1), destination: tcp("2001:db8::2", 65_535) };

for (const version of [1, 2] as const) {
	for (const ends of [V4, V6]) {
		test(`version ${version} carries ${ends.source.transport} addresses such as ${JSON.stringify(ends.source)}`, async () => {
			const bytes = encodeProxyHeader({ version, ...ends });
			const { header, rest } = await read(Buffer.concat([bytes, Buffer.from("GET /")]));
			assert.deepEqual(header, { version, ...ends, extensions: [] });
			assert.equal(rest, "GET /");
		});
	}

	test(`version ${version} of a proxy that speaks for itself names nobody`, async () => {
		const { header, rest } = await read(
			Buffer.concat([encodeProxyHeader({ version }), Buffer.from("x")]),
		);
		assert.deepEqual(header, {
			version,
			source: undefined,
			destination: undefined,
			extensions: [],
		});
		assert.equal(rest, "x");
	});
}

test("a line is written as the specification shows it", () => {
	const line = Buffer.from(encodeProxyHeader({ version: 1, ...V4 })).toString();
	assert.equal(line, "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n");
});

test("version 2 carries UDP and Unix addresses, and extensions", async () => {
	const udp = { transport: "udp", host: "192.0.2.1", port: 53 } as const;
	const ends: [Address, Address][] = [
		[udp, { ...udp, port: 54 }],
		[
			{ transport: "unix", path: "/run/a" },
			{ transport: "unix", abstract: "b" },
		],
		[{ transport: "unix" }, { transport: "unix", path: `/${"p".repeat(107)}` }],
		[{ transport: "unix-dgram", path: "/run/a" }, { transport: "unix-dgram" }],
	];
	const extensions = [
		{ type: 2, value: Buffer.from("example.org") },
		{ type: 0xe0, value: Buffer.alloc(300, 7) },
		{ type: 4, value: Buffer.alloc(0) },
	];
	for (const [source, destination] of ends) {
		const { header } = await read(encodeProxyHeader({ source, destination, extensions }));
		assert.deepEqual(
			{ source: header.source, destination: header.destination },
			{ source, destination },
		);
		assert.deepEqual(
			header.extensions.map(({ type, value }) => [type, Buffer.from(value).toString("hex")]),
			extensions.map(({ type, value }) => [type, value.toString("hex")]),
		);
	}
});

test("a checksum is checked: RFC 3720 appendix B.4", async () => {
	assert.equal(checksum(Buffer.alloc(32)), 0x8a91_36aa);
	const zeros = { type: 3, value: Buffer.alloc(4) };
	const bytes = Buffer.from(encodeProxyHeader({ ...V4, extensions: [zeros] }));
	await assert.rejects(read(bytes), { code: "ERR_FRAMING", message: /checksum is wrong/ });
	bytes.writeUInt32BE(checksum(bytes), bytes.length - 4);
	assert.equal((await read(bytes)).header.source?.transport, "tcp");
	bytes[20] = (bytes[20] as number) ^ 1;
	await assert.rejects(read(bytes), { code: "ERR_FRAMING" });
});

test("what is no header is an error", async () => {
	const binary = Buffer.from(encodeProxyHeader(V4));
	const changed = (at: number, byte: number): Buffer => {
		const copy = Buffer.from(binary);
		copy[at] = byte;
		return copy;
	};
	const wrong: (string | Buffer)[] = [
		"GET / HTTP/1.1\r\n\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 02\r\n",
		"PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
		"PROXY TCP4 ::1 ::2 1 2\r\n",
		"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
		"PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
		`PROXY UNKNOWN ${"x".repeat(107)}\r\n`,
		changed(12, 0x31),
		changed(12, 0x22),
		changed(13, 0x41),
		changed(13, 0x13),
		changed(13, 0x21),
		Buffer.concat([changed(15, 14), Buffer.from("ab")]),
		Buffer.concat([changed(15, 16), Buffer.from([1, 0, 2, 0])]),
	];
	for (const bytes of wrong) {
		await assert.rejects(read(Buffer.from(bytes)), { code: "ERR_FRAMING" }, String(bytes));
	}
});

test("a header that ends too early is an error", async () => {
	for (const version of [1, 2] as const) {
		const bytes = encodeProxyHeader({ version, ...V4 });
		for (let end = 0; end < bytes.length; end++) {
			await assert.rejects(read(bytes.subarray(0, end)), { code: "ERR_END_OF_STREAM" }, `${end}`);
		}
	}
});

test("a line of unknown addresses says nothing, whatever follows", async () => {
	const { header, rest } = await read(Buffer.from("PROXY UNKNOWN ffff::1 who knows\r\nx"));
	assert.equal(header.source, undefined);
	assert.equal(rest, "x");
});

test("any bytes give a header or a typed error", async () => {
	const start = fc.constantFrom("PROXY TCP4 ", "PROXY ", "\r\n\r\n\0\r\nQUIT\n\x21\x11\0", "");
	const property = fc.asyncProperty(start, fc.uint8Array({ maxLength: 80 }), async (head, tail) => {
		try {
			await read(Buffer.concat([Buffer.from(head, "latin1"), tail]));
		} catch (error) {
			assert.match((error as { code: string }).code, /^ERR_(FRAMING|END_OF_STREAM)$/);
		}
	});
	await fc.assert(property, { numRuns: 300 });
});

test("what cannot be told is refused", () => {
	const { source } = V4;
	assert.throws(() => encodeProxyHeader({ source, destination: V6.destination }), {
		code: "ERR_INVALID_ARG_VALUE",
	});
	const extensions = [{ type: 1, value: Buffer.from("h2") }];
	assert.throws(() => encodeProxyHeader({ version: 1, ...V4, extensions }), {
		code: "ERR_INVALID_ARG_VALUE",
	});
	const long = [0, 1].map(() => ({ type: 1, value: Buffer.alloc(40_000) }));
	assert.throws(() => encodeProxyHeader({ ...V4, extensions: long }), { code: "ERR_LIMIT" });
	assert.throws(() => encodeProxyHeader({ source: tcp("name", 1), destination: tcp("name", 2) }), {
		code: "ERR_INVALID_ARG_VALUE",
	});
});

test("a time limit is for the whole header", async (t) => {
	const [left, right] = socketpair() as [Stream, Stream];
	t.after(() => [left, right].map((end) => end.abort()));
	const drip = setInterval(() => void left.write("P").catch(() => {}), 5);
	t.after(() => clearInterval(drip));
	await assert.rejects(readProxyHeader(right, { timeoutMs: 30 }), { code: "ERR_TIMEOUT" });
});
