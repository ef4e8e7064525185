/** What Node's own tests ask of a `Duplex` and of a `net.Socket`, asked of ours. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type Duplex, finished, PassThrough, Readable, Transform, Writable } from "node:stream";
import { finished as finish, pipeline } from "node:stream/promises";
import { describe, test } from "node:test";
import { socketpair } from "socketry";
import { toDuplex } from "socketry/node";
import { memoryStreams } from "socketry/testing";
import type { ByteStream } from "#src/stream/contract.ts";
import { connectedStreams } from "../support/pairs.ts";
import { bytesOf, closed, readAll } from "./sockets.ts";

const KINDS: readonly [name: string, makePair: () => Promise<[ByteStream, ByteStream]>][] = [
	["TCP", () => connectedStreams("tcp://127.0.0.1:0")],
	["Unix", async () => socketpair()],
	["memory", async () => memoryStreams()],
];

for (const [name, makePair] of KINDS) {
	describe(`toDuplex() over ${name}`, () => {
		test("bytes pass in both directions, and both ends end", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			duplex.write("hello");
			assert.equal(String(await right.readExactly(5)), "hello");
			await right.write("world");
			await right.closeWrite();
			assert.equal(String(await readAll(duplex)), "world");
			assert.equal(await right.read(), null);
			await closed(duplex);
			assert.equal(duplex.errored, null);
			await right.close();
		});

		test("with allowHalfOpen writing goes on after the peer's end", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left, { allowHalfOpen: true });
			await right.closeWrite();
			await readAll(duplex);
			assert.equal(duplex.readyState, "writeOnly");
			duplex.end("late");
			assert.equal(String(await right.readExactly(4)), "late");
			assert.equal(await right.read(), null);
			await closed(duplex);
			await right.close();
		});

		test("without allowHalfOpen what was written before the peer's end still goes out", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			const large = bytesOf(1_000_000);
			duplex.write(large);
			duplex.resume();
			await right.closeWrite();
			await once(duplex, "end");
			assert.deepEqual(Buffer.from(await right.readExactly(large.length)), large);
			assert.equal(await right.read(), null);
			await closed(duplex);
			await right.close();
		});

		test("a peer that does not read is waited for, with no more than two buffers full", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left, { highWaterMark: 1_000 });
			let written = 0;
			while (duplex.write(Buffer.alloc(999)) || !(await drained(duplex))) written += 999;
			assert.ok(written < 20_000_000);
			assert.equal(duplex.writableNeedDrain, true);
			const drain = once(duplex, "drain");
			let received = 0;
			const reads = (async () => {
				for await (const chunk of right) received += chunk.length;
			})();
			await drain;
			duplex.end();
			await reads;
			assert.equal(received, duplex.bytesWritten);
			await right.close();
			duplex.resume();
			await closed(duplex);
		});

		test("a duplex that nobody reads stops reading at its high-water mark", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left, { highWaterMark: 100 });
			const large = bytesOf(2_000_000);
			const written = right.write(large);
			await once(duplex, "readable");
			await new Promise((resolve) => setImmediate(resolve));
			assert.ok(duplex.readableLength < 200_000, `${duplex.readableLength}`);
			await Promise.all([written.then(() => right.closeWrite()), readAll(duplex)]).then(
				([, received]) => assert.deepEqual(received, large),
			);
			await closed(duplex);
			await right.close();
		});

		test("encodings, corks and callbacks keep the order of writes", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			const order: number[] = [];
			duplex.cork();
			duplex.write("4a", "hex", () => order.push(1));
			duplex.write("\xe9", "latin1", () => order.push(2));
			duplex.write("\u20ac", () => order.push(3));
			duplex.write(bytesOf(100_000), () => order.push(4));
			duplex.write(Buffer.alloc(0), () => order.push(5));
			process.nextTick(() => duplex.uncork());
			duplex.end("end", "utf8", () => order.push(6));
			const received: Uint8Array[] = [];
			for await (const chunk of right) received.push(chunk.slice());
			const wanted = [Buffer.from([0x4a, 0xe9]), Buffer.from("\u20ac"), bytesOf(100_000)];
			assert.deepEqual(Buffer.concat(received), Buffer.concat([...wanted, Buffer.from("end")]));
			await right.close();
			duplex.resume();
			await closed(duplex);
			assert.deepEqual(order, [1, 2, 3, 4, 5, 6]);
		});

		test("more than a stream takes at once can be written before the peer reads", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			const chunk = bytesOf(10_000_000);
			for (let i = 0; i < 10; i++) duplex.write(chunk);
			duplex.end();
			let received = 0;
			for await (const each of right) {
				const at = received % chunk.length;
				if (at + each.length <= chunk.length) {
					assert.equal(chunk.compare(each, 0, each.length, at, at + each.length), 0);
				}
				received += each.length;
			}
			assert.equal(received, 100_000_000);
			await right.close();
			duplex.resume();
			await closed(duplex);
		});

		test("a large chunk may be changed once its callback was called, and not before", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			const chunk = Buffer.alloc(3_000_000, 1);
			duplex.write(chunk, () => chunk.fill(2));
			const received = await right.readExactly(chunk.length);
			assert.ok(received.every((byte) => byte === 1));
			duplex.destroy();
			await closed(duplex);
			await right.close();
		});

		test("what was written right before destroy() arrives when the kernel has room", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			duplex.write("HTTP/1.1 408 Request Timeout\r\n");
			duplex.write("\r\n");
			duplex.destroy(new Error("slow"));
			const [error] = await once(duplex, "error");
			assert.equal(error.message, "slow");
			let received = "";
			for await (const chunk of right) received += String(chunk);
			assert.equal(received, "HTTP/1.1 408 Request Timeout\r\n\r\n");
			await right.close();
		});

		test("destroy() ends the peer's reading cleanly, closes the stream and is told once", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			let closes = 0;
			duplex.on("close", () => closes++);
			duplex.destroy().destroy();
			await once(duplex, "close");
			assert.equal(await right.read(), null);
			assert.equal(closes, 1);
			assert.equal(duplex.readyState, "closed");
			await assert.rejects(left.read(), { code: "ERR_CLOSED" });
			await right.close();
		});

		test("a write after the end is the error that it is for every stream", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			duplex.end();
			duplex.write("more", (error) => {
				assert.equal((error as NodeJS.ErrnoException).code, "ERR_STREAM_WRITE_AFTER_END");
			});
			const [error] = await once(duplex, "error");
			assert.equal(error.code, "ERR_STREAM_WRITE_AFTER_END");
			await closed(duplex);
			await right.close();
		});

		test("a stream that is closed under a duplex is its error", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			left.abort();
			const [error] = await once(duplex, "error");
			assert.equal(error.code, "ERR_CLOSED");
			await closed(duplex);
			await right.close().catch(() => undefined);
		});

		test("pipeline(), finished(), compose() and loops work with it", async () => {
			const [left, right] = await makePair();
			const [near, far] = [toDuplex(left), toDuplex(right)];
			const upper = new Transform({
				transform: (chunk, _encoding, callback) => callback(null, String(chunk).toUpperCase()),
			});
			const served = pipeline(far, upper, new PassThrough(), far);
			const chunks: string[] = [];
			await pipeline(
				Readable.from(["a", "b", "c"].map((text) => Buffer.from(text.repeat(50_000)))),
				near,
				async (source: AsyncIterable<Buffer>) => {
					for await (const chunk of source) chunks.push(String(chunk));
				},
			);
			await served;
			assert.equal(chunks.join("").length, 150_000);
			assert.match(chunks.join(""), /^A+B+C+$/);
			await Promise.all([finish(near), finish(far)]);
			await Promise.all([closed(near), closed(far)]);
		});

		test("a loop that is left early destroys the duplex", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			await right.write("once");
			for await (const chunk of duplex) {
				assert.equal(String(chunk), "once");
				break;
			}
			assert.equal(duplex.destroyed, true);
			await closed(duplex);
			await right.close();
		});

		test("a failing pipeline destroys the duplex with the error", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			const failing = new Writable({
				write: (_chunk, _encoding, callback) => callback(new Error("full")),
			});
			await right.write("data");
			await assert.rejects(pipeline(duplex, failing), { message: "full" });
			assert.equal(duplex.destroyed, true);
			await closed(duplex);
			await right.close().catch(() => undefined);
		});

		test("a signal destroys it", async () => {
			const [left, right] = await makePair();
			const stop = new AbortController();
			const duplex = toDuplex(left, { signal: stop.signal });
			stop.abort();
			const [error] = await once(duplex, "error");
			assert.equal(error.name, "AbortError");
			await closed(duplex);
			await right.close().catch(() => undefined);
		});

		test("finished() tells a premature close", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			const told = new Promise<NodeJS.ErrnoException | null | undefined>((resolve) =>
				finished(duplex, resolve),
			);
			duplex.destroy();
			assert.equal((await told)?.code, "ERR_STREAM_PREMATURE_CLOSE");
			await closed(duplex);
			await right.close();
		});

		test("pause() and resume() hold back and let go", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			const seen: string[] = [];
			duplex.on("data", (chunk) => seen.push(String(chunk))).pause();
			await right.write("held");
			await new Promise((resolve) => setTimeout(resolve, 5));
			assert.deepEqual(seen, []);
			duplex.resume();
			await once(duplex, "data");
			assert.deepEqual(seen, ["held"]);
			duplex.destroy();
			await closed(duplex);
			await right.close();
		});

		test("setTimeout() goes off without traffic, and not while bytes move", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			// When each byte was sent: earlier than the duplex could know of it, however long this process has to wait for a processor.
			const sentMs: number[] = [performance.now()];
			let received = 0;
			let quietMs = Number.POSITIVE_INFINITY;
			duplex.on("data", (bytes: Buffer) => {
				received += bytes.length;
			});
			duplex.on("timeout", () => {
				quietMs = Math.min(quietMs, performance.now() - (sentMs[received] ?? 0));
			});
			let called = 0;
			assert.equal(
				duplex.setTimeout(60, () => called++),
				duplex,
			);
			assert.equal(duplex.timeout, 60);
			const start = performance.now();
			while (performance.now() - start < 150) {
				sentMs.push(performance.now());
				await right.write(".");
				await new Promise((resolve) => setTimeout(resolve, 5));
			}
			const timer = setTimeout(() => undefined, 5_000);
			if (called === 0) await once(duplex, "timeout");
			clearTimeout(timer);
			assert.equal(called, 1);
			// A busy machine may be silent in between, but never for less; timers count whole milliseconds.
			assert.ok(quietMs > 55, `${quietMs} ms`);
			assert.equal(duplex.destroyed, false);
			duplex.setTimeout(0);
			duplex.destroy();
			await closed(duplex);
			await right.close();
		});

		test("destroySoon() lets everything go first", async () => {
			const [left, right] = await makePair();
			const duplex = toDuplex(left);
			const large = bytesOf(2_000_000);
			duplex.write(large);
			duplex.destroySoon();
			assert.deepEqual(Buffer.from(await right.readExactly(large.length)), large);
			assert.equal(await right.read(), null);
			await right.close();
			await closed(duplex);
		});
	});
}

/** Whether a duplex that asks to wait has let go within a turn of the loop. */
async function drained(duplex: Duplex): Promise<boolean> {
	for (let turns = 0; turns < 20 && duplex.writableNeedDrain; turns++) {
		await new Promise((resolve) => setImmediate(resolve));
	}
	return duplex.writableNeedDrain;
}
