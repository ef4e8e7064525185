import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { Socket as NetSocket } from "node:net";
import { describe, test } from "node:test";
import { BusyError, ClosedError, connect, listen, TimeoutError, UnsupportedError } from "socketry";
import { toNetSocket } from "socketry/node";
import { connectedStreams, withSocketPath } from "../support/pairs.ts";
import { bytesOf, closed, readAll, TRANSPORTS } from "./sockets.ts";

for (const [name, makePair] of TRANSPORTS) {
	describe(`toNetSocket() over ${name}`, () => {
		test("bytes that were read ahead come first, then those in the kernel, then those that follow", async () => {
			const [left, right] = await makePair();
			await right.write("one\ntwo\n");
			assert.equal(String(await left.readUntil("\n")), "one\n");
			await right.write("three\n");
			const socket = await toNetSocket(left);
			assert.equal(left.closed, true);
			await right.write("four\n");
			await right.closeWrite();
			assert.equal(String(await readAll(socket)), "two\nthree\nfour\n");
			await right.close();
			await closed(socket);
		});

		test("queued writes go out before what the socket writes", async () => {
			const [left, right] = await makePair();
			const large = bytesOf(3_000_000);
			const written = left.write(large);
			const [socket, received] = await Promise.all([
				toNetSocket(left),
				right.readExactly(3_000_000),
			]);
			await written;
			assert.deepEqual(received, large);
			socket.end("after");
			assert.equal(String(await right.read()), "after");
			assert.equal(await right.read(), null);
			await right.close();
			await closed(socket);
		});

		test("a stream that had ended writing is a socket that has", async () => {
			const [left, right] = await makePair();
			await left.closeWrite();
			const socket = await toNetSocket(left, { allowHalfOpen: true });
			assert.equal(socket.writable, false);
			assert.equal(await right.read(), null);
			await right.write("still");
			await right.close();
			assert.equal(String(await readAll(socket)), "still");
			await closed(socket);
		});

		test("a stream whose peer had ended is a socket that reads the end", async () => {
			const [left, right] = await makePair();
			await right.closeWrite();
			assert.equal(await left.read(), null);
			const socket = await toNetSocket(left, { allowHalfOpen: true });
			assert.equal((await readAll(socket)).length, 0);
			socket.end("answer");
			assert.equal(String(await right.read()), "answer");
			assert.equal(await right.read(), null);
			await right.close();
			await closed(socket);
		});

		test("without allowHalfOpen the peer's end ends the socket", async () => {
			const [left, right] = await makePair();
			const socket = await toNetSocket(left);
			socket.resume();
			await right.closeWrite();
			await closed(socket);
			assert.equal(await right.read(), null);
			await right.close();
		});

		test("a pending read is refused, and changes nothing", async () => {
			const [left, right] = await makePair();
			const read = left.readExactly(4);
			await assert.rejects(toNetSocket(left), BusyError);
			await right.write("ab");
			await right.write("cd");
			assert.equal(String(await read), "abcd");
			left.abort();
			right.abort();
		});

		test("a closed stream is refused", async () => {
			const [left, right] = await makePair();
			await left.close();
			await assert.rejects(toNetSocket(left), ClosedError);
			await right.close();
		});

		test("a time limit leaves the stream as it is", async () => {
			const [left, right] = await makePair();
			const large = bytesOf(20_000_000);
			void left.write(large);
			await assert.rejects(toNetSocket(left, { timeoutMs: 0 }), TimeoutError);
			assert.equal(left.closed, false);
			assert.deepEqual(await right.readExactly(large.length), large);
			const socket = await toNetSocket(left);
			socket.destroy();
			await right.close();
			await closed(socket);
		});

		test("an unreferenced stream is an unreferenced socket", async () => {
			const [left, right] = await makePair();
			left.unref();
			const socket = await toNetSocket(left);
			const { _handle: handle } = socket as unknown as { _handle: { hasRef(): boolean } };
			assert.equal(handle.hasRef(), false);
			socket.destroy();
			await right.close();
			await closed(socket);
		});

		test("the settings of the connection are known to the socket", async () => {
			const [left, right] = await makePair();
			if (name === "TCP") left.socket.setOption("SO_KEEPALIVE", true);
			const socket = await toNetSocket(left);
			const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
			assert.ok(fd >= 0);
			socket.setNoDelay(false).setKeepAlive(false).setNoDelay(true);
			socket.destroy();
			await right.close();
			await closed(socket);
		});
	});
}

test("the addresses of a socket are those of its stream", async () => {
	const [left, right] = await connectedStreams("tcp://127.0.0.1:0");
	const { address, peer } = left as unknown as Record<string, { host: string; port: number }>;
	const socket: NetSocket = await toNetSocket(left);
	assert.equal(socket.localAddress, address?.host);
	assert.equal(socket.localPort, address?.port);
	assert.equal(socket.remoteAddress, peer?.host);
	assert.equal(socket.remotePort, peer?.port);
	socket.destroy();
	await right.close();
	await closed(socket);
});

test("the socket file of a connection goes with its socket", async () => {
	await withSocketPath(async (path) => {
		const listener = await listen(`unix:${path}`);
		const own = `${path}.client`;
		const [stream, accepted] = await Promise.all([
			connect(`unix:${path}`, { localAddress: `unix:${own}` }),
			listener.accept(),
		]);
		const socket = await toNetSocket(stream);
		assert.ok(existsSync(own));
		socket.destroy();
		await once(socket, "close");
		assert.ok(!existsSync(own));
		await accepted.close();
		listener.close();
	});
});

test("a reset that comes after the hand-over is an error of the socket", async () => {
	const [left, right] = await connectedStreams("tcp://127.0.0.1:0");
	const socket = await toNetSocket(left);
	right.abort();
	const [error] = await once(socket, "error");
	assert.equal(error.code, "ECONNRESET");
	await closed(socket);
});

test("a vsock stream is refused", async () => {
	const [left, right] = await connectedStreams("tcp://127.0.0.1:0");
	Object.defineProperty(left, "transport", { value: "vsock" });
	await assert.rejects(toNetSocket(left), UnsupportedError);
	left.abort();
	right.abort();
});

test("what is no stream is refused", async () => {
	await assert.rejects(toNetSocket({} as never), { code: "ERR_INVALID_ARG_TYPE" });
});

test("with a wrong option the stream stays open", async () => {
	const [left, right] = await connectedStreams("tcp://127.0.0.1:0");
	await assert.rejects(toNetSocket(left, { highWaterMark: -1 }), { code: "ERR_OUT_OF_RANGE" });
	await assert.rejects(toNetSocket(left, { allowHalfOpen: 1 as never }), {
		code: "ERR_INVALID_ARG_TYPE",
	});
	assert.equal(left.closed, false);
	await Promise.all([left.close(), right.close()]);
});
