import assert from "node:assert/strict";
import { test } from "node:test";
import { PacketStream } from "#src/packet/packet-stream.ts";
import { type Socket, socket, socketpair } from "#src/socket/socket.ts";
import { SO_SNDBUF, SOL_SOCKET } from "#src/sys/constants.ts";
import { BATCH_COLUMNS, BATCH_OUT_BYTES } from "#src/sys/contract.ts";
import { sys } from "#src/sys/current.ts";

function packetPair(maxMessageBytes?: number): [PacketStream, PacketStream] {
	const [left, right] = socketpair("seqpacket");
	return [
		PacketStream.over(left, "unix-seqpacket", { maxMessageBytes }),
		PacketStream.over(right, "unix-seqpacket", { maxMessageBytes }),
	];
}

function text(message: Uint8Array | null): string | null {
	return message === null ? null : Buffer.from(message).toString();
}

async function collect(packets: PacketStream): Promise<string[]> {
	const messages: string[] = [];
	for await (const message of packets) messages.push(String(text(message)));
	return messages;
}

test("messages arrive whole and in order, and the end comes after them", async () => {
	const [left, right] = packetPair();
	const sent = ["one", "two", "x".repeat(100_000), "four"];
	const received = collect(right);
	for (const message of sent) await left.send(message);
	await left.closeWrite();
	assert.deepEqual(await received, sent);
	assert.equal(await right.receive(), null);
	assert.equal(left.sentCount, 4);
	assert.equal(right.receivedCount, 4);
	await Promise.all([left.close(), right.close()]);
});

test("an empty message is a message and not the end", async () => {
	const [left, right] = packetPair();
	await left.send("");
	await left.send("a");
	await left.send(new Uint8Array(0));
	await left.closeWrite();
	assert.deepEqual(await collect(right), ["", "a", ""]);
	await Promise.all([left.close(), right.close()]);
});

// As the kernel does it when the peer sends its last message and ends while a call is between looking for the one and for the other.
for (const [title, rows] of [
	["a message that comes while the kernel finds the end is not lost", 1],
	["nor is one that comes behind the end in the same batch", 8],
] as const) {
	test(title, async (t) => {
		const [left, right] = packetPair();
		const { recvmmsg } = sys;
		let ends = 0;
		const early: typeof recvmmsg = (fd, table, first, count, ...rest) => {
			if (count < rows || ends > 0) return recvmmsg(fd, table, first, count, ...rest);
			ends++;
			table.fill(0, BATCH_OUT_BYTES, BATCH_COLUMNS);
			return 1 + Math.max(0, recvmmsg(fd, table, first + 1, count - 1, ...rest));
		};
		t.mock.method(sys, "recvmmsg", early);
		const sent = Array.from({ length: 100 }, (_, i) => `${i}`);
		await Promise.all(sent.map((message) => left.send(message)));
		await left.closeWrite();
		assert.deepEqual(await collect(right), sent);
		assert.equal(ends, 1);
		assert.equal(await right.receive(), null);
		await Promise.all([left.close(), right.close()]);
	});
}

test("an empty message wakes a receiver that waits, and so does the end", async () => {
	const [left, right] = packetPair();
	const empty = right.receive();
	await left.send("");
	assert.equal((await empty)?.length, 0);
	const end = right.receive();
	await left.closeWrite();
	assert.equal(await end, null);
	await Promise.all([left.close(), right.close()]);
});

test("the peer's end leaves the other direction open", async () => {
	const [left, right] = packetPair();
	await left.send("question");
	await left.closeWrite();
	assert.equal(text(await right.receive()), "question");
	assert.equal(await right.receive(), null);
	await right.send("answer");
	assert.equal(text(await left.receive()), "answer");
	await assert.rejects(left.send("more"), { code: "ERR_CLOSED" });
	await Promise.all([left.close(), right.close()]);
});

test("a full socket queues messages in the order of their calls", async () => {
	const [left, right] = packetPair();
	const count = 2_000;
	const sends = Array.from({ length: count }, (_, i) => left.send(String(i)));
	assert.ok(left.queuedBytes > 0);
	const received: string[] = [];
	for (let i = 0; i < count; i++) received.push(String(text(await right.receive())));
	await Promise.all(sends);
	assert.deepEqual(
		received,
		Array.from({ length: count }, (_, i) => String(i)),
	);
	assert.equal(left.queuedBytes, 0);
	await Promise.all([left.close(), right.close()]);
});

