/** The text of the Sockets API point by point: https://sockets-api.proposal.wintertc.org */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { listen, type Stream } from "socketry";
import { startTls } from "socketry/tls";
import { binding, connect, Socket, SocketError, type SocketOptions } from "socketry/winter";
import { refusingTcpPort } from "../support/own-addresses.ts";
import { localhost } from "../tls/pairs.ts";
import { portOf, startsLikeOne } from "./expectations.ts";
import { isPending, textOf, withPair } from "./pairs.ts";

describe("connect()", () => {
	test("returns at once, in a pending state, with every attribute there", async () => {
		await withPair({}, async (socket, peer) => {
			assert.ok(socket instanceof Socket);
			assert.ok(socket.readable instanceof ReadableStream);
			assert.ok(socket.writable instanceof WritableStream);
			assert.ok(socket.opened instanceof Promise);
			assert.ok(socket.closed instanceof Promise);
			assert.equal(socket.upgraded, false);
			assert.equal(socket.secureTransport, "off");
			assert.equal(socket.opened, socket.opened);
			assert.equal(socket.readable, socket.readable);
			assert.equal((await socket.opened).localAddress, `127.0.0.1:${clientPort(peer)}`);
		});
	});

	test("takes an object, text, and text with an IPv6 address", async () => {
		for (const host of ["127.0.0.1", "[::1]"]) {
			const listener = await listen(`tcp://${host}:0`);
			const port = portOf(listener);
			const hostname = host.replace(/[[\]]/g, "");
			for (const address of [`${host}:${port}`, { hostname, port }, { hostname: host, port }]) {
				const socket = connect(address);
				const peer = await listener.accept();
				assert.equal((await socket.opened).remoteAddress, `${host}:${port}`);
				await socket.close();
				peer.abort();
			}
			listener.close();
		}
	});

	test("throws a SocketError for a malformed address", () => {
		for (const address of [
			"",
			"localhost",
			"localhost:",
			"localhost:x",
			"localhost:0",
			"localhost:65536",
			":80",
			"::1:80",
			"a b:80",
			{ hostname: "", port: 80 },
			{ hostname: "localhost", port: -1 },
			{ hostname: "localhost", port: Number.NaN },
			{ hostname: "localhost" },
			{ port: 80 },
			undefined,
			null,
			5,
		]) {
			assert.throws(() => connect(address as string), startsLikeOne, inspect(address));
		}
	});

	test("throws for options that have no meaning", () => {
		const at = "localhost:1";
		assert.throws(() => connect(at, { secureTransport: "yes" as never }), startsLikeOne);
		// "May be specified if and only if secureTransport is on or starttls."
		assert.throws(() => connect(at, { sni: "x" }), startsLikeOne);
		assert.throws(() => connect(at, { alpn: ["h2"] }), startsLikeOne);
		assert.throws(() => connect(at, { secureTransport: "off", alpn: ["h2"] }), startsLikeOne);
	});

	test("takes the defaults of the options as if they were not there", async () => {
		const options = { sni: null, alpn: [], secureTransport: "off", allowHalfOpen: false } as const;
		await withPair(options, async (socket) => {
			assert.equal((await socket.opened).alpn, null);
		});
	});

	test("reads its arguments as Web IDL does", async () => {
		await withPair(null as unknown as SocketOptions, async (socket) => {
			assert.equal((await socket.opened).alpn, null);
		});
		for (const options of [5, "off", true]) {
			assert.throws(() => connect("localhost:1", options as SocketOptions), startsLikeOne);
		}
		const listener = await listen("tcp://127.0.0.1:0");
		const port = `${portOf(listener)}` as unknown as number;
		const socket = connect({ hostname: "127.0.0.1", port });
		assert.equal((await socket.opened).remoteAddress, `127.0.0.1:${port}`);
		await socket.close();
		listener.close();
	});

	test("gives an object of the Web: with a name, and with attributes that can be listed", async () => {
		await withPair({}, async (socket) => {
			assert.equal(Object.prototype.toString.call(socket), "[object Socket]");
			const names = Object.keys(Object.getOwnPropertyDescriptors(Socket.prototype)).filter((name) =>
				Object.prototype.propertyIsEnumerable.call(Socket.prototype, name),
			);
			const listed = ["close", "closed", "opened", "readable", "startTls", "upgraded", "writable"];
			assert.deepEqual(names.sort(), listed);
			const { readable } = Object.getOwnPropertyDescriptors(Socket.prototype);
			assert.throws(() => readable.get?.call({} as Socket), TypeError);
		});
	});

	test("tells whom it has reached, which may be called otherwise than what was asked for", async () => {
		const listener = await listen("tcp://127.0.0.1:0");
		const port = portOf(listener);
		const socket = binding({ connect: { resolver: async () => ["127.0.0.1"] } }).connect(
			`somewhere.test:${port}`,
		);
		assert.equal((await socket.opened).remoteAddress, `127.0.0.1:${port}`);
		await socket.close();
		listener.close();
	});

	test("is the only way to a Socket", () => {
		assert.throws(() => Reflect.construct(Socket, []), TypeError);
	});

	test("lets the streams be used before the connection is there", async () => {
		await withPair({}, async (socket, peer) => {
			const reading = socket.readable.getReader().read();
			await socket.writable.getWriter().write(Buffer.from("early"));
			assert.equal(String(await peer.readExactly(5)), "early");
			await peer.write("answer");
			assert.equal(Buffer.from((await reading).value ?? []).toString(), "answer");
		});
	});
});

