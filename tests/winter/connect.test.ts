/** The text of the Sockets API point by point: https://sockets-api.proposal.wintertc.org */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { listen, type Stream } from "socketry";
import { startTls, tlsListen } from "socketry/tls";
import { binding, connect, Socket, SocketError, type SocketOptions } from "socketry/winter";
import { authority, localhost } from "../tls/pairs.ts";
import { portOf, startsLikeOne } from "./expectations.ts";

const trusting = binding({ tls: { ca: authority.cert } });

/** A socket, and the other end of its connection. */
async function withPair(
	options: SocketOptions,
	body: (socket: Socket, peer: Stream, port: number) => Promise<void>,
): Promise<void> {
	const listener = await listen("tcp://127.0.0.1:0");
	const port = portOf(listener);
	const socket = trusting.connect({ hostname: "127.0.0.1", port }, options);
	const peer = await listener.accept();
	listener.close();
	try {
		await body(socket, peer, port);
	} finally {
		await socket.close();
		peer.abort();
	}
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
	let isSettled = false;
	const settle = (): void => {
		isSettled = true;
	};
	promise.then(settle, settle);
	for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
	return !isSettled;
}

async function textOf(readable: ReadableStream<Uint8Array>): Promise<string> {
	let text = "";
	for await (const chunk of readable) text += Buffer.from(chunk).toString();
	return text;
}

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
		const listener = await listen("tcp://127.0.0.1:0");
		const port = portOf(listener);
		listener.close();
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

describe("allowHalfOpen", () => {
	test("false: the peer's end closes the writable, and the socket", async () => {
		await withPair({ allowHalfOpen: false }, async (socket, peer) => {
			await peer.closeWrite();
			assert.equal(await textOf(socket.readable), "");
			await socket.closed;
			assert.equal(await socket.writable.getWriter().closed, undefined);
		});
	});

	test("false: a writer that is held fails", async () => {
		await withPair({}, async (socket, peer) => {
			const writer = socket.writable.getWriter();
			await peer.closeWrite();
			assert.equal(await textOf(socket.readable), "");
			await socket.closed;
			await assert.rejects(writer.write(Buffer.from("x")), startsLikeOne);
		});
	});

	test("true: the readable ends, and the writable can still be written to", async () => {
		await withPair({ allowHalfOpen: true }, async (socket, peer) => {
			await peer.closeWrite();
			assert.equal(await textOf(socket.readable), "");
			const writer = socket.writable.getWriter();
			await writer.write(Buffer.from("still here"));
			assert.ok(await isPending(socket.closed));
			await writer.close();
			assert.equal(String(await peer.readExactly(10)), "still here");
			assert.equal(await peer.read(), null);
		});
	});
});

describe("the streams", () => {
	test("carry bytes and text, and pipe to each other", async () => {
		await withPair({ allowHalfOpen: true }, async (socket, peer) => {
			const writer = socket.writable.getWriter();
			await writer.write("tëxt");
			await writer.write(new Uint16Array([0x4141]));
			await writer.write(Uint8Array.of(0x42, 0x43).buffer);
			writer.releaseLock();
			assert.equal(String(await peer.readExactly(9)), "tëxtAABC");
			const piping = socket.readable.pipeTo(socket.writable);
			await peer.write("there and back");
			await peer.closeWrite();
			assert.equal(String(await peer.readExactly(14)), "there and back");
			assert.equal(await peer.read(), null);
			await piping;
		});
	});

	test("refuse what is neither bytes nor text", async () => {
		await withPair({}, async (socket) => {
			await assert.rejects(socket.writable.getWriter().write(5 as never), TypeError);
		});
	});

	test("read into a reader's own memory", async () => {
		await withPair({}, async (socket, peer) => {
			await peer.write("12345");
			const reader = socket.readable.getReader({ mode: "byob" });
			const { value } = await reader.read(new Uint8Array(3));
			assert.equal(Buffer.from(value ?? []).toString(), "123");
		});
	});

	test("hold the peer back while nobody reads", async () => {
		await withPair({}, async (socket, peer) => {
			await socket.opened;
			const writing = peer.write(new Uint8Array(32_000_000));
			assert.ok(await isPending(writing));
			await socket.close();
			await writing.catch(() => undefined);
		});
	});

	test("end the connection by a reset when the writable is aborted", async () => {
		await withPair({}, async (socket, peer) => {
			await socket.opened;
			await socket.writable.abort("no");
			await assert.rejects(peer.read(), { code: "ECONNRESET" });
			assert.equal(await socket.closed, undefined);
		});
	});
});

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

function clientPort(peer: Stream): number {
	return (peer.peer as unknown as { port: number }).port;
}
