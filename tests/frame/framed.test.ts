import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { connect, listen, type Stream, socketpair } from "socketry";
import { decode, framed, lengthPrefixed, lines } from "socketry/frame";

function pair(t: TestContext): [Stream, Stream] {
	const ends = socketpair();
	t.after(() => {
		for (const end of ends) end.abort();
	});
	return ends;
}

test("messages over TCP keep their boundaries, whatever the reads are", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	const answering = (async () => {
		await using channel = framed(await listener.accept(), lengthPrefixed());
		for await (const message of channel) await channel.send(Buffer.from(message).reverse());
	})();
	const channel = framed((await connect(listener.address)) as Stream, lengthPrefixed());
	const sent = Array.from({ length: 500 }, (_, i) => Buffer.alloc(i * 7, `${i}`));
	const receiving = (async () => {
		for (const message of sent) {
			assert.deepEqual(Buffer.from((await channel.receive()) as Uint8Array), message.reverse());
		}
	})();
	for (const message of sent) await channel.send(Buffer.from(message));
	await channel.closeWrite();
	await receiving;
	assert.equal(await channel.receive(), null);
	assert.equal(await channel.receive(), null);
	await channel.close();
	await answering;
});

test("an iteration ends with the stream and gives its last line", async (t) => {
	const [left, right] = pair(t);
	await left.write("a\nb\nc");
	await left.closeWrite();
	const texts: string[] = [];
	for await (const line of framed(right, lines())) texts.push(line);
	assert.deepEqual(texts, ["a", "b", "c"]);
});

test("a time limit is for the whole message, not for each of its pieces", async (t) => {
	const [left, right] = pair(t);
	const channel = framed(right, lines());
	const drip = setInterval(() => void left.write("x"), 5);
	t.after(() => clearInterval(drip));
	await assert.rejects(channel.receive({ timeoutMs: 40 }), { code: "ERR_TIMEOUT" });
	clearInterval(drip);
	await left.write("\n");
	assert.match((await channel.receive()) as string, /^x+$/);
});

test("an aborted wait loses nothing", async (t) => {
	const [left, right] = pair(t);
	const channel = framed(right, lines());
	await left.write("half");
	await assert.rejects(channel.receive({ signal: AbortSignal.timeout(10) }), { code: "ABORT_ERR" });
	await left.write(" and half\n");
	assert.equal(await channel.receive(), "half and half");
});

test("a second receive meanwhile is refused", async (t) => {
	const [left, right] = pair(t);
	const channel = framed(right, lines());
	const first = channel.receive();
	await assert.rejects(channel.receive(), { code: "ERR_BUSY" });
	await left.write("x\n");
	assert.equal(await first, "x");
});

test("bytes that are no messages reject, again and again", async (t) => {
	const [left, right] = pair(t);
	const channel = framed(right, lengthPrefixed({ maxBytes: 4 }));
	await left.write(Uint8Array.of(0, 0, 0, 5, 1));
	for (let i = 0; i < 3; i++) await assert.rejects(channel.receive(), { code: "ERR_LIMIT" });
});

test("an end inside a message rejects", async (t) => {
	const [left, right] = pair(t);
	const channel = framed(right, lengthPrefixed());
	await left.write(Uint8Array.of(0, 0));
	await left.closeWrite();
	await assert.rejects(channel.receive(), { code: "ERR_END_OF_STREAM", bytesRead: 2 });
});

test("a message that the codec refuses is not sent", async (t) => {
	const [left, right] = pair(t);
	const channel = framed(left, lines());
	await assert.rejects(channel.send("a\nb"), { code: "ERR_INVALID_ARG_VALUE" });
	await channel.send("c");
	assert.equal(await framed(right, lines()).receive(), "c");
});

test("any source of bytes can be decoded", async () => {
	async function* source(): AsyncGenerator<Uint8Array> {
		yield Buffer.from("a\nb");
		yield Buffer.from("\nc");
	}
	const texts: string[] = [];
	for await (const line of decode(source(), lines())) texts.push(line);
	for await (const line of decode([Buffer.from("d\n")], lines())) texts.push(line);
	assert.deepEqual(texts, ["a", "b", "c", "d"]);
});

test("what is no stream, or no codec, is refused", async (t) => {
	const [left] = pair(t);
	const refused = { code: "ERR_INVALID_ARG_TYPE" };
	assert.throws(() => framed(undefined as never, lines()), refused);
	for (const codec of [undefined, null, lines]) {
		assert.throws(() => framed(left, codec as never), refused);
		await assert.rejects(decode([], codec as never).next(), refused);
	}
});
