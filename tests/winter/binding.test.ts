/** Binding objects of the Sockets API: https://sockets-api.proposal.wintertc.org/#binding-object-concept */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { listen } from "socketry";
import { startTls } from "socketry/tls";
import { binding, type SocketError } from "socketry/winter";
import { authority, localhost } from "../tls/pairs.ts";
import { portOf, startsLikeOne } from "./expectations.ts";

describe("a binding object", () => {
	test("may block what its maker does not want to be connected to", async () => {
		const blocked = new Error("no mail from here");
		const careful = binding({
			connect: {
				prepare: () => {
					throw blocked;
				},
			},
		});
		const socket = careful.connect("127.0.0.1:25");
		const error: unknown = await socket.opened.catch((failure: unknown) => failure);
		startsLikeOne(error);
		assert.equal((error as SocketError).cause, blocked);
		await assert.rejects(socket.closed, startsLikeOne);
	});

	test("may have a time limit, of connecting and the handshake together", async () => {
		const listener = await listen("tcp://127.0.0.1:0");
		const hasty = binding({ connect: { timeoutMs: 50 } });
		const socket = hasty.connect(`localhost:${portOf(listener)}`, { secureTransport: "on" });
		const error: unknown = await socket.opened.catch((failure: unknown) => failure);
		startsLikeOne(error);
		assert.equal(((error as SocketError).cause as { code?: string }).code, "ERR_TIMEOUT");
		listener.close();
	});

	for (const secureTransport of ["off", "on", "starttls"] as const) {
		test(`may go by way of a proxy, with secureTransport "${secureTransport}"`, async () => {
			await using listener = await listen("tcp://127.0.0.1:0");
			const proxy = `http://127.0.0.1:${portOf(listener)}`;
			const far = binding({ proxy, tls: { ca: authority.cert } });
			const options = { sni: "localhost", alpn: ["a"] };
			const socket = far.connect(
				"far.test:443",
				secureTransport === "off" ? {} : { ...options, secureTransport },
			);
			const below = await listener.accept();
			assert.match(String(await below.readUntil("\r\n\r\n")), /^CONNECT far\.test:443 /);
			await below.write("HTTP/1.1 200 OK\r\n\r\n");
			const tls = { ...localhost, ALPNProtocols: ["a"] };
			const upper = secureTransport === "starttls" ? socket.startTls() : socket;
			const peer =
				secureTransport === "off" ? below : await startTls(below, { isServer: true, tls });
			const { remoteAddress, alpn } = await upper.opened;
			assert.equal(remoteAddress, "far.test:443");
			assert.equal(alpn, secureTransport === "off" ? null : "a");
			await upper.writable.getWriter().write("hello");
			assert.equal(String(await peer.readExactly(5)), "hello");
			const closing = upper.close();
			await peer.close();
			assert.equal(await closing, undefined);
		});
	}

	test("says what a proxy refuses, and what is no proxy", async () => {
		await using listener = await listen("tcp://127.0.0.1:0");
		const socket = binding({ proxy: `http://127.0.0.1:${portOf(listener)}` }).connect("a.test:1");
		const below = await listener.accept();
		await below.readUntil("\r\n\r\n");
		await below.write("HTTP/1.1 403 Forbidden\r\n\r\n");
		const error: unknown = await socket.opened.catch((failure: unknown) => failure);
		startsLikeOne(error);
		assert.equal(((error as SocketError).cause as { code?: string }).code, "ERR_PROXY");
		below.abort();
		assert.throws(() => binding({ proxy: "ftp://127.0.0.1" }), { code: "ERR_INVALID_ADDRESS" });
	});
});
