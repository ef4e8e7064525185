import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { connect, listen, type Stream, socketpair } from "socketry";
import { relay } from "socketry/relay";
import { injectFaults, memoryStreams } from "socketry/testing";
import { inFolder } from "../support/folder.ts";
import { digest, KINDS, outcome, readAll, relayed, tcpPair, untilStill } from "./ends.ts";

const IDLE_MS = 300;

for (const [leftName, left] of Object.entries(KINDS)) {
	for (const [rightName, right] of Object.entries(KINDS)) {
		describe(`${leftName} to ${rightName}`, () => {
			test("a reply after the end of its request arrives", async () => {
				const { client, server, running } = await relayed(left, right);
				await client.write("question");
				await client.closeWrite();
				assert.equal(String(await readAll(server)), "question");
				await new Promise(setImmediate);
				await server.write("answer");
				await server.close();
				assert.equal(String(await readAll(client)), "answer");
				await client.close();
				assert.deepEqual(await running.done, {
					leftToRight: { bytes: 8, error: undefined },
					rightToLeft: { bytes: 6, error: undefined },
					isCut: false,
				});
			});

			test("megabytes go both ways at once, byte by byte", async () => {
				const { client, server, running } = await relayed(left, right);
				const there = randomBytes(8_000_000);
				const back = randomBytes(5_000_000);
				const send = async (from: Stream, bytes: Buffer): Promise<void> => {
					for (let at = 0; at < bytes.length; ) {
						const end = at + 1 + Math.floor(Math.random() * 200_000);
						await from.write(bytes.subarray(at, end));
						at = end;
					}
					await from.closeWrite();
				};
				const [atServer, atClient] = await Promise.all([
					readAll(server),
					readAll(client),
					send(client, there),
					send(server, back),
				]);
				assert.equal(digest(atServer), digest(there));
				assert.equal(digest(atClient), digest(back));
				await Promise.all([client.close(), server.close()]);
				const { leftToRight, rightToLeft, isCut } = await running.done;
				assert.deepEqual([leftToRight.bytes, rightToLeft.bytes, isCut], [8e6, 5e6, false]);
			});

			test("bytes that were read ahead go first", async () => {
				const [client, near] = await left();
				const [server, far] = await right();
				await client.write("CONNECT here\nthe rest");
				assert.equal(String(await near.readUntil("\n")), "CONNECT here\n");
				const running = relay(near, far);
				await client.closeWrite();
				assert.equal(String(await readAll(server)), "the rest");
				await server.close();
				await running.done;
				await client.close();
			});

			test("a server that goes while its client still sends is a cut, and its answer arrives", async () => {
				const { client, server, running } = await relayed(left, right);
				await client.write("a request that goes on and on");
				await server.readExactly(10);
				await server.write("413 too large");
				await server.close();
				const sending = (async () => {
					for (;;) await client.write(randomBytes(100_000), { timeoutMs: 5_000 });
				})().catch(() => {});
				assert.equal(String(await client.readExactly(13)), "413 too large");
				const { leftToRight, isCut } = await running.done;
				assert.equal(isCut, true);
				assert.match(
					(leftToRight.error as unknown as { code: string }).code,
					/^(EPIPE|ECONNRESET)$/,
				);
				client.abort();
				await sending;
			});

			test("aborting resets both ends", async () => {
				const leaving = new AbortController();
				const { client, server, running } = await relayed(left, right, { signal: leaving.signal });
				await client.write("x");
				await server.readExactly(1);
				leaving.abort();
				const { isCut, rightToLeft } = await running.done;
				assert.equal(isCut, true);
				assert.equal((rightToLeft.error as unknown as { code: string }).code, "ABORT_ERR");
				for (const each of [client, server]) {
					assert.match(await outcome(each), /null|ECONNRESET/);
					each.abort();
				}
			});

			test("silence ends it, but not while bytes move", async () => {
				const { client, server, running } = await relayed(left, right, { idleMs: IDLE_MS });
				// As long as three silences would last, but for one that a busy machine has brought.
				let longestMs = 0;
				let sent = 0;
				for (const start = performance.now(); performance.now() - start < 3 * IDLE_MS; ) {
					const before = performance.now();
					sent += await client.write("x").then(
						() => 1,
						() => 0,
					);
					await server.readExactly(1).catch(() => {});
					await new Promise((resolve) => setTimeout(resolve, IDLE_MS / 10));
					longestMs = Math.max(longestMs, performance.now() - before);
				}
				const { leftToRight } = await running.done;
				if (longestMs < IDLE_MS / 2) assert.equal(leftToRight.bytes, sent);
				assert.equal((leftToRight.error as unknown as { code: string }).code, "ERR_TIMEOUT");
				client.abort();
				server.abort();
			});

			test("it works without a pipe, and without splice", async () => {
				const faulty = [
					{ call: "pipe2", fail: "EMFILE", times: Number.POSITIVE_INFINITY },
					{ call: "splice", fail: "EINVAL", times: Number.POSITIVE_INFINITY },
				] as const;
				for (const fault of faulty) {
					using faults = injectFaults([fault]);
					const { client, server, running } = await relayed(left, right);
					const data = randomBytes(1_000_000);
					const arriving = readAll(server);
					// Only a large piece is spliced, and how large they are is the kernel's matter.
					let count = 0;
					do await client.write(data);
					while (++count < 50 && faults.hits === 0);
					await client.closeWrite();
					const sent = Buffer.concat(Array<Buffer>(count).fill(data));
					assert.equal(digest(await arriving), digest(sent));
					await Promise.all([server.close(), client.close(), running.done]);
				}
			});
		});
	}
}

