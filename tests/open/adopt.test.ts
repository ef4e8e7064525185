import assert from "node:assert/strict";
import { openSync, readdirSync } from "node:fs";
import { test } from "node:test";
import {
	type Address,
	adopt,
	connect,
	datagrams,
	give,
	listen,
	Memfd,
	OwnedDescriptor,
	socketpair,
	supports,
} from "socketry";
import { Socket, socket } from "socketry/socket";
import { Datagrams } from "#src/datagram/datagrams.ts";
import { Listener } from "#src/open/listener.ts";
import { PacketStream } from "#src/packet/packet-stream.ts";
import { Stream } from "#src/stream/stream.ts";
import { sys } from "#src/sys/current.ts";
import { abstractName, withSocketPath } from "../support/pairs.ts";

// Of this thread, by the engine's own count.
function ownedCount(): number {
	sys.engineLedger();
	return sys.out[2] as number;
}

function ownedOf(fd: number): OwnedDescriptor {
	return OwnedDescriptor.fromFd(fd);
}

test("a stream that came along is a Stream again", async () => {
	const [channel, other] = socketpair("stream", { receiveDescriptors: true });
	const listener = await listen("tcp://127.0.0.1:0");
	const client = await connect(listener.address as Address & { transport: "tcp" });
	const server = await listener.accept();
	await channel.write("take over", { descriptors: [give(server)] });
	await other.read();
	const [arrival] = other.takeDescriptors();
	const adopted = adopt(arrival?.descriptors[0] as OwnedDescriptor, { kind: "stream" });
	assert.equal(arrival?.descriptors[0]?.closed, true);
	await client.write("ping");
	assert.equal(String(await adopted.read()), "ping");
	await adopted.write("pong");
	assert.equal(String(await client.read()), "pong");
	assert.deepEqual(adopted.peer, client.address);
	await Promise.all([adopted.close(), client.close(), channel.close(), other.close()]);
	listener.close();
});

test("every kind of socket becomes an object of its class, over every transport", async () => {
	const streams = socketpair("stream");
	const packets = socketpair("seqpacket");
	const messages = socketpair("dgram");
	const made: readonly [new (...all: never[]) => object, OwnedDescriptor, string][] = [
		[Stream, ownedOf(streams[0].detach().detachFd()), "unix"],
		[PacketStream, ownedOf(packets[0].detach().detachFd()), "unix-seqpacket"],
		[Datagrams, ownedOf(messages[0].detach().detachFd()), "unix-dgram"],
		[Listener, ownedOf((await listen("tcp://127.0.0.1:0")).detach().detachFd()), "tcp"],
		[Listener, ownedOf((await listen("tcp://*:0")).detach().detachFd()), "tcp"],
		[Listener, ownedOf((await listen(`unix:${abstractName()}`)).detach().detachFd()), "unix"],
		[
			Listener,
			ownedOf((await listen(`unix-seqpacket:${abstractName()}`)).detach().detachFd()),
			"unix-seqpacket",
		],
		[Datagrams, ownedOf((await datagrams("udp://127.0.0.1:0")).detach().detachFd()), "udp"],
		[
			Datagrams,
			ownedOf((await datagrams(`unix-dgram:${abstractName()}`)).detach().detachFd()),
			"unix-dgram",
		],
		...(await vsockListener()),
	];
	for (const [type, owned, transport] of made) {
		const adopted = adopt(owned) as Stream | PacketStream | Listener<Stream> | Datagrams;
		assert.ok(adopted instanceof type);
		assert.equal((adopted.address as Address).transport, transport);
		assert.equal(owned.closed, true);
		await adopted.close();
	}
	for (const other of [streams[1], packets[1], messages[1]]) other.abort();
});

async function vsockListener(): Promise<[typeof Listener, OwnedDescriptor, string][]> {
	if (!supports("vsock")) return [];
	const listener = await listen("vsock://1:0").catch(() => undefined);
	if (listener === undefined) return [];
	return [[Listener, ownedOf(listener.detach().detachFd()), "vsock"]];
}

test("a listener goes on where it was: connections that are queued are accepted by the new owner", async () => {
	await withSocketPath(async (path) => {
		const listener = await listen(`unix:${path}`);
		const client = await connect(`unix:${path}`);
		await client.write("hello");
		const adopted = adopt(ownedOf(listener.detach().detachFd()), {
			kind: "listener",
			receiveDescriptors: true,
		}) as Listener<Stream>;
		const server = await adopted.accept();
		assert.equal(String(await server.read()), "hello");
		await client.write("x", { descriptors: [0] });
		await server.read();
		const [arrival] = server.takeDescriptors();
		arrival?.descriptors[0]?.close();
		await Promise.all([client.close(), server.close()]);
		adopted.close();
	});
});

test("what has no class stays what it is", () => {
	const file = ownedOf(openSync("/proc/self/status", "r"));
	assert.equal(adopt(file), file);
	const memory = ownedOf(Memfd.create(1).detachFd());
	assert.equal(adopt(memory), memory);
	assert.throws(() => adopt(file, { kind: "stream" }), { code: "ERR_INVALID_ARG_VALUE" });
	assert.equal(file.closed, false);
	file.close();
	memory.close();
	assert.throws(() => adopt(file), { code: "ERR_CLOSED" });
	assert.throws(() => adopt(3 as never), { code: "ERR_INVALID_ARG_TYPE" });
	assert.throws(() => adopt(file, { kind: "file" as never }), { code: "ERR_CLOSED" });
});

test("what cannot be adopted stays its owner's, and nothing leaks", () => {
	const before = readdirSync("/proc/self/fd").length;
	const owned = ownedCount();
	const lonely = ownedOf(socket("unix", "stream").detachFd());
	for (let i = 0; i < 3; i++) assert.throws(() => adopt(lonely), { code: "ENOTCONN" });
	const [left, right] = socketpair("dgram");
	const half = ownedOf(left.detach().detachFd());
	for (const wrong of [{ queueBytes: 0 }, { receiveDescriptors: 0 }, { kind: "stream" as const }]) {
		assert.throws(() => adopt(half, wrong));
		assert.equal(half.closed, false);
	}
	assert.equal(ownedCount(), owned + 3);
	const again = Socket.fromFd(half.detachFd());
	again.close();
	lonely.close();
	right.abort();
	assert.equal(readdirSync("/proc/self/fd").length, before);
	assert.equal(ownedCount(), owned);
});
