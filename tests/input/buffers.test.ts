import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { datagrams, type Stream, socketpair } from "socketry";
import { socketpair as rawPair, type Socket } from "socketry/socket";
import { isPending, settled } from "#src/testing/expectations.ts";
import { PATIENCE_MS } from "../support/patience.ts";
import { assertRefuses } from "../support/refusals.ts";

const BIG = 4 * 1024 * 1024;

// Node 20 has them; the types of ES2022 do not.
type ResizableBuffer = ArrayBuffer & { resize(bytes: number): void };
const Resizable = ArrayBuffer as unknown as new (
	bytes: number,
	options: { maxByteLength: number },
) => ResizableBuffer;
type GrowableBuffer = SharedArrayBuffer & { grow(bytes: number): void };
const Growable = SharedArrayBuffer as unknown as new (
	bytes: number,
	options: { maxByteLength: number },
) => GrowableBuffer;

/** Takes the memory away from a buffer, as a transfer to a worker does. */
function detach(view: ArrayBufferView): void {
	structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
}

/** Views whose memory has gone. */
function detachedViews(): ArrayBufferView[] {
	const views = [
		new Uint8Array(8),
		Buffer.from(new ArrayBuffer(8), 2, 4),
		new DataView(new ArrayBuffer(8)),
		new Float64Array(2),
		new Uint8Array(new Resizable(8, { maxByteLength: 16 })),
	];
	for (const view of views) detach(view);
	const memory = new Resizable(8, { maxByteLength: 16 });
	const outside = new DataView(memory, 4, 4);
	memory.resize(2);
	return [...views, outside];
}

const DETACHED = { code: "ERR_INVALID_ARG_VALUE", message: /must not have a detached buffer/ };

test("a detached buffer is refused by everything that takes one", async () => {
	const [stream, other] = socketpair();
	const [packets, otherPackets] = socketpair("seqpacket");
	const udp = await datagrams("udp://127.0.0.1:0");
	const to = udp.address;
	const [low, otherLow] = rawPair();
	const peer = { family: "unix", abstract: "nobody" } as const;
	for (const view of detachedViews()) {
		const bytes = view as Uint8Array;
		const calls: Readonly<Record<string, () => unknown>> = {
			"Stream.write": () => stream.write(bytes),
			"Stream.readInto": () => stream.readInto(bytes),
			"Stream.readUntil": () => stream.readUntil(bytes),
			"PacketStream.send": () => packets.send(bytes),
			"PacketStream.receiveInto": () => packets.receiveInto(bytes),
			"Datagrams.send": () => udp.send(bytes, to),
			"Datagrams.trySend": () => udp.trySend(bytes, to),
			"Datagrams.sendBatch": () => udp.sendBatch(bytes, 4, to),
			"Socket.read": () => low.read(bytes),
			"Socket.tryRead": () => low.tryRead(bytes),
			"Socket.readSync": () => low.readSync(bytes),
			"Socket.write": () => low.write(bytes),
			"Socket.send": () => low.send(bytes),
			"Socket.recvSync": () => low.recvSync(bytes),
			"Socket.recvfrom": () => low.recvfrom(bytes),
			"Socket.sendto": () => low.sendto(bytes, peer),
			"Socket.recvmsg": () => low.recvmsg([new Uint8Array(1), bytes]),
			"Socket.sendmsg": () => low.sendmsg([bytes]),
			"Socket.sendmsg with control": () =>
				low.sendmsg([], { control: [{ level: 1, type: 1, data: bytes }] }),
			"Socket.setsockopt": () => low.setsockopt(1, 2, bytes),
			"Socket.bind": () => low.bind({ family: "unix", path: "x", bytes }),
		};
		for (const [name, call] of Object.entries(calls)) await assertRefuses(call, DETACHED, name);
	}
	assert.equal(stream.bytesWritten + packets.sentCount + udp.sentCount, 0);
	await Promise.all([stream, other, packets, otherPackets, udp].map((each) => each.close()));
	low.close();
	otherLow.close();
});

const KINDS_OF_MEMORY: Readonly<Record<string, (bytes: number) => ArrayBufferLike>> = {
	plain: (bytes) => new ArrayBuffer(bytes),
	resizable: (bytes) => new Resizable(bytes, { maxByteLength: 2 * bytes }),
	shared: (bytes) => new SharedArrayBuffer(bytes),
	growable: (bytes) => new Growable(bytes, { maxByteLength: 2 * bytes }),
};

