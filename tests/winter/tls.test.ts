/** The text of the Sockets API point by point: TLS from the start, and TLS from the middle on. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startTls, tlsListen } from "socketry/tls";
import { connect, type SocketError } from "socketry/winter";
import { localhost } from "../tls/pairs.ts";
import { portOf, startsLikeOne } from "./expectations.ts";
import { isPending, textOf, trusting, withPair } from "./pairs.ts";

describe('secureTransport "on"', () => {
	test("opens once the handshake is done, and tells the protocol that was agreed on", async () => {
		const listener = await tlsListen("tcp://127.0.0.1:0", {
			tls: { ...localhost, ALPNProtocols: ["b"] },
		});
		const address = `127.0.0.1:${portOf(listener)}`;
		const socket = trusting.connect(address, {
			secureTransport: "on",
			sni: "localhost",
			alpn: ["a", "b"],
		});
		const peer = await listener.accept();
		assert.equal(peer.servername, "localhost");
		assert.deepEqual((await socket.opened).alpn, "b");
		assert.equal(socket.secureTransport, "on");
		await socket.writable.getWriter().write("secret");
		assert.equal(String(await peer.readExactly(6)), "secret");
		await peer.write("answer");
		await peer.close();
		assert.equal(await textOf(socket.readable), "answer");
		await socket.closed;
		listener.close();
	});

	test("trusts the usual authorities only, and fails with a SocketError otherwise", async () => {
		const listener = await tlsListen("tcp://127.0.0.1:0", { tls: localhost });
		const accepting = listener.accept().catch(() => undefined);
		const socket = connect(`localhost:${portOf(listener)}`, { secureTransport: "on" });
		const error: unknown = await socket.opened.catch((failure: unknown) => failure);
		startsLikeOne(error);
		assert.equal(((error as SocketError).cause as { reason?: string }).reason, "certificate");
		await assert.rejects(socket.closed, startsLikeOne);
		listener.close();
		(await accepting)?.abort();
	});
});

describe("startTls()", () => {
	test("goes on with TLS on the same connection, as a new socket", async () => {
		await withPair({ secureTransport: "starttls", sni: "localhost" }, async (plain, below) => {
			assert.equal(plain.secureTransport, "starttls");
			const writer = plain.writable.getWriter();
			await writer.write("STARTTLS\r\n");
			assert.equal(String(await below.readUntil("\r\n")), "STARTTLS\r\n");
			const reader = plain.readable.getReader();
			const pending = reader.read();
			const secured = startTls(below, { isServer: true, tls: localhost });
			const secure = plain.startTls();
			assert.notEqual(secure, plain);
			assert.equal(plain.upgraded, true);
			assert.equal(secure.upgraded, false);
			assert.equal(secure.secureTransport, "on");
			// "the original socket is closed, though the original connection is kept alive"
			assert.equal(await plain.closed, undefined);
			// "The original readers and writers based off the original socket will no longer work."
			assert.equal((await pending).done, true);
			await assert.rejects(writer.write("x"), startsLikeOne);
			const peer = await secured;
			assert.equal((await secure.opened).remoteAddress, (await plain.opened).remoteAddress);
			await secure.writable.getWriter().write("secret");
			assert.equal(String(await peer.readExactly(6)), "secret");
			await peer.write("answer");
			await peer.close();
			assert.equal(await textOf(secure.readable), "answer");
			await secure.closed;
			// "called on an existing TLS socket"
			assert.throws(() => secure.startTls(), startsLikeOne);
			assert.throws(() => plain.startTls(), startsLikeOne);
		});
	});

	test("may be called before the connection is there", async () => {
		await withPair({ secureTransport: "starttls", sni: "localhost" }, async (plain, below) => {
			const secure = plain.startTls();
			const peer = await startTls(below, { isServer: true, tls: localhost });
			await secure.opened;
			await peer.close();
			assert.equal(await textOf(secure.readable), "");
			await secure.closed;
		});
	});

	test("sends in the clear what was being written before", async () => {
		await withPair({ secureTransport: "starttls", sni: "localhost" }, async (plain, below) => {
			await plain.opened;
			const large = new Uint8Array(4_000_000);
			const writing = plain.writable.getWriter().write(large);
			await isPending(writing);
			const secure = plain.startTls();
			assert.equal((await below.readExactly(large.length)).length, large.length);
			const peer = await startTls(below, { isServer: true, tls: localhost });
			await secure.opened;
			await secure.close();
			await peer.close();
		});
	});

	test('fails with a SocketError unless secureTransport is "starttls"', async () => {
		await withPair({ secureTransport: "off" }, async (socket) => {
			assert.throws(() => socket.startTls(), startsLikeOne);
			assert.equal(socket.upgraded, false);
		});
	});

	test("fails on a closed socket", async () => {
		await withPair({ secureTransport: "starttls" }, async (socket) => {
			await socket.close();
			assert.throws(() => socket.startTls(), startsLikeOne);
		});
	});

	test("rejects opened and closed when the handshake fails", async () => {
		await withPair({ secureTransport: "starttls" }, async (plain, below) => {
			const secure = plain.startTls();
			await below.write("this is no TLS, and it is long enough to be seen as such\r\n");
			await assert.rejects(secure.opened, startsLikeOne);
			await assert.rejects(secure.closed, startsLikeOne);
		});
	});
});
