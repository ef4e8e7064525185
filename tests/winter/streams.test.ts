/** The text of the Sockets API point by point: half-closing, and the streams of a socket. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { settled } from "#src/testing/expectations.ts";
import { PROMPT_MS } from "../support/patience.ts";
import { startsLikeOne } from "./expectations.ts";
import { isPending, textOf, withPair } from "./pairs.ts";

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
			assert.equal(await socket.closed, undefined);
			assert.equal(await writer.closed, undefined);
		});
	});

	test("true: the socket is closed once both sides have ended, ours first", async () => {
		await withPair({ allowHalfOpen: true }, async (socket, peer) => {
			await socket.writable.close();
			assert.ok(await isPending(socket.closed));
			await peer.write("answer");
			await peer.closeWrite();
			assert.equal(await textOf(socket.readable), "answer");
			assert.equal(await socket.closed, undefined);
		});
	});

	test("true: the socket is closed once a write fails after the peer's end", async () => {
		await withPair({ allowHalfOpen: true }, async (socket, peer) => {
			await peer.closeWrite();
			assert.equal(await textOf(socket.readable), "");
			peer.abort();
			const writer = socket.writable.getWriter();
			const failing = assert.rejects(writer.closed, startsLikeOne);
			while ((await writer.write(Buffer.from("x")).catch(() => "failed")) !== "failed");
			await failing;
			assert.equal(await socket.closed, undefined);
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

	test("end it at once when the writable is aborted while a write waits for the peer", async () => {
		await withPair({}, async (socket) => {
			const writer = socket.writable.getWriter();
			const failed = assert.rejects(writer.write(new Uint8Array(32_000_000)));
			await socket.opened;
			await settled(writer.abort("no"), PROMPT_MS, "abort()");
			await failed;
			assert.equal(await socket.closed, undefined);
		});
	});
});