for (const [kind, make] of Object.entries(KINDS_OF_MEMORY)) {
	test(`${kind} memory can be sent and received into`, async () => {
		const [left, right] = socketpair();
		for (const size of [1, 100, 10_000, 100_000]) {
			const source = new Uint8Array(make(size + 8), 8).map((_, i) => i % 251);
			const target = new Uint8Array(make(size));
			const writing = left.write(source);
			let filled = 0;
			while (filled < size) filled += await right.readInto(target.subarray(filled));
			await writing;
			assert.deepEqual(Buffer.from(target), Buffer.from(source));
		}
		await Promise.all([left.close(), right.close()]);

		const [one, two] = socketpair("seqpacket");
		const message = new Uint8Array(make(16)).fill(7);
		const room = new Uint8Array(make(16));
		await one.send(message);
		assert.equal(await two.receiveInto(room), 16);
		assert.deepEqual(Buffer.from(room), Buffer.from(message));
		await Promise.all([one.close(), two.close()]);

		const [first, second] = rawPair("dgram");
		assert.equal(first.trySend(message), 16);
		assert.equal(second.tryRecv(room), 16);
		assert.equal(await first.sendmsg([message, message]), 32);
		assert.equal((await second.recvmsg([room, new Uint8Array(make(16))])).bytes, 32);
		assert.equal(first.sendSync(message), 16);
		assert.equal(second.recvSync(room), 16);
		first.close();
		second.close();

		const udp = await datagrams("udp://127.0.0.1:0");
		await udp.sendBatch(message, 4, udp.address);
		for (let i = 0; i < 4; i++) {
			assert.deepEqual(Buffer.from((await udp.receive()).data), Buffer.alloc(4, 7));
		}
		await udp.close();
	});
}

/** Has a stream whose socket is full and whose next write is borrowed, not copied. */
async function clogged(t: TestContext): Promise<[left: Stream, right: Stream, before: number]> {
	const [left, right] = socketpair();
	t.after(() => {
		left.abort();
		right.abort();
	});
	const filling = left.write(new Uint8Array(BIG));
	assert.ok(await isPending(filling));
	return [left, right, BIG];
}

test("a write whose memory goes while it waits fails, and the peer sees no false end", async (t) => {
	const [left, right, before] = await clogged(t);
	const lost = new Uint8Array(100_000).fill(1);
	const writing = left.write(lost);
	detach(lost);
	const outcome = assert.rejects(settled(writing, PATIENCE_MS, "the write"), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /"data" must keep its bytes until its write has settled/,
	});
	let received = 0;
	const reading = (async () => {
		for await (const chunk of right) received += chunk.length;
	})();
	await outcome;
	await assert.rejects(left.write("more"), { code: "ERR_INVALID_ARG_VALUE" });
	await left.close().catch(() => undefined);
	await settled(
		reading.catch(() => undefined),
		PATIENCE_MS,
		"reading",
	);
	assert.ok(received <= before, `${received}`);
});

test("memory that goes while it is borrowed in the middle of a write does no harm", async (t) => {
	const [left, right] = socketpair();
	t.after(() => {
		left.abort();
		right.abort();
	});
	const data = new Uint8Array(BIG).fill(5);
	const writing = left.write(data);
	assert.ok(await isPending(writing));
	detach(data);
	let received = 0;
	const reading = (async () => {
		for await (const chunk of right) {
			assert.ok(chunk.every((byte) => byte === 5));
			received += chunk.length;
		}
	})();
	await assert.rejects(settled(writing, PATIENCE_MS, "the write"), {
		code: "ERR_INVALID_ARG_VALUE",
	});
	left.abort();
	await settled(
		reading.catch(() => undefined),
		PATIENCE_MS,
		"reading",
	);
	assert.ok(received < BIG);
});

test("a batch of datagrams whose memory goes while it waits is told so, and the rest is not sent", async () => {
	const [sender, receiver] = socketpair("dgram");
	const data = new Uint8Array(100_000);
	const sending = sender.sendBatch(data, 10);
	assert.ok(await isPending(sending));
	detach(data);
	const outcome = assert.rejects(settled(sending, PATIENCE_MS, "sendBatch"), {
		code: "ERR_INVALID_ARG_VALUE",
		message: /"data" must keep its bytes until all its datagrams are sent/,
	});
	for (let i = sender.sentCount; i > 0; i--) assert.equal((await receiver.receive()).bytes, 10);
	await outcome;
	assert.ok(sender.sentCount < 10_000);
	await sender.send("it goes on");
	assert.equal(String((await receiver.receive()).data), "it goes on");
	await Promise.all([sender.close(), receiver.close()]);
});