test("a message too large for the socket fails alone", async () => {
	const [left, right] = packetPair();
	left.socket.setsockopt(SOL_SOCKET, SO_SNDBUF, new Uint8Array(new Int32Array([8_192]).buffer));
	await assert.rejects(left.send(new Uint8Array(100_000)), { code: "EMSGSIZE", syscall: "send" });
	await left.send("fits");
	assert.equal(text(await right.receive()), "fits");
	await Promise.all([left.close(), right.close()]);
});

test("a message that exceeds the room is refused with its true length, and the next one comes", async () => {
	const [left, right] = packetPair(100);
	await left.send(new Uint8Array(150));
	await left.send(new Uint8Array(100));
	await assert.rejects(right.receive(), { code: "ERR_TRUNCATED", actual: 150, allowed: 100 });
	assert.equal((await right.receive())?.length, 100);
	await Promise.all([left.close(), right.close()]);
});

test("receiveInto fills the caller's memory and says when it was too small", async () => {
	const [left, right] = packetPair();
	const target = new Uint8Array(4);
	await left.send("abc");
	await left.send("");
	await left.send("abcdef");
	await left.closeWrite();
	assert.equal(await right.receiveInto(target), 3);
	assert.equal(text(target.subarray(0, 3)), "abc");
	assert.equal(await right.receiveInto(target), 0);
	await assert.rejects(right.receiveInto(target), { code: "ERR_TRUNCATED", actual: 6, allowed: 4 });
	assert.equal(text(target), "abcd");
	assert.equal(await right.receiveInto(target), null);
	await Promise.all([left.close(), right.close()]);
});

test("close lets queued messages go", async () => {
	const [left, right] = packetPair();
	const sends = Array.from({ length: 1_000 }, (_, i) => left.send(String(i)));
	const closing = left.close();
	const received = await collect(right);
	assert.equal(received.length, 1_000);
	await closing;
	await Promise.all(sends);
	await right.close();
});

test("close gives up after its time", async () => {
	const [left, right] = packetPair();
	const sends = Array.from({ length: 1_000 }, (_, i) => left.send(String(i)));
	const settled = Promise.allSettled(sends);
	await assert.rejects(left.close({ timeoutMs: 5 }), { code: "ERR_TIMEOUT" });
	const failed = (await settled).filter(({ status }) => status === "rejected");
	assert.ok(failed.length > 0);
	assert.equal(left.queuedBytes, 0);
	await right.close();
});

test("abort rejects what is pending at once", async () => {
	const [left, right] = packetPair();
	const receiving = left.receive();
	const sends = Array.from({ length: 1_000 }, () => left.send("x"));
	const settled = Promise.allSettled(sends);
	left.abort();
	await assert.rejects(receiving, { code: "ERR_CLOSED" });
	assert.ok((await settled).some(({ status }) => status === "rejected"));
	await assert.rejects(left.send("x"), { code: "ERR_CLOSED" });
	await assert.rejects(left.receive(), { code: "ERR_CLOSED" });
	await left.close();
	await right.close();
});

