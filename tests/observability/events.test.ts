import assert from "node:assert/strict";
import { closeSync } from "node:fs";
import { test } from "node:test";
import { connect, datagrams, listen, type Stream, socketpair } from "socketry";
import { injectFaults } from "socketry/testing";
import { refusingTcpPort, refusingUdpPort } from "../support/own-addresses.ts";
import { connectedPackets, connectedStreams, withSocketPath } from "../support/pairs.ts";
import { listenTo, type Recorded, record } from "./recording.ts";

function lives(recorded: readonly Recorded[]): string[] {
	return recorded.map(({ event, kind, transport }) => `${event} ${kind} ${transport}`);
}

test("a connection is told of from its opening to its closing, at both ends", async (t) => {
	const recorded = record(t);
	const listener = await listen("tcp://127.0.0.1:0");
	const client = await connect(listener.address);
	const server = await listener.accept();
	await client.write("hello");
	await server.readExactly(5);
	await client.close();
	await server.close();
	listener.close();
	assert.deepEqual(lives(recorded), [
		"opened listener tcp",
		"opened stream tcp",
		"connected stream tcp",
		"opened stream tcp",
		"accepted stream tcp",
		"closed stream tcp",
		"closed stream tcp",
		"closed listener tcp",
	]);
	assert.deepEqual(
		recorded.map(({ source }) => source),
		[listener, client, client, server, server, client, server, listener],
	);
	const [, , connected, , accepted, closed] = recorded;
	assert(connected?.event === "connected" && connected.durationMs > 0);
	assert.deepEqual(connected.address, listener.address);
	assert(accepted?.event === "accepted" && accepted.listener === listener);
	assert(closed?.event === "closed" && closed.how === "closed");
	assert(closed.stats.kind === "stream" && closed.stats.bytesWritten === 5);
	assert.equal(closed.stats.tcp?.state, "ESTABLISHED");
});

test("every manner of closing is told of once", async (t) => {
	const recorded = record(t, ["socketry:opened", "socketry:closed"]);
	const [left, right] = socketpair();
	await Promise.all([left.close(), left.close()]);
	left.abort();
	left.socket.close();
	right.abort();
	const [first, second] = socketpair("seqpacket");
	first.socket.close();
	await first.close();
	second.abort();
	const [one, other] = socketpair("dgram");
	one.socket.close();
	await one.close();
	await other.close();
	const listener = await listen({ transport: "unix" });
	listener.close();
	listener.close();
	const closed = recorded.filter(({ event }) => event === "closed");
	assert.deepEqual(
		closed.map(({ source }) => source),
		[left, right, first, second, one, other, listener],
	);
	assert(closed.every((each) => each.event === "closed" && each.how === "closed"));
	assert.equal(recorded.length, 2 * closed.length);
});

test("a socket that is given away is told of as detached, and of nothing after that", async (t) => {
	const recorded = record(t, ["socketry:closed"]);
	const [left, right] = socketpair();
	const [first, second] = socketpair("seqpacket");
	const [one, other] = socketpair("dgram");
	const listener = await listen({ transport: "unix" });
	const sources = [left, first, one, listener];
	const sockets = sources.map((source) => source.detach());
	assert.deepEqual(
		recorded.map((each) => [each.source, each.event === "closed" && each.how]),
		sources.map((source) => [source, "detached"]),
	);
	for (const socket of sockets) socket.close();
	assert.equal(recorded.length, 4);
	const handedOff = right.socket.detachFd();
	assert(recorded[4]?.event === "closed" && recorded[4].how === "detached");
	assert.equal(recorded[4].source, right);
	closeSync(handedOff);
	second.abort();
	other.abort();
});

test("a connection that breaks is told of once for each direction, a refused one with its address", async (t) => {
	const recorded = record(t, ["socketry:error"]);
	const [client, server] = await connectedStreams("tcp://127.0.0.1:0");
	const reading = server.read();
	client.abort();
	await assert.rejects(reading, { code: "ECONNRESET" });
	await assert.rejects(server.read(), { code: "ECONNRESET" });
	const { source, operation, error } = recorded[0] as Recorded & { event: "error" };
	assert.deepEqual(
		[source, operation, (error as { code?: string }).code],
		[server, "read", "ECONNRESET"],
	);
	server.abort();
	using refusing = refusingTcpPort();
	const gone = { transport: "tcp", host: "127.0.0.1", port: refusing.port } as const;
	await assert.rejects(connect(gone), { code: "ECONNREFUSED" });
	const refused = recorded[1] as Recorded & { event: "error"; operation: "connect" };
	assert.equal(refused.operation, "connect");
	assert.deepEqual(refused.address, gone);
	assert.equal(refused.source, undefined);
	assert.equal((refused.error as { code?: string }).code, "ECONNREFUSED");
	assert(refused.durationMs > 0);
	assert.equal(recorded.length, 2);
});

test("writing to a peer that is gone is told of, closing is no error", async (t) => {
	const recorded = record(t, ["socketry:error"]);
	const [left, right] = socketpair();
	const pending = right.read();
	await left.close();
	await pending;
	await right.write("x");
	await assert.rejects(right.flush(), { code: "EPIPE" });
	right.abort();
	const [first, second] = socketpair("seqpacket");
	const receiving = first.receive();
	await first.close();
	await assert.rejects(receiving, { code: "ERR_CLOSED" });
	await assert.rejects(second.send("x"), { code: "EPIPE" });
	await assert.rejects(second.send("x"), { code: "EPIPE" });
	second.abort();
	assert.deepEqual(
		recorded.map((each) => [each.source, each.event === "error" && each.operation]),
		[
			[right, "write"],
			[second, "send"],
		],
	);
});