describe("SocketError", () => {
	test("is a TypeError whose message begins with its name", () => {
		startsLikeOne(new SocketError("connection failed"));
		assert.equal(new SocketError("connection failed").message, "SocketError: connection failed");
	});

	test("prints as the text shows", () => {
		const printed = inspect(new SocketError("connection failed"));
		assert.match(printed, /^SocketError \[TypeError\]: SocketError: connection failed\n/);
	});
});

describe("opened", () => {
	test("resolves to what is known of the connection", async () => {
		await withPair({}, async (socket, peer, port) => {
			const info = await socket.opened;
			assert.deepEqual(info, {
				remoteAddress: `127.0.0.1:${port}`,
				localAddress: `127.0.0.1:${clientPort(peer)}`,
				alpn: null,
			});
		});
	});

	test("and closed reject with a SocketError when the connection fails; the streams are cancelled and aborted with it", async () => {
		using refusing = refusingTcpPort();
		const { port } = refusing;
		const socket = connect({ hostname: "127.0.0.1", port });
		const writing = socket.writable.getWriter();
		const reading = socket.readable.getReader().read();
		// Marked as handled: nobody looks at closed until later, and the process goes on.
		const error: unknown = await socket.opened.catch((failure: unknown) => failure);
		startsLikeOne(error);
		assert.equal(((error as SocketError).cause as { code?: string }).code, "ECONNREFUSED");
		assert.equal(await socket.closed.catch((failure: unknown) => failure), error);
		assert.equal(await writing.closed.catch((failure: unknown) => failure), error);
		assert.equal((await reading).done, true);
	});

	test("is pending until the handshake is done", async () => {
		await withPair({ secureTransport: "on", sni: "localhost" }, async (socket, peer) => {
			assert.ok(await isPending(socket.opened));
			const secured = startTls(peer, { isServer: true, tls: localhost });
			await socket.opened;
			(await secured).abort();
		});
	});

	test("is rejected with the reason of a close() before", async () => {
		const listener = await listen("tcp://127.0.0.1:0");
		const socket = connect({ hostname: "localhost", port: portOf(listener) });
		const reason = new Error("changed my mind");
		const writer = socket.writable.getWriter();
		const reading = socket.readable.getReader().read();
		const closing = socket.close(reason);
		assert.deepEqual(await reading, { done: true, value: undefined });
		assert.equal(await writer.closed.catch((error: unknown) => error), reason);
		assert.equal(await socket.opened.catch((error: unknown) => error), reason);
		assert.equal(await closing, undefined);
		listener.close();
	});
});

describe("closed", () => {
	test("is the promise that close() returns, each time", async () => {
		await withPair({}, async (socket) => {
			assert.equal(socket.close(), socket.closed);
			assert.equal(socket.close(), socket.closed);
			assert.equal(await socket.closed, undefined);
		});
	});

	test("resolves when the peer's end is read, and not before", async () => {
		await withPair({}, async (socket, peer) => {
			await socket.opened;
			await peer.write("bye");
			await peer.closeWrite();
			assert.ok(await isPending(socket.closed), "nobody has read the end");
			assert.equal(await textOf(socket.readable), "bye");
			assert.equal(await socket.closed, undefined);
			assert.equal(await peer.read(), null);
		});
	});

	for (const allowHalfOpen of [false, true]) {
		test(`resolves when a reset is read, with allowHalfOpen: ${allowHalfOpen}`, async () => {
			await withPair({ allowHalfOpen }, async (socket, peer) => {
				await socket.opened;
				const reading = socket.readable.getReader().read();
				peer.abort();
				await assert.rejects(reading, startsLikeOne);
				assert.equal(await socket.closed, undefined);
				await assert.rejects(socket.writable.getWriter().write("x"), startsLikeOne);
			});
		});
	}

	test("stays pending when a write meets a reset that nobody has read", async () => {
		await withPair({}, async (socket, peer) => {
			await socket.opened;
			const writer = socket.writable.getWriter();
			await writer.write("x");
			await peer.readExactly(1);
			peer.abort();
			const writing = (async () => {
				for (;;) await writer.write("x");
			})();
			await assert.rejects(writing, startsLikeOne);
			assert.ok(await isPending(socket.closed));
		});
	});

	test("stays pending when the readable is cancelled and the writable closed", async () => {
		await withPair({}, async (socket, peer) => {
			await socket.writable.close();
			await socket.readable.cancel();
			assert.equal(await peer.read(), null);
			assert.ok(await isPending(socket.closed));
		});
	});
});

describe("close()", () => {
	test("cancels the readable and aborts the writable with its reason, though both are locked", async () => {
		await withPair({}, async (socket, peer) => {
			const writer = socket.writable.getWriter();
			const reading = socket.readable.getReader().read();
			await writer.write(Buffer.from("the last words"));
			const reason = new Error("enough");
			await socket.close(reason);
			assert.deepEqual(await reading, { done: true, value: undefined });
			assert.equal(await writer.closed.catch((error: unknown) => error), reason);
			assert.equal(await writer.write(Buffer.from("x")).catch((error: unknown) => error), reason);
			assert.equal(String(await peer.readExactly(14)), "the last words");
			assert.equal(await peer.read(), null);
		});
	});
});

function clientPort(peer: Stream): number {
	return (peer.peer as unknown as { port: number }).port;
}
