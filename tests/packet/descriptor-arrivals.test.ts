/** Descriptors that come along with messages, those that nobody asked for among them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, datagrams, give, LIMITS, listen, socketpair } from "socketry";
import { socketpair as rawPair, rightsMessage } from "socketry/socket";
import { sys } from "socketry/sys";
import { PacketStream as PacketStreamClass } from "#src/packet/packet-stream.ts";
import {
	closeAll,
	marked,
	markedMany,
	markOf,
	openMarkedCount,
	takeMarks,
} from "../support/marked-descriptors.ts";
import { abstractName } from "../support/pairs.ts";
import { received, SOME, withPair } from "./descriptor-pairs.ts";

const F_GETFD = 1;

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
		assert.equal(right.receivedCount, 3);
		assert.equal(right.refusedDescriptorsCount, 0);
		closeAll([one, two, three]);
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