test("a reset of one end resets the other", async () => {
	const { client, server, running } = await relayed(tcpPair, tcpPair);
	await client.write("x");
	await server.readExactly(1);
	client.abort();
	assert.equal(await outcome(server), "ECONNRESET");
	assert.equal((await running.done).isCut, true);
	server.abort();
});

test("a receiver that does not read stops the sender, and nothing spins", async () => {
	const { client, server, running } = await relayed(tcpPair, KINDS["Unix"] as typeof tcpPair);
	let sent = 0;
	const sending = (async () => {
		for (; sent < 400; sent++) await client.write(Buffer.alloc(65_536));
		await client.closeWrite();
	})();
	await untilStill(() => sent);
	assert.ok(sent < 400);
	// TCP may find room for some more for a while; who spins calls in every window.
	let calls = Number.POSITIVE_INFINITY;
	for (let window = 0; window < 10 && calls >= 10; window++) calls = await callsWithin(50);
	assert.ok(calls < 10, `${calls} calls`);
	const arrived = await readAll(server);
	assert.equal(arrived.length, 400 * 65_536);
	await Promise.all([sending, server.close(), client.close(), running.done]);
});

/** How often a relay that has nothing to do tries to move something. */
async function callsWithin(ms: number): Promise<number> {
	const moving = ["splice", "send", "recv"] as const;
	const faults = injectFaults(moving.map((call) => ({ call, nth: 1_000_000, fail: "EAGAIN" })));
	await new Promise((resolve) => setTimeout(resolve, ms));
	faults.restore();
	return moving.reduce((sum, call) => sum + (faults.calls.get(call) ?? 0), 0);
}

test("any byte streams can be joined", async () => {
	const [client, left] = memoryStreams();
	const [server, right] = socketpair();
	const running = relay(left, right);
	await client.write("through memory");
	await client.closeWrite();
	assert.equal(String(await readAll(server)), "through memory");
	await server.write("and back");
	await server.close();
	assert.equal(String(await client.readExactly(8)), "and back");
	assert.equal((await running.done).isCut, false);
	await client.close();
});

test("a socket file of one of them goes with the relay", async () => {
	await inFolder(async (folder) => {
		await using listener = await listen(`unix:${folder}/server`);
		const localAddress = `unix:${folder}/client`;
		const left = await connect(`unix:${folder}/server`, { localAddress });
		const client = await listener.accept();
		const [server, right] = socketpair();
		const running = relay(left, right);
		await client.close();
		await server.close();
		await running.done;
		await using again = await connect(`unix:${folder}/server`, { localAddress });
		assert.equal(again.closed, false);
	});
});
