/** What a duplex over a socket has of a `net.Socket`. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { socketpair } from "socketry";
import { toDuplex } from "socketry/node";
import { connectedStreams } from "../support/pairs.ts";
import { bytesOf, closed } from "./sockets.ts";

describe("a duplex over a socket", () => {
	test("has the names and switches of a net.Socket, but no handle", async () => {
		const [left, right] = await connectedStreams("tcp://127.0.0.1:0");
		const duplex = toDuplex(left);
		const { port } = left.address as { port: number };
		assert.deepEqual(duplex.address(), { address: "127.0.0.1", family: "IPv4", port });
		assert.equal(duplex.localPort, port);
		assert.equal(duplex.remoteAddress, "127.0.0.1");
		assert.equal(duplex.remotePort, (left.peer as { port: number }).port);
		assert.equal(duplex.remoteFamily, "IPv4");
		assert.equal(duplex.connecting, false);
		assert.equal(duplex.readyState, "open");
		assert.ok(duplex instanceof Duplex);
		assert.equal("_handle" in duplex, false);
		assert.equal(duplex.setNoDelay(false), duplex);
		assert.equal(left.socket.getOption("TCP_NODELAY"), false);
		duplex.setNoDelay();
		assert.equal(left.socket.getOption("TCP_NODELAY"), true);
		duplex.setKeepAlive(true, 7_500);
		assert.equal(left.socket.getOption("SO_KEEPALIVE"), true);
		assert.equal(left.socket.getOption("TCP_KEEPIDLE"), 7);
		assert.equal(duplex.ref().unref().ref(), duplex);
		duplex.destroy();
		await closed(duplex);
		assert.deepEqual(duplex.address(), {});
		assert.equal(duplex.setNoDelay().setKeepAlive(true), duplex);
		await right.close();
	});

	test("connect() of one that is connected tells so", async () => {
		const [left, right] = socketpair();
		const duplex = toDuplex(left);
		let called = 0;
		duplex.connect("/somewhere", () => called++);
		await once(duplex, "connect");
		assert.equal(called, 1);
		duplex.destroy();
		await closed(duplex);
		await right.close();
	});

	test("a reset by the peer is ECONNRESET, although nobody reads", async () => {
		const [left, right] = await connectedStreams("tcp://127.0.0.1:0");
		const duplex = toDuplex(left);
		right.abort();
		const [error] = await once(duplex, "error");
		assert.equal(error.code, "ECONNRESET");
		await closed(duplex);
	});

	test("writing to a peer that is gone is an error of the duplex", async () => {
		const [left, right] = socketpair();
		const duplex = toDuplex(left, { allowHalfOpen: true });
		await right.close();
		duplex.write("into the void");
		const [error] = await once(duplex, "error");
		assert.equal(error.code, "EPIPE");
		await closed(duplex);
	});

	test("whoever writes in every turn of the loop finds it destroyed, once a peer that had ended is gone", async () => {
		const [left, right] = await connectedStreams("tcp://127.0.0.1:0");
		const duplex = toDuplex(left);
		duplex.on("error", () => assert.fail("an end is no error"));
		duplex.resume();
		duplex.write("what it will not read");
		await right.closeWrite();
		await once(duplex, "end");
		await right.close({ timeoutMs: 0 });
		let turns = 0;
		const writeOn = (): void => {
			if (duplex.destroyed || ++turns > 100_000) return;
			duplex.write("and on");
			setImmediate(writeOn);
		};
		writeOn();
		await closed(duplex);
		assert.ok(turns < 100_000, `${turns} turns`);
	});

	test("what a program defers by nextTick() when bytes come is done before what it defers by a promise", async () => {
		const [left, right] = socketpair();
		const duplex = toDuplex(left);
		const order: string[] = [];
		const told = new Promise<void>((resolve) => {
			duplex.once("data", () => {
				void Promise.resolve()
					.then(() => order.push("promise"))
					.then(() => resolve());
				process.nextTick(() => {
					order.push("tick");
					process.nextTick(() => order.push("tick of a tick"));
				});
			});
		});
		await right.write("bytes");
		await told;
		assert.deepEqual(order, ["tick", "tick of a tick", "promise"]);
		duplex.destroy();
		await right.close();
	});

	test("of several whose bytes come in one turn, what one sets off by promises is done before the next is told", async () => {
		const pairs = Array.from({ length: 10 }, () => socketpair());
		const duplexes = pairs.map(([left]) => toDuplex(left));
		const order: string[] = [];
		const told = duplexes.map(async (duplex, i) => {
			await new Promise((resolve) => duplex.once("data", resolve));
			for (let step = 0; step < 5; step++) await Promise.resolve();
			order.push(`${i} told`);
		});
		for (const [i, duplex] of duplexes.entries()) duplex.once("data", () => order.push(`${i}`));
		await Promise.all(pairs.map(([, right]) => right.write("bytes")));
		await Promise.all(told);
		for (let i = 0; i < order.length; i += 2) assert.equal(order[i + 1], `${order[i]} told`);
		assert.equal(order.length, 20);
		for (const duplex of duplexes) duplex.destroy();
		for (const [, right] of pairs) await right.close();
	});

	test("an exception of a listener is the program's, and the bytes after it come", async () => {
		const [left, right] = socketpair();
		const duplex = toDuplex(left);
		const uncaught: unknown[] = [];
		// In the place of the test runner's own.
		const others = process.listeners("uncaughtException");
		process.removeAllListeners("uncaughtException").on("uncaughtException", (error) => {
			uncaught.push(error);
		});
		try {
			const [error, later] = [new Error("of the program"), once(duplex, "later")];
			duplex.once("data", () => {
				duplex.once("data", (bytes) => duplex.emit("later", String(bytes)));
				throw error;
			});
			await right.write("first");
			while (uncaught.length === 0) await new Promise(setImmediate);
			await right.write("second");
			assert.deepEqual([...uncaught, ...(await later)], [error, "second"]);
			assert.equal(duplex.destroyed, false);
		} finally {
			process.removeAllListeners("uncaughtException");
			for (const each of others) process.on("uncaughtException", each);
		}
		duplex.destroy();
		await right.close();
	});

	test("an error of destroy() is told in the next tick, and close in a turn of its own, as of a net.Socket", async () => {
		const [left, right] = socketpair();
		const duplex = toDuplex(left);
		const order: string[] = [];
		duplex.once("error", () => order.push("error"));
		duplex.once("close", (hadError: boolean) => order.push(`close ${hadError}`));
		process.nextTick(() => order.push("tick before"));
		duplex.destroy(new Error("enough"));
		process.nextTick(() => order.push("tick after"));
		setImmediate(() => order.push("turn"));
		await new Promise((resolve) => duplex.once("close", resolve));
		assert.deepEqual(order, ["tick before", "error", "tick after", "turn", "close true"]);
		await right.close();
	});

	test("resetAndDestroy() resets the connection", async () => {
		const [left, right] = await connectedStreams("tcp://127.0.0.1:0");
		const duplex = toDuplex(left);
		duplex.resetAndDestroy();
		await assert.rejects(right.read(), { code: "ECONNRESET" });
		await closed(duplex);
		right.abort();
	});

	test("bytes that destroy() throws away are told to the peer by a reset", async () => {
		const [left, right] = await connectedStreams("tcp://127.0.0.1:0");
		const duplex = toDuplex(left);
		duplex.write(bytesOf(20_000_000));
		await new Promise((resolve) => setImmediate(resolve));
		duplex.destroy();
		await closed(duplex);
		await assert.rejects(
			async () => {
				for await (const _ of right);
			},
			{ code: "ECONNRESET" },
		);
		right.abort();
	});

	test("the peer's end is told although nobody consumes, as a net.Socket does", async () => {
		const [left, right] = socketpair();
		const duplex = toDuplex(left, { allowHalfOpen: true });
		await right.closeWrite();
		await once(duplex, "end");
		duplex.end("farewell");
		assert.equal(String(await right.readExactly(8)), "farewell");
		await closed(duplex);
		await right.close();
	});

	test("counts what was read and written", async () => {
		const [left, right] = socketpair();
		const duplex = toDuplex(left);
		duplex.write("12345");
		await right.write("123");
		await once(duplex, "readable");
		assert.equal(duplex.bytesWritten, 5);
		assert.equal(duplex.bytesRead, 3);
		duplex.destroy();
		await closed(duplex);
		assert.equal(duplex.bytesWritten, 5);
		await right.close();
	});

	test("what is no stream is refused", () => {
		assert.throws(() => toDuplex({} as never), { code: "ERR_INVALID_ARG_TYPE" });
		assert.throws(() => toDuplex(null as never), { code: "ERR_INVALID_ARG_TYPE" });
	});
});