test("an aborted send is withdrawn, an aborted receive consumes nothing", async () => {
	const [left, right] = packetPair();
	const sends = Array.from({ length: 1_000 }, () => left.send("x"));
	const aborting = new AbortController();
	const withdrawn = left.send("never", { signal: aborting.signal });
	aborting.abort("changed my mind");
	await assert.rejects(withdrawn, { name: "AbortError", cause: "changed my mind" });
	const closing = left.close();
	assert.ok(!(await collect(right)).includes("never"));
	await Promise.all([closing, ...sends]);
	await right.close();

	const [first, second] = packetPair();
	await assert.rejects(first.receive({ timeoutMs: 1 }), { code: "ERR_TIMEOUT" });
	await assert.rejects(first.receive({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
	await second.send("kept");
	assert.equal(text(await first.receive()), "kept");
	await Promise.all([first.close(), second.close()]);
});

test("a second receive is refused", async () => {
	const [left, right] = packetPair();
	const first = left.receive();
	await assert.rejects(left.receive(), { code: "ERR_BUSY" });
	await right.send("a");
	assert.equal(text(await first), "a");
	await Promise.all([left.close(), right.close()]);
});

test("a peer that closes with our messages unread resets, after what it had sent", async () => {
	const [left, raw] = socketpair("seqpacket");
	const packets = PacketStream.over(left, "unix-seqpacket");
	await packets.send("unread");
	raw.trySend(Buffer.from("last words"));
	raw.close();
	assert.equal(text(await packets.receive()), "last words");
	await assert.rejects(packets.receive(), { code: "ECONNRESET" });
	await assert.rejects(packets.receive(), { code: "ECONNRESET" });
	await assert.rejects(packets.send("x"), { code: "EPIPE" });
	await packets.close();
});

test("closing does not reset the peer, although messages are unread", async () => {
	const [left, right] = packetPair();
	await right.send("never read");
	await left.send("goodbye");
	await left.close();
	assert.deepEqual(await collect(right), ["goodbye"]);
	await right.close();
});

test("detach gives the socket away only when nothing would be lost", async () => {
	const [left, right] = packetPair();
	// Only where several come close together are messages received ahead.
	for (let i = 0; i < 10; i++) await right.send(`${i}`);
	for (let i = 0; i < 9; i++) assert.equal(text(await left.receive()), `${i}`);
	assert.throws(() => left.detach(), { code: "ERR_BUSY" });
	assert.equal(text(await left.receive()), "9");
	const socketOfLeft: Socket = left.detach();
	assert.ok(left.closed);
	await assert.rejects(left.receive(), { code: "ERR_CLOSED" });
	assert.equal(socketOfLeft.trySend(Buffer.from("by hand")), 7);
	assert.equal(text(await right.receive()), "by hand");
	socketOfLeft.close();
	await right.close();
});

test("descriptors that a peer sends along do not get in", async () => {
	const [left, raw] = socketpair("seqpacket");
	const packets = PacketStream.over(left, "unix-seqpacket");
	const passenger = socket("unix", "dgram");
	// struct cmsghdr { 20, SOL_SOCKET, SCM_RIGHTS } and one descriptor.
	const control = new Uint8Array(new Int32Array([20, 0, 1, 1, passenger.fd, 0]).buffer);
	assert.equal(sys.sendmsg(raw.fd, [Buffer.from("hi")], null, control, 0), 2);
	passenger.close();
	assert.equal(text(await packets.receive()), "hi");
	raw.close();
	await packets.close();
});

test("names and refused arguments", async () => {
	const [left, right] = packetPair();
	assert.deepEqual(left.address, { transport: "unix-seqpacket" });
	assert.deepEqual(left.peer, { transport: "unix-seqpacket" });
	await assert.rejects(left.send(5 as never), { code: "ERR_INVALID_ARG_TYPE" });
	const detached = new Uint8Array(4);
	structuredClone(detached.buffer, { transfer: [detached.buffer] });
	await assert.rejects(left.send(detached), { code: "ERR_INVALID_ARG_VALUE" });
	const refused = socketpair("seqpacket");
	assert.throws(() => PacketStream.over(refused[0], "unix-seqpacket", { maxMessageBytes: 0 }), {
		code: "ERR_OUT_OF_RANGE",
	});
	for (const each of refused) each.close();
	await Promise.all([left.close(), right.close()]);
});

test("empty messages are told from the end however they are received", async () => {
	for (const size of [0, 16]) {
		const [left, right] = packetPair();
		const take = async (): Promise<number | null> =>
			size > 0
				? right.receiveInto(new Uint8Array(size))
				: ((await right.receive())?.length ?? null);
		// Each is waited for, so that an event tells of it; the last comes together with the end.
		for (const word of ["", "a", ""]) {
			const taken = take();
			await left.send(word);
			assert.equal(await taken, word.length);
		}
		const last = take();
		await left.send("");
		await left.close();
		assert.equal(await last, 0);
		assert.equal(await take(), null);
		assert.equal(await take(), null);
		assert.equal(right.receivedCount, 4);
		await right.close();
	}
});