test("a read into memory that goes meanwhile ends with an error, and loses no bytes", async () => {
	const [left, right] = socketpair();
	const target = new Uint8Array(8);
	const reading = left.readInto(target);
	detach(target);
	await right.write("still there");
	await assert.rejects(settled(reading, PATIENCE_MS, "the read"), {
		code: "ERR_INVALID_ARG_VALUE",
	});
	assert.equal(String(await left.readExactly(11)), "still there");
	await Promise.all([left.close(), right.close()]);
});

test("a message read into memory that goes meanwhile stays for the next call", async () => {
	const [left, right] = socketpair("seqpacket");
	const target = new Uint8Array(8);
	const receiving = left.receiveInto(target);
	detach(target);
	await right.send("kept");
	await assert.rejects(settled(receiving, PATIENCE_MS, "receiveInto"), {
		code: "ERR_INVALID_ARG_VALUE",
	});
	assert.equal(String(await left.receive()), "kept");
	await Promise.all([left.close(), right.close()]);
});

test("calls of a Socket that wait when their memory goes are rejected", async () => {
	const [left, right]: [Socket, Socket] = rawPair();
	const calls: Readonly<Record<string, (bytes: Uint8Array) => Promise<unknown>>> = {
		read: (bytes) => left.read(bytes),
		recv: (bytes) => left.recv(bytes),
		recvfrom: (bytes) => left.recvfrom(bytes),
		recvmsg: (bytes) => left.recvmsg([bytes]),
	};
	for (const [name, call] of Object.entries(calls)) {
		const bytes = new Uint8Array(8);
		const waiting = call(bytes);
		detach(bytes);
		right.trySend(new Uint8Array(3));
		const outcome = await settled(
			waiting.then(
				(value) => ({ value }),
				(error: { code?: string }) => ({ code: error.code }),
			),
			PATIENCE_MS,
			name,
		);
		assert.deepEqual(outcome, { code: "ERR_INVALID_ARG_VALUE" }, name);
		assert.equal(left.tryRecv(new Uint8Array(8)), 3, name);
	}
	right.trySend(new Uint8Array(16));
	const [full, receiver] = rawPair("dgram");
	while (full.trySend(new Uint8Array(1_000)) !== undefined);
	for (const call of [
		(bytes: Uint8Array) => full.send(bytes),
		(bytes: Uint8Array) => full.sendmsg([new Uint8Array(1), bytes]),
	]) {
		const bytes = new Uint8Array(8);
		const waiting = call(bytes);
		detach(bytes);
		while (receiver.tryRecv(new Uint8Array(1_000)) !== undefined);
		await assert.rejects(settled(waiting, PATIENCE_MS, "sending"), {
			code: "ERR_INVALID_ARG_VALUE",
		});
		assert.equal(receiver.tryRecv(new Uint8Array(1)), undefined);
		while (full.trySend(new Uint8Array(1_000)) !== undefined);
	}
	for (const end of [left, right, full, receiver]) end.close();
});

test("memory that shrinks while a read waits is never written beyond its end", async () => {
	const [left, right] = socketpair();
	const memory = new Resizable(16, { maxByteLength: 32 });
	const target = new Uint8Array(memory);
	const reading = left.readInto(target);
	memory.resize(4);
	await right.write("0123456789");
	const outcome = await settled(
		reading.then(
			(count) => count,
			(error: { code?: string }) => error.code,
		),
		PATIENCE_MS,
		"the read",
	);
	assert.ok(outcome === 4 || outcome === "ERR_INVALID_ARG_VALUE", String(outcome));
	const rest = outcome === 4 ? 6 : 10;
	assert.equal((await left.readExactly(rest)).length, rest);
	await Promise.all([left.close(), right.close()]);
});

test("datagrams that wait keep their memory, or are told that they lost it", async (t) => {
	const [left, right] = socketpair("dgram");
	t.after(() => {
		left.abort();
		right.abort();
	});
	const waiting: Promise<unknown>[] = [];
	let bytes = new Uint8Array(0);
	do {
		bytes = new Uint8Array(50_000).fill(waiting.length);
		waiting.push(left.send(bytes));
	} while (left.queuedBytes === 0);
	detach(bytes);
	const outcome = settled(
		(waiting.at(-1) as Promise<unknown>).then(
			() => "sent",
			(error: { code?: string }) => error.code,
		),
		PATIENCE_MS,
		"the send",
	);
	const sizes: number[] = [];
	while (sizes.length < waiting.length - 1) sizes.push((await right.receive()).data.length);
	assert.deepEqual(new Set(sizes), new Set([50_000]));
	const told = await outcome;
	assert.ok(told === "sent" || told === "ERR_INVALID_ARG_VALUE", told);
	if (told === "sent") assert.equal((await right.receive()).data.length, 50_000);
});
