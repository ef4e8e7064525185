import assert from "node:assert/strict";
import type { Socket as DgramSocket, RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { describe, test } from "node:test";
import { BusyError, datagrams, socketpair, UnsupportedError } from "socketry";
import { toDgram } from "socketry/node";
import { socket as openSocket } from "socketry/socket";
import { refusingUdpPort } from "../support/own-addresses.ts";
import { assertIdle } from "../support/patience.ts";

interface Place {
	readonly host: string;
	readonly port: number;
}

const LOOPBACK = "udp://127.0.0.1:0";

/** The next so many messages, in order. */
async function take(socket: DgramSocket, count: number): Promise<[string, RemoteInfo][]> {
	const taken: [string, RemoteInfo][] = [];
	return await new Promise((resolve) => {
		socket.on("message", (data, info) => {
			taken.push([String(data), info]);
			if (taken.length === count) resolve(taken);
		});
	});
}

async function end(socket: DgramSocket): Promise<void> {
	socket.close();
	await once(socket, "close");
}

describe("toDgram()", () => {
	test("what was read ahead, what waits in the kernel and what follows come in order", async () => {
		const receiver = await datagrams(LOOPBACK);
		const sender = await datagrams(LOOPBACK);
		const to = receiver.address;
		for (let i = 0; i < 40; i++) await sender.send(`${i}`, to);
		await sender.flush();
		assert.equal(String((await receiver.receive()).data), "0");
		const socket = await toDgram(receiver);
		assert.equal(receiver.closed, true);
		const messages = take(socket, 40);
		await sender.send("last", to);
		await sender.flush();
		const texts = (await messages).map(([text]) => text);
		assert.deepEqual(texts, [...Array.from({ length: 39 }, (_, i) => `${i + 1}`), "last"]);
		const [, info] = (await messages)[0] as [string, RemoteInfo];
		const { host, port } = sender.address as Place;
		assert.deepEqual({ ...info }, { address: host, family: "IPv4", port, size: 1 });
		assert.equal(socket.address().port, (to as Place).port);
		await sender.close();
		await end(socket);
	});

	test("datagrams that the kernel has glued together come one by one", async () => {
		const receiver = await datagrams(LOOPBACK);
		const sender = await datagrams(LOOPBACK);
		const to = receiver.address;
		const batch = Buffer.alloc(100 * 50, "x");
		// A batch turns gluing on; the second one is glued.
		await sender.sendBatch(batch, 100, to);
		await receiver.receiveBatch();
		await sender.sendBatch(batch, 100, to);
		const socket = await toDgram(receiver);
		const messages = take(socket, 51);
		await sender.sendBatch(batch.subarray(0, 100), 100, to);
		assert.ok((await messages).every(([text]) => text.length === 100));
		await sender.close();
		await end(socket);
	});

	test("it sends, and a connected one is connected without a moment in which it is not", async () => {
		const peer = await datagrams(LOOPBACK);
		const socket = await toDgram(await datagrams(LOOPBACK, { connect: peer.address }));
		assert.equal(socket.remoteAddress().port, (peer.address as Place).port);
		socket.send("to the peer");
		const { data, from } = await peer.receive();
		assert.equal(String(data), "to the peer");
		assert.equal((from as Place).port, socket.address().port);
		const messages = take(socket, 1);
		await peer.send("answer", from);
		assert.equal((await messages)[0]?.[0], "answer");
		socket.disconnect();
		const free = await toDgram(await datagrams(LOOPBACK));
		free.send("by name", (peer.address as Place).port, "localhost");
		assert.equal(String((await peer.receive()).data), "by name");
		await Promise.all([end(socket), end(free), peer.close()]);
	});

	test("IPv6 is udp6", async () => {
		const receiver = await datagrams("udp://[::1]:0");
		const sender = await datagrams("udp://[::1]:0");
		const socket = await toDgram(receiver);
		const messages = take(socket, 1);
		await sender.send("six", receiver.address);
		assert.equal((await messages)[0]?.[1].family, "IPv6");
		await sender.close();
		await end(socket);
	});

	test("queued datagrams leave first", async () => {
		const receiver = await datagrams(LOOPBACK);
		const sender = await datagrams(LOOPBACK);
		for (let i = 0; i < 20; i++) void sender.send(`${i}`, receiver.address);
		const socket = await toDgram(sender);
		for (let i = 0; i < 20; i++) assert.equal(String((await receiver.receive()).data), `${i}`);
		await receiver.close();
		await end(socket);
	});

	test("nobody else can bind its port", async () => {
		const receiver = await datagrams(LOOPBACK);
		const { port } = receiver.address as Place;
		const socket = await toDgram(receiver);
		const thief = openSocket("inet", "dgram");
		thief.setOption("SO_REUSEADDR", true);
		assert.throws(() => thief.bind({ family: "inet", host: "127.0.0.1", port }), {
			code: "EADDRINUSE",
		});
		thief.close();
		await end(socket);
	});

	test("errors that the library had asked the kernel for do not wake Node for ever", async () => {
		using refusing = refusingUdpPort();
		const { port } = refusing;
		const sender = await datagrams(LOOPBACK, { onNetworkError: () => undefined });
		const socket = await toDgram(sender);
		socket.send("nobody", port, "127.0.0.1");
		await assertIdle(100, 60_000);
		await end(socket);
	});

	test("an unreferenced socket stays so", async () => {
		const socket = await toDgram((await datagrams(LOOPBACK)).unref());
		const key = Object.getOwnPropertySymbols(socket).find(
			(each) => each.description === "state symbol",
		);
		const states = socket as unknown as Record<symbol, { handle: { hasRef(): boolean } }>;
		assert.equal(states[key as symbol]?.handle.hasRef(), false);
		await end(socket);
	});

	test("a pending receive and other kinds are refused", async () => {
		const receiver = await datagrams(LOOPBACK);
		const pending = receiver.receive({ timeoutMs: 20 });
		await assert.rejects(toDgram(receiver), BusyError);
		await assert.rejects(pending, { code: "ERR_TIMEOUT" });
		await receiver.close();
		const [left, right] = socketpair("dgram");
		await assert.rejects(toDgram(left), UnsupportedError);
		await Promise.all([left.close(), right.close()]);
		await assert.rejects(toDgram({} as never), { code: "ERR_INVALID_ARG_TYPE" });
	});
});
