import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress, type Stream, socketpair } from "socketry";
import { readProxyHeader } from "socketry/proxy";
import { relay } from "socketry/relay";
import { memoryStreams } from "socketry/testing";
import { startTls } from "socketry/tls";
import { connectedStreams } from "../support/pairs.ts";
import { authority, localhost } from "./pairs.ts";

const CLIENT = { servername: "localhost", tls: { ca: authority.cert } } as const;
const SERVER = { isServer: true, tls: localhost } as const;

/** As SMTP does: a word of agreement in the clear, then TLS. */
async function agree([client, server]: readonly [Stream, Stream]): Promise<void> {
	await client.write("STARTTLS\r\n");
	assert.equal(String(await server.readUntil("\r\n")), "STARTTLS\r\n");
}

for (const [name, makePair] of [
	["TCP", () => connectedStreams("tcp://127.0.0.1:0")],
	["a Unix socket", async () => socketpair()],
] as const) {
	test(`TLS begins on an open connection over ${name}, behind what is queued`, async () => {
		const [client, server] = await makePair();
		await agree([client, server]);
		// Not flushed: it has to leave in the clear, and first.
		void server.write("220 ready\r\n");
		const securing = startTls(server, SERVER);
		assert.equal(String(await client.readUntil("\r\n")), "220 ready\r\n");
		const [left, right] = await Promise.all([startTls(client, CLIENT), securing]);
		await left.write("secret");
		assert.equal(String(await right.readExactly(6)), "secret");
		assert.equal(left.servername, "localhost");
		assert.deepEqual(left.peer, client.peer);
		// What held the connection before can no longer write into it.
		assert.equal(client.closed, true);
		await assert.rejects(client.write("in the clear"), { code: "ERR_CLOSED" });
		await assert.rejects(client.read(), { code: "ERR_CLOSED" });
		await Promise.all([left.close(), right.close()]);
	});
}

test("bytes that came behind the agreement are refused, on either side, before anything is sent", async () => {
	const [client, server] = await connectedStreams("tcp://127.0.0.1:0");
	await client.write("STARTTLS\r\nRCPT TO: <eve>\r\n");
	await server.readUntil("\r\n");
	await assert.rejects(startTls(server, SERVER), { code: "ERR_TLS", reason: "plaintext" });
	await server.write("220 ready\r\n250 forged\r\n");
	await client.readUntil("\r\n");
	await assert.rejects(startTls(client, CLIENT), { code: "ERR_TLS", reason: "plaintext" });
	// Nothing was sent, and both are as they were.
	assert.equal(String(await client.readExactly(12)), "250 forged\r\n");
	assert.equal(String(await server.readExactly(16)), "RCPT TO: <eve>\r\n");
	assert.equal(server.bytesWritten, 23);
	await assert.rejects(server.read({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
	await assert.rejects(client.read({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
	await Promise.all([client.close(), server.close()]);
});

test("a handshake whose first bytes came along with a PROXY header goes on where it was allowed", async () => {
	for (const allowEarlyBytes of [true, false]) {
		const [client, proxyNear] = socketpair();
		const [proxyFar, server] = socketpair();
		const securing = startTls(client, CLIENT);
		const hello = (await proxyNear.read()) ?? new Uint8Array();
		await proxyFar.write(
			Buffer.concat([Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), hello]),
		);
		await proxyFar.flush();
		relay(proxyNear, proxyFar);
		const { source } = await readProxyHeader(server);
		assert.equal(source && formatAddress(source), "tcp://192.0.2.1:1");
		const accepting = startTls(server, { ...SERVER, allowEarlyBytes });
		if (allowEarlyBytes) {
			const [left, right] = await Promise.all([securing, accepting]);
			await left.write("secret");
			assert.equal(String(await right.readExactly(6)), "secret");
			await Promise.all([left.close(), right.close()]);
		} else {
			await assert.rejects(accepting, { code: "ERR_TLS", reason: "plaintext" });
			server.abort();
			await assert.rejects(securing);
		}
	}
});

test("who has ended and left needs no end, also where the kernel tells that nobody is there", async () => {
	const [client, server] = socketpair();
	const [left, right] = await Promise.all([startTls(client, CLIENT), startTls(server, SERVER)]);
	await left.write("all there is");
	await left.close();
	assert.equal(String(await right.readExactly(12)), "all there is");
	assert.equal(await right.read(), null);
	await right.closeWrite();
	await right.close();
});

test("bytes in the clear that nobody had read are no bytes of TLS: the handshake fails", async () => {
	const [client, server] = await connectedStreams("tcp://127.0.0.1:0");
	await client.write("STARTTLS\r\n");
	await server.readUntil("\r\n");
	await client.write("RCPT TO: <eve>\r\n");
	await assert.rejects(startTls(server, SERVER), { code: "ERR_TLS", reason: "handshake" });
	await client.close();
});

test("a stream that reads, has ended writing, or is closed is refused", async () => {
	const [client, server] = socketpair();
	const reading = client.read();
	await assert.rejects(startTls(client, CLIENT), { code: "ERR_BUSY" });
	await server.write("x");
	await reading;
	await server.closeWrite();
	await assert.rejects(startTls(server, SERVER), { code: "ERR_CLOSED" });
	await client.close();
	await assert.rejects(startTls(client, CLIENT), { code: "ERR_CLOSED" });
	await server.close();
	await assert.rejects(startTls({} as never, CLIENT), { code: "ERR_INVALID_ARG_TYPE" });
});

test("the name of the server must be given", async () => {
	const [client, server] = memoryStreams();
	await assert.rejects(startTls(client, {}), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /"servername" must be given/,
	});
	client.abort();
	server.abort();
});

test("a handshake that takes too long, or is called off, closes the stream", async () => {
	for (const [makeOptions, code] of [
		[() => ({ timeoutMs: 20 }), "ERR_TIMEOUT"],
		[() => ({ signal: AbortSignal.timeout(20) }), "ABORT_ERR"],
	] as const) {
		for (const side of [CLIENT, SERVER]) {
			const [mine, theirs] = socketpair();
			await assert.rejects(startTls(mine, { ...side, ...makeOptions() }), { code });
			// A client has said hello by then.
			for await (const chunk of readable(theirs)) assert.ok(chunk.length > 0);
			await theirs.close();
		}
	}
});

test("with a signal that is aborted already nothing happens", async () => {
	const [client, server] = socketpair();
	const signal = AbortSignal.abort();
	await assert.rejects(startTls(client, { ...CLIENT, signal }), { code: "ABORT_ERR" });
	await client.write("still");
	assert.equal(String(await server.readExactly(5)), "still");
	client.abort();
	server.abort();
});

test("a key that is none is told, and leaves the stream alone", async () => {
	const [client, server] = socketpair();
	await assert.rejects(startTls(server, { isServer: true, tls: { key: "x", cert: "y" } }));
	await server.write("still");
	assert.equal(String(await client.readExactly(5)), "still");
	client.abort();
	server.abort();
});

async function* readable(stream: Stream): AsyncGenerator<Uint8Array> {
	try {
		for await (const chunk of stream) yield chunk;
	} catch (error) {
		assert.equal((error as { code?: string }).code, "ECONNRESET");
	}
}
