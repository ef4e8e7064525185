/** Descriptors that go along with the messages of a connection: each with its own message, never more than were asked for, none left behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
	connect,
	datagrams,
	give,
	LIMITS,
	listen,
	type PacketStream,
	socketpair,
	UnsupportedError,
} from "socketry";
import { socketpair as rawPair, rightsMessage } from "socketry/socket";
import { sys } from "socketry/sys";
import { PacketStream as PacketStreamClass } from "#src/packet/packet-stream.ts";
import { Connection } from "#src/stream/connection.ts";
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

type Options = Parameters<typeof socketpair>[1];

const SOME = { receiveDescriptors: true };
const F_GETFD = 1;

function withPair(
	options: Options,
	body: (left: PacketStream, right: PacketStream) => Promise<void>,
): Promise<void> {
	return withEnds(socketpair("seqpacket", options), body);
}

async function received(packets: PacketStream): Promise<[text: string, marks: bigint[]]> {
	const message = await packets.receiveMessage();
	assert.ok(message !== null);
	return [String(message.data), takeMarks(message.descriptors)];
}

// Sends until the kernel takes no more. Returns the promises that wait, and how many messages there are.
function fill(packets: PacketStream): { waiting: Promise<void>; count: number } {
	let count = 0;
	while (packets.trySend(`filler ${count}`)) count++;
	return { waiting: packets.send(`filler ${count}`), count: count + 1 };
}

async function drain(packets: PacketStream, count: number): Promise<void> {
	for (let i = 0; i < count; i++) assert.deepEqual(await received(packets), [`filler ${i}`, []]);
}

test("descriptors arrive with their message, in their order, closed on exec and unlike the sender's", async () => {
	await withPair(SOME, async (left, right) => {
		const [one, two, three] = markedMany(3) as [ReturnType<typeof marked>, never, never];
		const marks = [one, two, three].map(markOf);
		await left.send("two", { descriptors: [one, two] });
		await left.send("none");
		await left.send("one", { descriptors: [three] });
		const first = await right.receiveMessage();
		assert.ok(first !== null);
		assert.equal(String(first.data), "two");
		for (const each of first.descriptors) {
			assert.equal(each.kind, "memfd");
			assert.equal(sys.fcntl(each.fd, F_GETFD), 1);
			assert.ok(![one.fd, two, three].includes(each.fd as never));
		}
		assert.deepEqual(takeMarks(first.descriptors), marks.slice(0, 2));
		assert.deepEqual(await received(right), ["none", []]);
		assert.deepEqual(await received(right), ["one", marks.slice(2)]);
		assert.equal(right.messagesReceived, 3);
		assert.equal(right.refusedDescriptorsCount, 0);
		closeAll([one, two, three]);
	});
});

test("what is passed stays open and its owner's, what is given is gone", async () => {
	await withPair(SOME, async (left, right) => {
		const [kept, given] = [marked(), marked()];
		const marks = [kept, given].map(markOf);
		await left.send("", { descriptors: [kept, give(given)] });
		assert.deepEqual([kept.closed, given.closed], [false, true]);
		assert.deepEqual(await received(right), ["", marks]);
		kept.close();
	});
});

test("an empty message can carry descriptors, and the end is none of them", async () => {
	await withPair(SOME, async (left, right) => {
		const each = marked();
		const mark = markOf(each);
		for (let i = 0; i < 20; i++) await left.send("", { descriptors: [each] });
		await left.send("");
		await left.closeWrite();
		each.close();
		for (let i = 0; i < 20; i++) assert.deepEqual(await received(right), ["", [mark]]);
		assert.deepEqual(await received(right), ["", []]);
		assert.equal(await right.receiveMessage(), null);
		assert.equal(await right.receive(), null);
	});
});

test("a receiver that waits is woken by an empty message with descriptors, and by the end", async () => {
	await withPair(SOME, async (left, right) => {
		const each = marked();
		const mark = markOf(each);
		const waiting = received(right);
		await left.send("", { descriptors: [give(each)] });
		assert.deepEqual(await waiting, ["", [mark]]);
		const end = right.receiveMessage();
		await left.closeWrite();
		assert.equal(await end, null);
	});
});

test("messages with descriptors wait in the order of all messages, and depend on nobody's descriptors", async () => {
	await withPair(SOME, async (left, right) => {
		const { waiting, count } = fill(left);
		const [kept, given] = [marked(), marked()];
		const marks = [kept, given].map(markOf);
		const sends = [
			waiting,
			left.send("first", { descriptors: [kept] }),
			left.send("second"),
			left.send("third", { descriptors: [kept, give(given)] }),
		];
		kept.close();
		assert.equal(openMarkedCount(), 3);
		await drain(right, count);
		assert.deepEqual(await received(right), ["first", marks.slice(0, 1)]);
		assert.deepEqual(await received(right), ["second", []]);
		assert.deepEqual(await received(right), ["third", marks]);
		await Promise.all(sends);
		assert.equal(openMarkedCount(), 0);
	});
});

test("duplicates of a message that waits are closed when it is aborted, out of time, or given up", async () => {
	await withPair(SOME, async (left, right) => {
		const { waiting, count } = fill(left);
		const each = marked();
		const controller = new AbortController();
		const { signal } = controller;
		const aborted = left.send("aborted", { descriptors: [each], signal });
		const late = left.send("late", { descriptors: [each], timeoutMs: 5 });
		await assert.rejects(left.send("now", { descriptors: [each], timeoutMs: 0 }), {
			code: "ERR_TIMEOUT",
		});
		assert.equal(left.trySend("now", { descriptors: [each] }), false);
		assert.equal(openMarkedCount(), 3);
		controller.abort();
		await assert.rejects(aborted, { code: "ABORT_ERR" });
		await assert.rejects(late, { code: "ERR_TIMEOUT" });
		assert.equal(openMarkedCount(), 1);
		await drain(right, count);
		await waiting;
		await left.send("after", { descriptors: [give(each)] });
		const [text, marks] = await received(right);
		assert.deepEqual([text, marks.length], ["after", 1]);
	});
	for (const end of ["abort", "close", "peer"] as const) {
		await withPair(SOME, async (left, right) => {
			const { waiting } = fill(left);
			const given = left.send("given up", { descriptors: [give(marked()), give(marked())] });
			if (end === "abort") left.abort();
			else if (end === "close") await assert.rejects(left.close({ timeoutMs: 1 }));
			else right.abort();
			await assert.rejects(given);
			await assert.rejects(waiting);
		});
	}
});

test("with more descriptors than were asked for a message is lost, and the connection goes on", async () => {
	await withPair({ receiveDescriptors: 2 }, async (left, right) => {
		const three = markedMany(3);
		const marks = three.map(markOf);
		await left.send("three", { descriptors: three });
		await left.send("two", { descriptors: three.slice(1) });
		await assert.rejects(right.receiveMessage(), {
			code: "ERR_LIMIT",
			limit: "receiveDescriptors",
			actual: 3,
			allowed: 2,
		});
		assert.equal(openMarkedCount(), 3);
		assert.deepEqual(await received(right), ["two", marks.slice(1)]);
		closeAll(three);
	});
	await withPair(SOME, async (left, right) => {
		const [each] = [marked()];
		const times = (count: number): (typeof each)[] => Array.from({ length: count }, () => each);
		await left.send("17", { descriptors: times(LIMITS.descriptorsAllowedCount + 1) });
		await left.send("16", { descriptors: times(LIMITS.descriptorsAllowedCount) });
		await assert.rejects(right.receiveMessage(), { code: "ERR_LIMIT", actual: 17, allowed: 16 });
		assert.equal((await received(right))[1].length, 16);
		each.close();
	});
});

test("a message can have 253 descriptors, and no more", async () => {
	await withPair({ receiveDescriptors: 253 }, async (left, right) => {
		const each = marked();
		const all = Array.from({ length: 253 }, () => each);
		await left.send("all", { descriptors: all });
		const [text, marks] = await received(right);
		assert.equal(text, "all");
		assert.deepEqual(new Set(marks), new Set([markOf(each)]));
		assert.equal(marks.length, 253);
		await assert.rejects(left.send("more", { descriptors: [...all, each] }), {
			code: "ERR_LIMIT",
			actual: 254,
			allowed: 253,
		});
		assert.throws(() => left.trySend("more", { descriptors: [...all, give(each)] }), {
			code: "ERR_LIMIT",
		});
		assert.equal(each.closed, false);
		assert.equal(left.messagesSent, 1);
		each.close();
	});
});

test("receive() has no place for descriptors: they are closed and counted, the bytes arrive", async () => {
	await withPair(SOME, async (left, right) => {
		const each = marked();
		const many = Array.from({ length: 17 }, () => each);
		for (const text of ["one", "two", "three", "four"])
			await left.send(text, { descriptors: many });
		each.close();
		assert.equal(String(await right.receive()), "one");
		const target = new Uint8Array(10);
		assert.equal(await right.receiveInto(target), 3);
		for await (const message of right) {
			assert.equal(String(message), "three");
			break;
		}
		assert.equal(openMarkedCount(), 0);
		assert.equal(right.refusedDescriptorsCount, 3);
		await assert.rejects(right.receiveMessage(), { code: "ERR_LIMIT" });
		assert.equal(right.refusedDescriptorsCount, 3);
	});
});

test("descriptors that nobody asked for are never opened, and counted with each message", async () => {
	for (const text of ["", "bytes"]) {
		await withPair({}, async (left, right) => {
			const each = marked();
			const send = (): Promise<void> => left.send(text, { descriptors: [each, each] });
			// One by one, while somebody waits, and as many as there are.
			for (let i = 0; i < 20; i++) {
				await send();
				assert.equal(String(await right.receive()), text);
			}
			const waiting = right.receive();
			await send();
			assert.equal(String(await waiting), text);
			let sent = 0;
			while (left.trySend(text, { descriptors: [each] })) sent++;
			for (let i = 0; i < sent; i++) {
				const message = await right.receiveMessage();
				assert.deepEqual([String(message?.data), message?.descriptors], [text, []]);
			}
			await left.send(text);
			await right.receive();
			assert.equal(right.refusedDescriptorsCount, sent + 21);
			assert.equal(openMarkedCount(), 1);
			each.close();
		});
	}
});

test("a message that is too long loses its descriptors with it", async () => {
	for (const maxMessageBytes of [100, 300_000]) {
		await withPair({ ...SOME, maxMessageBytes }, async (left, right) => {
			const each = marked();
			left.socket.setOption("SO_SNDBUF", 1_000_000);
			await left.send(new Uint8Array(maxMessageBytes + 1), { descriptors: [each] });
			await left.send(new Uint8Array(maxMessageBytes), { descriptors: [each] });
			await assert.rejects(right.receiveMessage(), {
				code: "ERR_TRUNCATED",
				actual: maxMessageBytes + 1,
			});
			assert.equal(openMarkedCount(), 1);
			const message = await right.receiveMessage();
			assert.equal(message?.data.length, maxMessageBytes);
			assert.deepEqual(takeMarks(message?.descriptors ?? []), [markOf(each)]);
			each.close();
		});
	}
});

test("one receive at a time, whichever of them it is", async () => {
	await withPair(SOME, async (left, right) => {
		const whole = right.receiveMessage();
		await assert.rejects(right.receive(), { code: "ERR_BUSY" });
		await assert.rejects(right.receive({ timeoutMs: 0 }), { code: "ERR_BUSY" });
		await assert.rejects(right.receiveInto(new Uint8Array(1)), { code: "ERR_BUSY" });
		await assert.rejects(right[Symbol.asyncIterator]().next(), { code: "ERR_BUSY" });
		await assert.rejects(right.receiveMessage(), { code: "ERR_BUSY" });
		await left.send("one");
		assert.equal(String((await whole)?.data), "one");
		const plain = right.receive();
		await assert.rejects(right.receiveMessage({ timeoutMs: 0 }), { code: "ERR_BUSY" });
		await left.send("two");
		assert.equal(String(await plain), "two");
		const closed = right.receiveMessage();
		right.abort();
		await assert.rejects(closed, { code: "ERR_CLOSED" });
		await assert.rejects(right.receiveMessage(), { code: "ERR_CLOSED" });
	});
});

test("connect and listen hand the options to both ends", async () => {
	const address = `unix-seqpacket:${abstractName()}` as const;
	const listener = await listen(address, SOME);
	const [client, server] = await Promise.all([
		connect(address, { receiveDescriptors: 1 }),
		listener.accept(),
	]);
	const each = marked();
	const mark = markOf(each);
	await client.send("up", { descriptors: [each] });
	await server.send("down", { descriptors: [each] });
	await server.send("too many", { descriptors: [each, each] });
	assert.deepEqual(await received(server), ["up", [mark]]);
	assert.deepEqual(await received(client), ["down", [mark]]);
	await assert.rejects(client.receiveMessage(), { code: "ERR_LIMIT", allowed: 1 });
	each.close();
	client.abort();
	server.abort();
	listener.close();
});

test("sockets of every kind arrive as what they are", async () => {
	await withPair(SOME, async (left, right) => {
		const [stream, other] = socketpair();
		const [packets, peer] = socketpair("seqpacket");
		const [datagram, sink] = socketpair("dgram");
		const listener = await listen("tcp://127.0.0.1:0");
		const udp = await datagrams("udp://127.0.0.1:0");
		await left.send("sockets", { descriptors: [stream, packets, datagram, listener, udp] });
		const message = await right.receiveMessage();
		assert.deepEqual(
			message?.descriptors.map(({ kind }) => kind),
			["stream", "packets", "datagrams", "listener", "datagrams"],
		);
		closeAll(message?.descriptors ?? []);
		for (const each of [stream, other, packets, peer, datagram, sink, udp]) each.abort();
		listener.close();
	});
});

test("what cannot be passed is refused before anything is sent, and stays as it was", async () => {
	await withPair(SOME, async (left, right) => {
		const each = marked();
		const gone = marked();
		gone.close();
		const wrong: [unknown, string][] = [
			[[give(each), gone], "ERR_CLOSED"],
			[[give(each), 1_000_000], "EBADF"],
			[[give(each), -1], "ERR_OUT_OF_RANGE"],
			[[give(each), {}], "ERR_INVALID_ARG_TYPE"],
			[each, "ERR_INVALID_ARG_TYPE"],
			["3", "ERR_INVALID_ARG_TYPE"],
		];
		for (const [descriptors, code] of wrong) {
			const options = { descriptors } as never;
			await assert.rejects(left.send("x", options), { code });
			assert.throws(() => left.trySend("x", options), { code });
		}
		const given = { descriptors: [give(each)] };
		await assert.rejects(left.send(5 as never, given), { code: "ERR_INVALID_ARG_TYPE" });
		await assert.rejects(left.send("x", { ...given, signal: AbortSignal.abort() }), {
			code: "ABORT_ERR",
		});
		assert.equal(left.messagesSent, 0);
		assert.equal(each.closed, false);
		await assert.rejects(right.receiveMessage({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
		await left.close();
		await assert.rejects(left.send("x", given), { code: "ERR_CLOSED" });
		assert.equal(each.closed, false);
		each.close();
	});
	for (const receiveDescriptors of [0, 254, 1.5, "yes"]) {
		assert.throws(() => socketpair("seqpacket", { receiveDescriptors } as never), TypeOrRange);
	}
	for (const receiveCredentials of [1, "yes"]) {
		assert.throws(() => socketpair("seqpacket", { receiveCredentials } as never), TypeOrRange);
	}
});

function TypeOrRange(error: unknown): boolean {
	return error instanceof TypeError || error instanceof RangeError;
}

test("over vsock nothing can go along", async () => {
	const [left, right] = rawPair("seqpacket");
	const peer = { transport: "vsock-seqpacket", cid: 1, port: 1 } as const;
	const make = <T>(type: unknown, ...args: unknown[]): T =>
		Reflect.construct(type as new () => T, args) as T;
	const connection = make<Connection>(Connection, left, "vsock-seqpacket", peer, peer);
	for (const options of [SOME, { receiveCredentials: true }]) {
		assert.throws(
			() => make(PacketStreamClass, connection, options),
			(error) => error instanceof UnsupportedError && /only Unix sockets/.test(error.message),
		);
	}
	const packets = make<PacketStream>(PacketStreamClass, connection);
	await assert.rejects(packets.send("x", { descriptors: [right] }), { code: "ERR_UNSUPPORTED" });
	const credentials = { pid: process.pid, uid: 0, gid: 0 };
	await assert.rejects(packets.send("x", { credentials }), { code: "ERR_UNSUPPORTED" });
	packets.abort();
	right.close();
});

test("descriptors of a message without their bytes being asked for are closed with the connection", async () => {
	await withPair(SOME, async (left, right) => {
		for (let i = 0; i < 50; i++) await left.send("", { descriptors: [give(marked())] });
		assert.equal(openMarkedCount(), 0);
		const message = await right.receiveMessage();
		closeAll(message?.descriptors ?? []);
		// One at a time: whatever was not asked for is not open here.
		assert.equal(openMarkedCount(), 0);
		await right.close();
	});
});

test("a message's own descriptors can be raw control messages of other programs", async () => {
	const [raw, socket] = rawPair("seqpacket");
	const packets = PacketStreamClass.over(socket, "unix-seqpacket", SOME);
	const [one, two] = [marked(), marked()];
	raw.trySendmsg([new Uint8Array(2)], {
		control: [rightsMessage([one.fd]), rightsMessage([two.fd])],
	});
	const message = await packets.receiveMessage();
	assert.deepEqual(takeMarks(message?.descriptors ?? []), [markOf(one), markOf(two)]);
	closeAll([one, two, raw]);
	packets.abort();
});
