import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { describe, test } from "node:test";
import { connect, listen, type Stream, socketpair } from "socketry";
import { relay } from "socketry/relay";
import { injectFaults, memoryStreams } from "socketry/testing";
import { F_GETPIPE_SZ, F_SETPIPE_SZ } from "#src/sys/constants.ts";
import { sys } from "#src/sys/current.ts";
import { inFolder } from "../support/folder.ts";

type Ends = [outer: Stream, inner: Stream];

async function tcpPair(): Promise<Ends> {
	await using listener = await listen("tcp://127.0.0.1:0");
	const client = (await connect(listener.address)) as Stream;
	return [client, await listener.accept()];
}

const IDLE_MS = 300;
const KINDS: Readonly<Record<string, () => Promise<Ends>>> = {
	TCP: tcpPair,
	Unix: async () => socketpair(),
};

/** A client and a server with a relay between them. */
async function relayed(
	left: () => Promise<Ends>,
	right: () => Promise<Ends>,
	options?: Parameters<typeof relay>[2],
): Promise<{ client: Stream; server: Stream; running: ReturnType<typeof relay> }> {
	const [client, left_] = await left();
	const [server, right_] = await right();
	return { client, server, running: relay(left_, right_, options) };
}

async function readAll(stream: Stream): Promise<Buffer> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of stream) chunks.push(chunk);
	return Buffer.concat(chunks);
}

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
					using _faults = injectFaults([fault]);
					const { client, server, running } = await relayed(left, right);
					const data = randomBytes(1_000_000);
					const arriving = readAll(server);
					await client.write(data);
					await client.closeWrite();
					assert.equal(digest(await arriving), digest(data));
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

test("descriptors are passed on where it is asked for", async () => {
	const options = { receiveDescriptors: true };
	const [client, left] = socketpair("stream", options);
	const [server, right] = socketpair("stream", options);
	const running = relay(left, right, { passDescriptors: true });
	const [mine, theirs] = socketpair();
	await client.write("here", { descriptors: [theirs] });
	await theirs.close();
	assert.equal(String(await server.readExactly(4)), "here");
	const [arrival] = server.takeDescriptors();
	assert.equal(arrival?.descriptors[0]?.kind, "stream");
	arrival?.descriptors[0]?.close();
	assert.equal(await mine.read(), null);
	await mine.close();
	await Promise.all([client.close(), server.close(), running.done]);
});

test("descriptors that cannot be passed on cut the relay, and none stays open", async () => {
	const options = { receiveDescriptors: 200 };
	const [client, left] = socketpair("stream", options);
	const [server, right] = socketpair("stream", options);
	const [mine, theirs] = socketpair();
	for (const line of ["one\n", "two\n"]) {
		await client.write(line, { descriptors: Array(200).fill(theirs) });
		await left.readUntil("\n");
	}
	await theirs.close();
	await client.write("x");
	const running = relay(left, right, { passDescriptors: true });
	const { isCut, leftToRight } = await running.done;
	assert.equal(isCut, true);
	assert.equal((leftToRight.error as { code?: string }).code, "ERR_LIMIT");
	assert.equal(await mine.read(), null);
	for (const each of [client, server, mine]) each.abort();
});

test("a stream is not relayed to itself", async () => {
	const [client, left] = socketpair();
	assert.throws(() => relay(left, left), { code: "ERR_INVALID_ARG_VALUE" });
	assert.equal(left.closed, false);
	for (const each of [client, left]) each.abort();
});

test("a wrong call leaves streams as they were that are not spliced", async () => {
	const [client, left] = socketpair();
	const [server, right] = socketpair();
	const reading = right.read();
	assert.throws(() => relay(left, right, { passDescriptors: true }), { code: "ERR_BUSY" });
	await server.write("x");
	assert.equal(String(await reading), "x");
	await right.close();
	assert.throws(() => relay(left, right, { passDescriptors: true }), { code: "ERR_CLOSED" });
	await client.write("still open");
	assert.equal(String(await left.readExactly(10)), "still open");
	for (const each of [client, left, server]) each.abort();
});