test("datagrams: an answer of the network to an earlier one is told of", async (t) => {
	const recorded = record(t, ["socketry:error"]);
	using refusing = refusingUdpPort();
	const socket = await datagrams(undefined, { connect: `udp://127.0.0.1:${refusing.port}` });
	await socket.send("anybody?");
	await assert.rejects(socket.receive(), { code: "ECONNREFUSED" });
	assert.deepEqual(
		recorded.map((each) => [each.source, each.event === "error" && each.operation]),
		[[socket, "receive"]],
	);
	await socket.close();
});

test("a listener whose accept fails tells so", async (t) => {
	const recorded = record(t, ["socketry:error"]);
	const listener = await listen({ transport: "unix" });
	const faults = injectFaults([{ call: "accept4", fail: "EINVAL", fd: listener.socket.fd }]);
	await assert.rejects(listener.accept(), { code: "EINVAL" });
	faults.restore();
	listener.close();
	assert.deepEqual(
		recorded.map((each) => [each.source, each.event === "error" && each.operation]),
		[[listener, "accept"]],
	);
});

test("refused connections are told of, with the reason", async (t) => {
	const recorded = record(t, ["socketry:dropped", "socketry:accepted"]);
	const listener = await listen("tcp://127.0.0.1:0");
	const faults = injectFaults([{ call: "accept4", fail: "EMFILE", fd: listener.socket.fd }]);
	const client = await connect(listener.address);
	const stop = new AbortController();
	const accepting = listener.accept({ signal: stop.signal });
	await client.read().catch(() => {});
	stop.abort();
	await assert.rejects(accepting, { name: "AbortError" });
	faults.restore();
	client.abort();
	listener.close();
	assert.equal(recorded.length, 1);
	const [dropped] = recorded as [Recorded & { event: "dropped" }];
	assert.deepEqual(
		[dropped.source, dropped.what, dropped.count, dropped.code],
		[listener, "connections", 1, "EMFILE"],
	);
});

test("peers that a policy refuses are told of, and have never been opened", async (t) => {
	await withSocketPath(async (path) => {
		const listener = await listen(`unix:${path}`, { allow: () => false });
		const recorded = record(t, ["socketry:dropped", "socketry:accepted", "socketry:opened"]);
		const accepting = listener.accept();
		const client = await connect(`unix:${path}`);
		assert.equal(await client.read(), null);
		listener.close();
		await assert.rejects(accepting, { code: "ERR_CLOSED" });
		await client.close();
		assert.deepEqual(lives(recorded), ["opened stream unix", "dropped listener unix"]);
		const dropped = recorded[1] as Recorded & { event: "dropped" };
		assert.deepEqual([dropped.what, dropped.count], ["peers", 1]);
	});
});

test("datagrams that are dropped on the way out are told of as they are counted", async (t) => {
	const recorded = record(t, ["socketry:dropped"]);
	const receiver = await datagrams({ transport: "unix-dgram" });
	const sender = await datagrams(undefined, {
		connect: receiver.address,
		onFull: "drop",
		queueBytes: 1,
	});
	while (sender.droppedCount === 0) await sender.send("x");
	sender.abort();
	await receiver.close();
	const counts = recorded.map((each) =>
		each.event === "dropped" && each.source === sender ? each.count : 0,
	);
	assert.equal(
		counts.reduce((sum, count) => sum + count, 0),
		sender.droppedCount,
	);
	assert(counts.length > 0 && counts.every((count) => count > 0));
});

test("datagrams that the kernel drops on the way in are told of by the next one that arrives", async (t) => {
	const recorded = record(t, ["socketry:dropped"]);
	const receiver = await datagrams("udp://127.0.0.1:0", {
		receiveBufferBytes: 1,
		details: { missedCount: true },
		offload: false,
	});
	const sender = await datagrams(undefined, { connect: receiver.address, offload: false });
	const full = "x".repeat(1_000);
	for (let i = 0; i < 20; i++) sender.trySend(full);
	while (await receiver.receive({ timeoutMs: 0 }).catch(() => false));
	await sender.send("room again");
	const { missedCount } = await receiver.receive();
	assert(missedCount !== undefined && missedCount > 0);
	const counts = recorded.map((each) =>
		each.event === "dropped" && each.what === "missed" ? each.count : 0,
	);
	assert.equal(
		counts.reduce((sum, count) => sum + count, 0),
		missedCount,
	);
	assert.equal(receiver.stats().missedCount, missedCount);
	await sender.close();
	await receiver.close();
	assert.equal(receiver.stats().missedCount, missedCount);
});

test("descriptors that nobody asked for are told of as refused", async (t) => {
	const recorded = record(t, ["socketry:dropped"]);
	const [left, right] = socketpair();
	await left.write("x", { descriptors: [0] });
	await right.read();
	await withSocketPath(async (path) => {
		const [client, server] = await connectedPackets(`unix-seqpacket:${path}`);
		await client.send("x", { descriptors: [0] });
		await server.receive();
		assert.deepEqual(
			recorded.map((each) => each.event === "dropped" && [each.source, each.what, each.count]),
			[
				[right, "descriptors", 1],
				[server, "descriptors", 1],
			],
		);
		await client.close();
		await server.close();
	});
	await left.close();
	await right.close();
});

test("a program may close a socket from within any of its events", async (t) => {
	const recorded = record(t);
	for (const name of ["socketry:opened", "socketry:closed"] as const) {
		listenTo(t, name, ({ source }) => (source as Stream).abort());
	}
	const [left, right] = socketpair();
	assert(left.closed && right.closed);
	assert.deepEqual(
		recorded.map(({ event }) => event),
		["opened", "closed", "opened", "closed"],
	);
});
