import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { connect, type Stream } from "socketry";
import { type TlsStream, tlsConnect, tlsListen } from "socketry/tls";
import { PATIENCE_MS, PATIENT } from "../support/patience.ts";
import { authority, localhost } from "./pairs.ts";

type TcpAddress = { transport: "tcp"; host: string; port: number };

const TRUSTING = { servername: "localhost", tls: { ca: authority.cert } } as const;

/** Clients that connect and say nothing. */
async function silentClients(address: TcpAddress, count: number): Promise<Stream[]> {
	return await Promise.all(Array.from({ length: count }, () => connect(address)));
}

test("500 clients who say nothing hold up nobody, and are dropped in time", async () => {
	let dropped = 0;
	const listener = await tlsListen("tcp://127.0.0.1:0", {
		tls: localhost,
		// Long enough for the one who speaks.
		handshakeTimeoutMs: 3_000,
		onHandshakeError: (error, peer) => {
			assert.equal((error as { code?: string }).code, "ERR_TIMEOUT");
			assert.equal((peer as TcpAddress).host, "127.0.0.1");
			dropped++;
		},
	});
	const address = listener.address as TcpAddress;
	const accepting = listener.accept();
	const silent = await silentClients(address, 500);
	const stream = await tlsConnect(address, { ...TRUSTING, timeoutMs: PATIENCE_MS });
	const accepted = await accepting;
	await stream.write("through");
	assert.equal(String(await accepted.readExactly(7)), "through");
	for (const each of silent) assert.equal(await endOf(each), "gone");
	assert.equal(listener.failedHandshakesCount, 500);
	assert.equal(dropped, 500);
	assert.equal(listener.handshakesCount, 0);
	await Promise.all([stream.close(), accepted.close()]);
	for (const each of silent) await each.close();
	listener.close();
});

test("beyond the limit of handshakes the oldest gives way to who comes", async () => {
	const reasons: unknown[] = [];
	const listener = await tlsListen("tcp://127.0.0.1:0", {
		tls: localhost,
		maxHandshakes: 4,
		onHandshakeError: (error) => reasons.push((error as { limit?: string }).limit),
	});
	const address = listener.address as TcpAddress;
	const accepting = listener.accept();
	const silent = await silentClients(address, 10);
	const stream = await tlsConnect(address, TRUSTING);
	const accepted = await accepting;
	assert.deepEqual(reasons, Array(7).fill("maxHandshakes"));
	assert.equal(listener.handshakesCount, 3);
	for (const each of [stream, accepted, ...silent]) each.abort();
	listener.close();
});

test("closing drops handshakes under way and what nobody has accepted, and ends the loop", async () => {
	const listener = await tlsListen("tcp://127.0.0.1:0", { tls: localhost });
	const address = listener.address as TcpAddress;
	const first = listener.accept();
	const [silent] = await silentClients(address, 1);
	const streams = await Promise.all([tlsConnect(address, TRUSTING), tlsConnect(address, TRUSTING)]);
	const accepted = await first;
	listener.close();
	listener.close();
	assert.equal(listener.closed, true);
	for await (const _ of listener) assert.fail("a connection came");
	await assert.rejects(listener.accept(), { code: "ERR_CLOSED" });
	assert.equal(await endOf(silent as Stream), "gone");
	// One of them was accepted, and goes on.
	const ends = streams.map((stream) => stream.read().catch(() => "gone"));
	await accepted.write("x");
	assert.deepEqual((await Promise.all(ends)).map(String).sort(), ["gone", "x"]);
	for (const each of [...streams, accepted, silent as Stream]) each.abort();
});

test("a client who hangs up, resets or speaks no TLS is told of at once, and the next one is served", async () => {
	const told: string[] = [];
	const listener = await tlsListen("tcp://127.0.0.1:0", {
		tls: localhost,
		onHandshakeError: (error) => {
			const { code, reason = "" } = error as { code?: string; reason?: string };
			told.push(`${code} ${reason}`);
		},
	});
	const address = listener.address as TcpAddress;
	const accepting = listener.accept();
	const [ended, broken, chatty] = (await silentClients(address, 3)) as [Stream, Stream, Stream];
	await ended.closeWrite();
	assert.equal(await endOf(ended), "gone");
	broken.abort();
	await chatty.write("GET / HTTP/1.1\r\n\r\n");
	// The alert, and then the end.
	for await (const chunk of chatty) assert.equal(chunk[0], 21);
	const stream = await tlsConnect(address, TRUSTING);
	await Promise.all([stream.close(), (await accepting).close(), ended.close(), chatty.close()]);
	assert.deepEqual(told.sort(), ["ECONNRESET ", "ERR_TLS ended", "ERR_TLS handshake"]);
	listener.close();
});

test("a signal closes it, and is left without a listener", async () => {
	const controller = new AbortController();
	const { signal } = controller;
	const listener = await tlsListen("tcp://127.0.0.1:0", { tls: localhost, signal });
	const address = listener.address as TcpAddress;
	const [stream, accepted] = await Promise.all([tlsConnect(address, TRUSTING), listener.accept()]);
	const [silent] = await silentClients(address, 1);
	const pending = assert.rejects(listener.accept(), { code: "ERR_CLOSED" });
	controller.abort();
	await pending;
	assert.equal(listener.closed, true);
	assert.equal(getEventListeners(signal, "abort").length, 0);
	assert.equal(await endOf(silent as Stream), "gone");
	for (const each of [stream, accepted, silent as Stream]) each.abort();
});

test("closing rejects a pending accept, and a second accept is refused", async () => {
	const listener = await tlsListen("tcp://127.0.0.1:0", { tls: localhost });
	const pending = assert.rejects(listener.accept(), { code: "ERR_CLOSED" });
	await assert.rejects(listener.accept(), { code: "ERR_BUSY" });
	listener.close();
	await pending;
});

test("an accept that ran out of time loses no connection", async () => {
	const listener = await tlsListen("tcp://127.0.0.1:0", { tls: localhost });
	await assert.rejects(listener.accept({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
	await assert.rejects(listener.accept({ timeoutMs: 5 }), { code: "ERR_TIMEOUT" });
	const controller = new AbortController();
	const aborted = assert.rejects(listener.accept({ signal: controller.signal }), {
		code: "ABORT_ERR",
	});
	controller.abort();
	await aborted;
	const stream = await tlsConnect(listener.address as TcpAddress, TRUSTING);
	const accepted = await listener.accept();
	assert.equal(listener.acceptedCount, 1);
	await Promise.all([stream.close(), accepted.close()]);
	listener.close();
});

test("a program that does not accept leaves connections to the kernel's queue, and loses none", async () => {
	const listener = await tlsListen("tcp://127.0.0.1:0", { tls: localhost });
	const address = listener.address as TcpAddress;
	await assert.rejects(listener.accept({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
	const connecting = Array.from({ length: 100 }, () =>
		tlsConnect(address, { ...TRUSTING, ...PATIENT }),
	);
	await Promise.race(connecting);
	const accepted: TlsStream[] = [];
	while (accepted.length < 100) accepted.push(await listener.accept(PATIENT));
	const streams = [...accepted, ...(await Promise.all(connecting))];
	await Promise.all(streams.map((stream) => stream.close()));
	listener.close();
});

async function endOf(stream: Stream): Promise<"gone" | "open"> {
	try {
		return (await stream.read(PATIENT)) === null ? "gone" : "open";
	} catch (error) {
		return (error as { code?: string }).code === "ECONNRESET" ? "gone" : "open";
	}
}
