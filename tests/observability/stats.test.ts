import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, datagrams, listen, socketpair } from "socketry";
import { injectFaults } from "socketry/testing";
import { connectedStreams } from "../support/pairs.ts";
import { record } from "./recording.ts";

test("a stream tells its bytes, what is queued, and what TCP knows", async () => {
	const [client, server] = await connectedStreams("tcp://127.0.0.1:0");
	await client.write("hello");
	await server.readExactly(3);
	const sent = client.stats();
	assert(Object.isFrozen(sent) && Object.isFrozen(sent.tcp));
	assert.deepEqual(
		{ ...sent, tcp: sent.tcp?.state },
		{
			kind: "stream",
			transport: "tcp",
			bytesRead: 0,
			bytesWritten: 5,
			queuedBytes: 0,
			refusedDescriptorsCount: 0,
			tcp: "ESTABLISHED",
		},
	);
	const { tcp } = sent;
	assert(tcp !== undefined && tcp.rttUs > 0 && tcp.sndCwnd > 0 && tcp.totalRetrans === 0);
	assert.equal(tcp.bytesSent, 5);
	assert.equal(server.stats().bytesRead, 3);
	await Promise.all([client.close(), server.close()]);
	assert.deepEqual(client.stats(), sent);
});

test("a stream that was closed before anybody asked knows nothing of TCP, unless closing was listened to", async (t) => {
	const [first, second] = await connectedStreams("tcp://127.0.0.1:0");
	await Promise.all([first.close(), second.close()]);
	assert.equal(first.stats().tcp, undefined);
	const recorded = record(t, ["socketry:closed"]);
	const [third, fourth] = await connectedStreams("tcp://127.0.0.1:0");
	await third.write("x");
	third.abort();
	fourth.abort();
	assert.equal(third.stats().bytesWritten, 1);
	assert(third.stats().tcp !== undefined);
	assert(recorded.some(({ source }) => source === fourth));
});

test("what waits in a stream is told, and nothing of TCP for others", async () => {
	const [left, right] = socketpair();
	void left.write(new Uint8Array(1_000_000)).catch(() => {});
	const { queuedBytes, bytesWritten, tcp } = left.stats();
	assert(queuedBytes > 0 && queuedBytes < 1_000_000);
	assert.equal(bytesWritten, 1_000_000);
	assert.equal(tcp, undefined);
	left.abort();
	assert.equal(left.stats().queuedBytes, 0);
	right.abort();
});

test("a kernel that does not tell of TCP leaves the rest as it is", async () => {
	const [client, server] = await connectedStreams("tcp://127.0.0.1:0");
	const faults = injectFaults([{ call: "getsockopt", fail: "ENOPROTOOPT", fd: client.socket.fd }]);
	assert.equal(client.stats().tcp, undefined);
	faults.restore();
	client.abort();
	server.abort();
});

test("a connection of messages tells messages and bytes", async () => {
	const [left, right] = socketpair("seqpacket");
	for (const message of ["one", "", "three"]) await left.send(message);
	left.trySend("four");
	assert.deepEqual(String(await right.receive()), "one");
	assert.equal(await right.receiveInto(new Uint8Array(8)), 0);
	for await (const message of right) {
		assert.equal(String(message), "three");
		break;
	}
	const sent = left.stats();
	assert(Object.isFrozen(sent));
	assert.deepEqual(sent, {
		kind: "packets",
		transport: "unix-seqpacket",
		receivedCount: 0,
		sentCount: 4,
		receivedBytes: 0,
		sentBytes: 12,
		queuedBytes: 0,
		refusedDescriptorsCount: 0,
	});
	const { receivedCount, receivedBytes } = right.stats();
	assert.deepEqual([receivedCount, receivedBytes], [3, 8]);
	await left.close();
	await right.close();
	assert.deepEqual(left.stats(), sent);
});

for (const offload of [true, false]) {
	test(`a datagram socket tells every datagram and byte, ${offload ? "with" : "without"} offload`, async () => {
		const receiver = await datagrams("udp://127.0.0.1:0", {
			offload,
			receiveBufferBytes: 1_000_000,
		});
		const sender = await datagrams("udp://127.0.0.1:0", { offload });
		await sender.send("alone", receiver.address);
		for (let i = 0; i < 10; i++) void sender.send("x".repeat(100), receiver.address);
		await sender.flush();
		await sender.sendBatch(new Uint8Array(1_050), 100, receiver.address);
		assert(sender.trySend("now", receiver.address));
		for (let i = 0; i < 2; i++) await receiver.receive();
		while (receiver.receivedCount < 23) await receiver.receiveBatch();
		const sent = sender.stats();
		assert(Object.isFrozen(sent));
		assert.deepEqual(sent, {
			kind: "datagrams",
			transport: "udp",
			receivedCount: 0,
			receivedBytes: 0,
			truncatedCount: 0,
			missedCount: 0,
			sentCount: 23,
			sentBytes: 5 + 1_000 + 1_050 + 3,
			droppedCount: 0,
			queuedBytes: 0,
			refusedDescriptorsCount: 0,
		});
		const { receivedCount, receivedBytes } = receiver.stats();
		assert.deepEqual([receivedCount, receivedBytes], [23, sent.sentBytes]);
		await sender.close();
		await receiver.close();
		assert.deepEqual(sender.stats(), sent);
	});
}

test("a datagram that was cut counts with all its bytes", async () => {
	const [left, right] = socketpair("dgram", { maxMessageBytes: 4 });
	await left.send("longer than that");
	assert((await right.receive()).truncated);
	const { receivedCount, receivedBytes, truncatedCount } = right.stats();
	assert.deepEqual([receivedCount, receivedBytes, truncatedCount], [1, 16, 1]);
	left.abort();
	right.abort();
	assert.equal(right.stats().receivedBytes, 16);
});

test("a listener tells what it has accepted and what waits", async () => {
	const listener = await listen("tcp://127.0.0.1:0", { backlog: 7 });
	const address = listener.address;
	const clients = [await connect(address), await connect(address)];
	const accepted = await listener.accept();
	const stats = listener.stats();
	assert(Object.isFrozen(stats));
	assert.deepEqual(stats, {
		kind: "listener",
		transport: "tcp",
		acceptedCount: 1,
		refusedCount: 0,
		refusedPeersCount: 0,
		queuedCount: 1,
		backlogCount: 7,
	});
	listener.close();
	assert.deepEqual(listener.stats(), { ...stats, queuedCount: 0 });
	for (const each of [...clients, accepted]) each.abort();
	const local = await listen({ transport: "unix" });
	const { queuedCount, backlogCount } = local.stats();
	assert.deepEqual([queuedCount, backlogCount], [undefined, undefined]);
	local.close();
});
