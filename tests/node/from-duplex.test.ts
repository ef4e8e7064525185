/** What `fromDuplex` does besides the promises of `ByteStream`, which tests/tls/conformance.test.ts tries. */
import assert from "node:assert/strict";
import { Duplex, PassThrough } from "node:stream";
import { test } from "node:test";
import { fromDuplex } from "socketry/node";

/** Two ends without a socket. */
function ends(): [Duplex, Duplex] {
	const [there, back] = [new PassThrough(), new PassThrough()];
	return [
		Duplex.from({ readable: back, writable: there }),
		Duplex.from({ readable: there, writable: back }),
	];
}

test("any Duplex becomes a stream", async () => {
	const [left, right] = ends().map((each) => fromDuplex(each));
	assert.ok(left !== undefined && right !== undefined);
	await left.write("one\ntwo\n");
	assert.equal(String(await right.readUntil("\n")), "one\n");
	await left.closeWrite();
	assert.equal(String(await right.readExactly(4)), "two\n");
	assert.equal(await right.read(), null);
	await right.write("answer");
	await right.closeWrite();
	assert.equal(String(await left.readExactly(6)), "answer");
	assert.equal(await left.read(), null);
	await Promise.all([left.close(), right.close()]);
});

test("what came before a failure is read first, then the failure, each time", async () => {
	const duplex = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
	const stream = fromDuplex(duplex);
	duplex.push("some");
	assert.equal(String(await stream.readExactly(4)), "some");
	const failure = new Error("it broke");
	duplex.destroy(failure);
	for (let i = 0; i < 2; i++) await assert.rejects(stream.read(), failure);
	await assert.rejects(
		stream.write("x").then(() => stream.flush()),
		failure,
	);
	await stream.close();
});

test("a duplex that is destroyed without an error was cut off", async () => {
	const duplex = new Duplex({ read: () => undefined, write: () => undefined });
	const stream = fromDuplex(duplex);
	const [reading, writing] = [stream.read(), stream.write(new Uint8Array(100_000))];
	duplex.destroy();
	await assert.rejects(reading, { code: "ECONNRESET" });
	await assert.rejects(writing);
	await stream.close();
});

test("a duplex that fills up asks to wait, and one that is not read is held back", async () => {
	let pulled = 0;
	const duplex = new Duplex({
		read() {
			pulled += 16_384;
			this.push(Buffer.alloc(16_384));
		},
		write: () => undefined,
	});
	const stream = fromDuplex(duplex);
	await assert.rejects(stream.write(new Uint8Array(1_000_000), { timeoutMs: 20 }), {
		code: "ERR_TIMEOUT",
		bytesMoved: 1_000_000,
	});
	assert.ok(pulled < 1_000_000, `${pulled} bytes were read ahead`);
	stream.abort();
});

test("what is no Duplex of bytes is refused", () => {
	const encoded = new PassThrough();
	encoded.setEncoding("utf8");
	const destroyed = new PassThrough();
	destroyed.destroy();
	for (const [wrong, code] of [
		[{}, "ERR_INVALID_ARG_TYPE"],
		[new PassThrough({ objectMode: true }), "ERR_INVALID_ARG_VALUE"],
		[encoded, "ERR_INVALID_ARG_VALUE"],
		[destroyed, "ERR_CLOSED"],
	] as const) {
		assert.throws(() => fromDuplex(wrong as Duplex), { code });
	}
});
