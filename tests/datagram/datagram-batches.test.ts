import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import fc from "fast-check";
import type { DatagramsOptions } from "#src/datagram/datagram-options.ts";
import type { Datagrams } from "#src/datagram/datagrams.ts";
import { datagrams } from "#src/open/open-datagrams.ts";
import { BATCH_COLUMNS, BATCH_CONTROL_LENGTH, BATCH_DATA_LENGTH } from "#src/sys/contract.ts";
import { sys } from "#src/sys/current.ts";
import { EAGAIN, EINVAL, EIO, EMSGSIZE, ENOBUFS } from "#src/sys/errno.ts";
import { refusingUdpPort } from "../support/own-addresses.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENT } from "../support/patience.ts";

const { sendmmsg } = sys;
afterEach(() => {
	sys.sendmmsg = sendmmsg;
});

interface Sent {
	readonly peer: number;
	readonly bytes: number;
}

const PEERS = 3;

// A few lengths, so that runs come about, and any other between them.
const lengths = fc.oneof(
	fc.constantFrom(0, 1, 64, 64, 64, 1_200, 1_200),
	fc.integer({ min: 0, max: 2_000 }),
);
const runs = fc.record({
	peer: fc.integer({ min: 0, max: PEERS - 1 }),
	bytes: lengths,
	times: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 140 })),
});
const sends: fc.Arbitrary<Sent[]> = fc
	.array(runs, { maxLength: 12, size: "max" })
	.map((all) => all.flatMap(({ times, ...sent }) => new Array<Sent>(times).fill(sent)));

/** Bytes that tell which datagram they belong to. */
function payload(index: number, bytes: number): Buffer {
	const data = Buffer.alloc(bytes, index);
	if (bytes >= 4) data.writeUInt32LE(index);
	return data;
}

