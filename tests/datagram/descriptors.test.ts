/** Descriptors that go along with datagrams: each with its own, in order towards each peer, never more than were asked for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
	type Address,
	type Datagrams,
	datagrams,
	give,
	type OpenDatagramsOptions,
	socketpair,
} from "socketry";
import {
	closeAll,
	marked,
	markedMany,
	markOf,
	openMarkedCount,
	takeMarks,
	withEnds,
} from "../support/marked-descriptors.ts";
import { abstractName } from "../support/pairs.ts";

const SOME = { receiveDescriptors: true };

function open(options?: OpenDatagramsOptions): Promise<Datagrams> {
	return datagrams(`unix-dgram:${abstractName()}`, options);
}

async function received(socket: Datagrams): Promise<[text: string, marks: bigint[]]> {
	const { data, descriptors } = await socket.receive();
	assert.ok(descriptors !== undefined);
	return [String(data), takeMarks(descriptors)];
}

// Sends until the peer takes no more; how many it took.
function fill(socket: Datagrams, to?: Address): number {
	let count = 0;
	while (socket.trySend(`filler ${count}`, to)) count++;
	return count;
}

async function drain(socket: Datagrams, count: number): Promise<void> {
	for (let i = 0; i < count; i++) assert.deepEqual(await received(socket), [`filler ${i}`, []]);
}

function withPair(
	options: Parameters<typeof socketpair>[1],
	body: (left: Datagrams, right: Datagrams) => Promise<void>,
): Promise<void> {
	return withEnds(socketpair("dgram", options), body);
}

test("descriptors arrive with their datagram, also with an empty one, and with the sender's address", async () => {
	const [server, client] = [await open(SOME), await open()];
	const [one, two, three] = markedMany(3) as [ReturnType<typeof marked>, never, never];
	const marks = [one, two, three].map(markOf);
	await client.send("two", server.address, { descriptors: [one, two] });
	await client.send("none", server.address);
	await client.send("", server.address, { descriptors: [give(three)] });
	const { data, from, bytes, truncated, descriptors = [] } = await server.receive();
	assert.deepEqual([String(data), from, bytes, truncated], ["two", client.address, 3, false]);
	assert.deepEqual(takeMarks(descriptors), marks.slice(0, 2));
	assert.deepEqual(await received(server), ["none", []]);
	assert.deepEqual(await received(server), ["", marks.slice(2)]);
	assert.deepEqual([server.receivedCount, client.sentCount], [3, 3]);
	closeAll([one, two]);
	assert.equal(openMarkedCount(), 0);
	await Promise.all([server.close(), client.close()]);
});

test("datagrams of one tick keep their order, with descriptors and without", async () => {
	await withPair(SOME, async (left, right) => {
		const all = markedMany(4);
		const marks = all.map(markOf);
		const sends: Promise<void>[] = [];
		for (const [i, each] of all.entries()) {
			sends.push(left.send(`plain ${i}`));
			sends.push(left.send(`with ${i}`, undefined, { descriptors: [give(each)] }));
		}
		for (const [i, mark] of marks.entries()) {
			assert.deepEqual(await received(right), [`plain ${i}`, []]);
			assert.deepEqual(await received(right), [`with ${i}`, [mark]]);
		}
		await Promise.all(sends);
	});
});

test("a connected socket whose peer is full sends everything in order, and depends on nobody's descriptors", async () => {
	await withPair(SOME, async (left, right) => {
		const count = fill(left);
		const [kept, given] = [marked(), marked()];
		const marks = [kept, given].map(markOf);
		const sends = [
			left.send("plain 0"),
			left.send("with 0", undefined, { descriptors: [kept] }),
			left.send("plain 1"),
			left.send("x".repeat(20_000)),
			left.send("with 1", undefined, { descriptors: [kept, give(given)] }),
			left.send("plain 2"),
		];
		kept.close();
		assert.equal(openMarkedCount(), 3);
		await drain(right, count);
		assert.deepEqual(await received(right), ["plain 0", []]);
		assert.deepEqual(await received(right), ["with 0", marks.slice(0, 1)]);
		assert.deepEqual(await received(right), ["plain 1", []]);
		assert.equal((await received(right))[0].length, 20_000);
		assert.deepEqual(await received(right), ["with 1", marks]);
		assert.deepEqual(await received(right), ["plain 2", []]);
		await Promise.all(sends);
		await left.flush();
		assert.equal(left.sentCount, count + 6);
	});
});

test("a peer that is full gets everything in order, and holds up nobody else", async () => {
	const [full, free, client] = [await open(SOME), await open(SOME), await open()];
	const count = fill(client, full.address);
	const [kept, given] = [marked(), marked()];
	const marks = [kept, given].map(markOf);
	const sends = [
		client.send("plain 0", full.address),
		client.send("with 0", full.address, { descriptors: [kept] }),
		client.send("plain 1", full.address),
		client.send("with 1", full.address, { descriptors: [kept, give(given)] }),
		client.send("x".repeat(20_000), full.address),
		client.send("plain 2", full.address),
	];
	assert.equal(client.trySend("late", full.address, { descriptors: [kept] }), false);
	await client.send("to another", free.address, { descriptors: [kept] });
	kept.close();
	assert.deepEqual(await received(free), ["to another", marks.slice(0, 1)]);
	assert.equal(openMarkedCount(), 3);
	await drain(full, count);
	assert.deepEqual(await received(full), ["plain 0", []]);
	assert.deepEqual(await received(full), ["with 0", marks.slice(0, 1)]);
	assert.deepEqual(await received(full), ["plain 1", []]);
	assert.deepEqual(await received(full), ["with 1", marks]);
	assert.equal((await received(full))[0].length, 20_000);
	assert.deepEqual(await received(full), ["plain 2", []]);
	await Promise.all(sends);
	await client.flush();
	assert.equal(openMarkedCount(), 0);
	await Promise.all([full.close(), free.close(), client.close()]);
});

test("duplicates are closed when a datagram that waits is aborted, out of time, dropped or given up", async () => {
	for (const isConnected of [true, false]) {
		const server = await open(SOME);
		const client = await open(isConnected ? { connect: server.address } : {});
		const to = isConnected ? undefined : server.address;
		const count = fill(client, to);
		const each = marked();
		const controller = new AbortController();
		const { signal } = controller;
		const aborted = client.send("aborted", to, { descriptors: [each], signal });
		const late = client.send("late", to, { descriptors: [each], timeoutMs: 5 });
		await assert.rejects(client.send("now", to, { descriptors: [each], timeoutMs: 0 }), {
			code: "ERR_TIMEOUT",
		});
		assert.equal(client.trySend("now", to, { descriptors: [each] }), false);
		assert.equal(openMarkedCount(), 3);
		controller.abort();
		await assert.rejects(aborted, { code: "ABORT_ERR" });
		await assert.rejects(late, { code: "ERR_TIMEOUT" });
		assert.equal(openMarkedCount(), 1);
		const lost = client.send("lost", to, { descriptors: [give(each)] });
		client.abort();
		await assert.rejects(lost, { code: "ERR_CLOSED" });
		assert.equal(openMarkedCount(), 0);
		assert.equal(client.droppedCount, 1);
		await drain(server, count);
		await server.close();
	}
	const [server, client] = [await open(SOME), await open({ onFull: "drop" })];
	const count = fill(client, server.address);
	await client.send("dropped", server.address, { descriptors: [give(marked())] });
	assert.deepEqual([client.droppedCount, openMarkedCount()], [1, 0]);
	await drain(server, count);
	await Promise.all([server.close(), client.close()]);
});

test("with more descriptors than were asked for a datagram is lost, and the socket goes on", async () => {
	for (const maxMessageBytes of [undefined, 300_000]) {
		await withPair({ receiveDescriptors: 2, maxMessageBytes }, async (left, right) => {
			const three = markedMany(3);
			const marks = three.map(markOf);
			await left.send("three", undefined, { descriptors: three });
			await left.send("two", undefined, { descriptors: three.slice(1) });
			await assert.rejects(right.receive(), { code: "ERR_LIMIT", actual: 3, allowed: 2 });
			assert.equal(openMarkedCount(), 3);
			assert.deepEqual(await received(right), ["two", marks.slice(1)]);
			assert.equal(right.receivedCount, 1);
			closeAll(three);
		});
	}
});

test("a loop goes on after nothing but what receive() throws", async () => {
	await withPair({ receiveDescriptors: 1 }, async (left, right) => {
		const each = marked();
		const loop = right[Symbol.asyncIterator]();
		const first = loop.next();
		await left.send("two", undefined, { descriptors: [each, each] });
		await assert.rejects(first, { code: "ERR_LIMIT" });
		await left.send("one", undefined, { descriptors: [each] });
		const { value } = await loop.next();
		assert.deepEqual(takeMarks(value.descriptors), [markOf(each)]);
		each.close();
	});
});

test("descriptors that nobody asked for are never opened, and counted with each datagram", async () => {
	for (const details of [undefined, { timestamp: true }]) {
		await withPair({ details }, async (left, right) => {
			const each = marked();
			const send = (): boolean => left.trySend("x", undefined, { descriptors: [each, each] });
			let count = 0;
			for (let round = 0; round < 5; round++) {
				let sent = 0;
				while (send()) sent++;
				for (let i = 0; i < sent; i++) {
					const datagram = await right.receive();
					assert.equal("descriptors" in datagram, false);
				}
				count += sent;
			}
			while (send()) count++;
			const batches = right.receivedCount;
			for (let left = count - batches; left > 0; left -= (await right.receiveBatch()).count);
			await left.send("plain");
			await right.receive();
			assert.equal(right.refusedDescriptorsCount, count);
			assert.equal(openMarkedCount(), 1);
			each.close();
		});
	}
});

test("a datagram that is cut keeps its descriptors", async () => {
	await withPair(
		{ ...SOME, maxMessageBytes: 4, details: { timestamp: true } },
		async (left, right) => {
			const each = marked();
			const mark = markOf(each);
			await left.send("too long", undefined, { descriptors: [give(each)] });
			const { data, bytes, truncated, timestampNs, descriptors = [] } = await right.receive();
			assert.deepEqual([String(data), bytes, truncated], ["too ", 8, true]);
			assert.equal(typeof timestampNs, "bigint");
			assert.deepEqual(takeMarks(descriptors), [mark]);
		},
	);
});

test("a batch has no owners for descriptors, and passes none", async () => {
	for (const options of [SOME, { receiveCredentials: "pidfd" } as const]) {
		await withPair(options, async (left, right) => {
			await assert.rejects(right.receiveBatch(), {
				code: "ERR_UNSUPPORTED",
				message: /use receive\(\)/,
			});
			const each = marked();
			const data = new Uint8Array(10);
			for (const wrong of [{ descriptors: [give(each)] }, { credentials: { pid: 1 } }]) {
				await assert.rejects(left.sendBatch(data, 5, undefined, wrong as never), {
					code: "ERR_UNSUPPORTED",
					message: /use send\(\)/,
				});
			}
			assert.equal(each.closed, false);
			await left.send("goes on");
			const { descriptors = [], credentials } = await right.receive();
			assert.equal(descriptors.length, 0);
			credentials?.pidfd?.close();
			each.close();
		});
	}
});

test("over UDP nothing can go along", async () => {
	const message = /only Unix sockets can do it/;
	for (const options of [SOME, { receiveCredentials: true }]) {
		await assert.rejects(datagrams("udp://127.0.0.1:0", options), {
			code: "ERR_UNSUPPORTED",
			message,
		});
	}
	const udp = await datagrams("udp://127.0.0.1:0");
	const each = marked();
	const options = { descriptors: [give(each)] };
	await assert.rejects(udp.send("x", udp.address, options), { code: "ERR_UNSUPPORTED", message });
	assert.throws(() => udp.trySend("x", udp.address, options), { code: "ERR_UNSUPPORTED" });
	assert.equal(each.closed, false);
	assert.equal(udp.refusedDescriptorsCount, 0);
	each.close();
	await udp.close();
});

test("what cannot be passed is refused before anything is sent, and stays as it was", async () => {
	await withPair(SOME, async (left, right) => {
		const each = marked();
		const gone = marked();
		gone.close();
		for (const [wrong, code] of [
			[gone, "ERR_CLOSED"],
			[1_000_000, "EBADF"],
			[{}, "ERR_INVALID_ARG_TYPE"],
		] as const) {
			const options = { descriptors: [give(each), wrong] } as never;
			await assert.rejects(left.send("x", undefined, options), { code });
			assert.throws(() => left.trySend("x", undefined, options), { code });
		}
		const given = { descriptors: [give(each)] };
		await assert.rejects(left.send("x", "udp://127.0.0.1:1", given), {
			code: "ERR_INVALID_ADDRESS",
		});
		await assert.rejects(left.send("x", undefined, { ...given, hopLimit: 1 }), {
			code: "ERR_INVALID_ARG_VALUE",
		});
		assert.deepEqual([each.closed, left.sentCount], [false, 0]);
		await left.send("given", undefined, given);
		assert.equal((await received(right))[1].length, 1);
	});
	const alone = await open();
	const each = marked();
	const nobody = { transport: "unix-dgram", abstract: "socketry-nobody" } as const;
	await assert.rejects(alone.send("x", nobody, { descriptors: [give(each)] }), {
		code: "ECONNREFUSED",
		syscall: "sendmsg",
	});
	assert.equal(each.closed, true);
	await alone.close();
});