test("a wrong call leaves both streams as they were", async () => {
	const [client, left] = socketpair();
	const [server, right] = socketpair();
	const reading = right.read();
	assert.throws(() => relay(left, right), { code: "ERR_BUSY" });
	await server.write("x");
	assert.equal(String(await reading), "x");
	for (const options of [{ idleMs: 0 }, { passDescriptors: 1 }, { signal: 1 }, 7]) {
		assert.throws(() => relay(left, right, options as object), /must be/);
	}
	await right.close();
	assert.throws(() => relay(left, right), { code: "ERR_CLOSED" });
	await client.write("still open");
	assert.equal(String(await left.readExactly(10)), "still open");
	for (const each of [client, left, server]) each.abort();
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

test("a thousand relays that come and go leave no descriptor and few pipes", async () => {
	for (let i = 0; i < 1_000; i++) {
		const { client, server, running } = await relayed(
			KINDS["Unix"] as typeof tcpPair,
			KINDS["Unix"] as typeof tcpPair,
		);
		await client.write("x");
		await client.closeWrite();
		await readAll(server);
		await Promise.all([server.close(), client.close(), running.done]);
	}
});

test("more connections stand still than there are pipes, and all their bytes arrive", async () => {
	const unix = KINDS["Unix"] as typeof tcpPair;
	const before = countPipes();
	const faults = injectFaults([
		{ call: "pipe2", nth: 20, fail: "EMFILE", times: Number.POSITIVE_INFINITY },
	]);
	const relays = await Promise.all(Array.from({ length: 50 }, () => relayed(unix, unix)));
	const data = randomBytes(2_000_000);
	const sent = relays.map(async ({ client }) => {
		await client.write(data);
		await client.closeWrite();
	});
	await untilStill(() => relays.reduce((sum, { running }) => sum + running.bytesToRight, 0));
	const pipes = countPipes() - before;
	assert.ok(pipes > 2 && pipes <= 40, `${pipes} ends of pipes`);
	for (const { server } of relays) {
		assert.equal(digest(await readAll(server)), digest(data));
		await server.close();
	}
	await Promise.all(sent);
	await Promise.all(relays.map(({ client }) => client.close()));
	faults.restore();
	for (const { running } of relays) assert.equal((await running.done).isCut, false);
});

test("pipes that the kernel makes too small are not used, and closed", async () => {
	const { fcntl } = sys;
	let refused = 0;
	sys.fcntl = (fd, command, argument) => {
		if (command === F_GETPIPE_SZ) return 8_192;
		if (command !== F_SETPIPE_SZ) return fcntl(fd, command, argument);
		refused++;
		return -constants.errno.EPERM;
	};
	const faults = injectFaults([{ call: "splice", nth: 1_000_000, fail: "EAGAIN" }]);
	try {
		const { client, server, running } = await relayed(tcpPair, tcpPair);
		const data = randomBytes(4_000_000);
		const arriving = readAll(server);
		await client.write(data);
		await client.closeWrite();
		assert.equal(digest(await arriving), digest(data));
		await Promise.all([server.close(), client.close(), running.done]);
	} finally {
		faults.restore();
		sys.fcntl = fcntl;
	}
	assert.ok(refused > 0);
	assert.equal(faults.calls.get("splice") ?? 0, 0);
});

test("short messages cost no pipe", async () => {
	const before = countPipes();
	const { client, server, running } = await relayed(tcpPair, tcpPair);
	for (let i = 0; i < 20; i++) {
		await client.write("question");
		assert.equal(String(await server.readExactly(8)), "question");
		await server.write("answer");
		assert.equal(String(await client.readExactly(6)), "answer");
	}
	assert.equal(countPipes(), before);
	await Promise.all([server.close(), client.close(), running.done]);
});

async function untilStill(count: () => number): Promise<void> {
	for (let before = -1, now = count(); now !== before; now = count()) {
		before = now;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

function countPipes(): number {
	return readdirSync("/proc/self/fd").filter((fd) => {
		try {
			return readlinkSync(`/proc/self/fd/${fd}`).startsWith("pipe:");
		} catch {
			// The one that the listing itself had open.
			return false;
		}
	}).length;
}

async function outcome(stream: Stream): Promise<string> {
	try {
		return String(await stream.read());
	} catch (error) {
		return (error as { code: string }).code;
	}
}

function digest(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}