async function exchange(
	sent: readonly Sent[],
	host: string,
	sending: DatagramsOptions,
	receiving: DatagramsOptions,
): Promise<void> {
	const local = `udp://${host}:0`;
	const receivers: Datagrams[] = [];
	for (let i = 0; i < PEERS; i++) {
		receivers.push(await datagrams(local, { receiveBufferBytes: 4_194_304, ...receiving }));
	}
	const sender = await datagrams(local, sending);
	try {
		for (const [i, { peer, bytes }] of sent.entries()) {
			await sender.send(payload(i, bytes), receivers[peer]?.address);
		}
		await sender.flush();
		assert.equal(sender.sentCount, sent.length);
		assert.equal(sender.queuedBytes, 0);
		for (const [i, { peer, bytes }] of sent.entries()) {
			const { data } = await (receivers[peer] as Datagrams).receive(PATIENT);
			assert.ok(payload(i, bytes).equals(data), `datagram ${i} arrived with ${data.length} bytes`);
		}
		for (const receiver of receivers) {
			await assert.rejects(receiver.receive({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
		}
	} finally {
		sender.abort();
		for (const receiver of receivers) receiver.abort();
	}
}

for (const host of ["127.0.0.1", "[::1]"]) {
	for (const sending of [true, false]) {
		for (const receiving of [true, false]) {
			test(`any mix of lengths and peers arrives as it was sent (${host}, GSO ${sending}, GRO ${receiving})`, async () => {
				await fc.assert(
					fc.asyncProperty(sends, (sent) =>
						exchange(sent, host, { offload: sending }, { offload: receiving }),
					),
					{ numRuns: 60 },
				);
			});
		}
	}
}

test("runs of one length to one peer leave as few messages", async () => {
	const server = await datagrams("udp://127.0.0.1:0");
	const client = await datagrams("udp://127.0.0.1:0", { connect: server.address });
	let messages = 0;
	sys.sendmmsg = (...call) => {
		const rc = sendmmsg(...call);
		messages += Math.max(0, rc);
		return rc;
	};
	const sending = Array.from({ length: 101 }, () => client.send("0123456789"));
	await Promise.all(sending);
	await client.flush();
	assert.equal(client.sentCount, 101);
	assert.equal(messages, 2);
	for (let i = 0; i < 101; i++) assert.equal((await server.receive()).bytes, 10);
	await Promise.all([client.close(), server.close()]);
});

// A message of several datagrams is refused, as by a network card without checksum offload or a small path MTU.
function refuseSegments(rc: number, from = 0): () => number {
	let refusals = 0;
	sys.sendmmsg = (fd, table, first, count, ...rest) => {
		for (let row = first; row < first + count; row++) {
			const isSegmented = table[row * BATCH_COLUMNS + BATCH_CONTROL_LENGTH] !== 0;
			if (!isSegmented || (table[row * BATCH_COLUMNS + BATCH_DATA_LENGTH] as number) < from)
				continue;
			if (row > first) return sendmmsg(fd, table, first, row - first, ...rest);
			refusals++;
			return rc;
		}
		return sendmmsg(fd, table, first, count, ...rest);
	};
	return () => refusals;
}

for (const [name, rc] of [
	["EIO", EIO],
	["EINVAL", EINVAL],
	["EMSGSIZE", EMSGSIZE],
] as const) {
	test(`${name} for several datagrams in one message sends them one by one, and is remembered`, async () => {
		const refusals = refuseSegments(rc);
		const server = await datagrams("udp://127.0.0.1:0");
		const client = await datagrams("udp://127.0.0.1:0");
		for (let round = 0; round < 3; round++) {
			for (let i = 0; i < 20; i++) {
				await client.send(payload(i, 100), server.address);
			}
			await client.flush();
			for (let i = 0; i < 20; i++) {
				assert.ok(payload(i, 100).equals((await server.receive()).data));
			}
		}
		assert.equal(refusals(), 1);
		assert.equal(client.sentCount, 60);
		assert.equal(client.droppedCount, 0);
		await Promise.all([client.close(), server.close()]);
	});
}

test("a full socket, a full network card and a short count lose nothing and change no order", async () => {
	let calls = 0;
	const server = await datagrams("udp://127.0.0.1:0");
	const client = await datagrams("udp://127.0.0.1:0");
	sys.sendmmsg = (fd, table, first, count, ...rest) => {
		calls++;
		if (calls % 4 === 1) return EAGAIN;
		if (calls % 4 === 2) return ENOBUFS;
		return sendmmsg(fd, table, first, Math.min(count, 2), ...rest);
	};
	for (let i = 0; i < 60; i++) await client.send(payload(i, i % 7), server.address);
	await client.flush();
	for (let i = 0; i < 60; i++) {
		assert.ok(payload(i, i % 7).equals((await server.receive()).data));
	}
	assert.equal(client.sentCount, 60);
	await Promise.all([client.close(), server.close()]);
});

test("a datagram that fails among others is counted and told by flush, and the others arrive", async (t) => {
	// All in one turn.
	t.mock.method(Date, "now", () => 0);
	const server = await datagrams("udp://127.0.0.1:0");
	const client = await datagrams("udp://127.0.0.1:0");
	const unreachable = "udp://255.255.255.255:9";
	for (const to of [server.address, server.address, unreachable, server.address]) {
		await client.send("x", to);
	}
	await assert.rejects(client.flush(), { code: "EACCES", syscall: "sendmmsg", port: 9 });
	await client.flush();
	assert.equal(client.sentCount, 3);
	assert.equal(client.droppedCount, 1);
	for (let i = 0; i < 3; i++) await server.receive();
	await Promise.all([client.close(), server.close()]);
});

test("a connected socket tells a refusal by its next send, and loses no datagram over it", async (t) => {
	// All in one turn.
	t.mock.method(Date, "now", () => 0);
	using refusing = refusingUdpPort();
	const address = `udp://127.0.0.1:${refusing.port}` as const;
	const client = await datagrams(undefined, { connect: address });
	await client.send("refused");
	await client.send("meets the refusal");
	const again = await datagrams(address, { reuseAddress: true });
	// Until the second one has left, together with its like.
	await assert.rejects(client.flush(), { code: "ECONNREFUSED" });
	await client.send("arrives");
	await client.flush();
	assert.equal(Buffer.from((await again.receive()).data).toString(), "meets the refusal");
	assert.equal(Buffer.from((await again.receive()).data).toString(), "arrives");
	await Promise.all([again.close(), client.close()]);
});

test("a full queue makes send wait, or drops and counts", async () => {
	const server = await datagrams(`unix-dgram:${abstractName()}`);
	for (const onFull of ["wait", "drop"] as const) {
		const client = await datagrams(undefined, {
			connect: server.address,
			queueBytes: 1_000,
			onFull,
		});
		const count = 1_000;
		const sending = Array.from({ length: count }, () => client.send("0123456789"));
		assert.ok(client.queuedBytes > 0);
		assert.equal(client.droppedCount > 0, onFull === "drop");
		const expected = count - client.droppedCount;
		for (let i = 0; i < expected; i++) await server.receive();
		await Promise.all(sending);
		await client.flush();
		assert.equal(client.sentCount, expected);
		await assert.rejects(server.receive({ timeoutMs: 5 }), { code: "ERR_TIMEOUT" });
		await client.close();
	}
	await server.close();
});

test("a send that waits for room can be aborted and is then not sent", async () => {
	const server = await datagrams(`unix-dgram:${abstractName()}`);
	const client = await datagrams(undefined, { connect: server.address, queueBytes: 100 });
	const before = Array.from({ length: 1_000 }, () => client.send("0123456789"));
	const aborting = new AbortController();
	const aborted = client.send("never", undefined, { signal: aborting.signal });
	await assert.rejects(client.send("never", undefined, { timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
	aborting.abort();
	await assert.rejects(aborted, { name: "AbortError" });
	for (let i = 0; i < 1_000; i++) assert.equal((await server.receive()).bytes, 10);
	await Promise.all(before);
	await assert.rejects(server.receive({ timeoutMs: 5 }), { code: "ERR_TIMEOUT" });
	await Promise.all([client.close(), server.close()]);
});
