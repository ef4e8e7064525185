/** The kernel says that a socket is ready and then that it is not: that must cost a turn of the event loop, and nobody's patience. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, datagrams, listen, socketpair } from "socketry";
import { type FaultyCall, injectFaults } from "socketry/testing";
import { abstractName } from "../support/pairs.ts";

const STORM = 1_000;
const CPU_US_MAX = 50_000;
/** A busy machine, or a collection of garbage, may spoil an attempt. */
const ATTEMPTS = 5;

test("1,000 times nothing to read costs less than 50 ms", async () => {
	const [left, right] = socketpair();
	await left.write("at last");
	await storm("recv", async () => {
		assert.equal(String(await right.readExactly(7)), "at last");
		await left.write("at last");
	});
	left.abort();
	right.abort();
});

test("1,000 times no room to write costs less than 50 ms", async () => {
	const [left, right] = socketpair();
	await storm("send", async () => {
		await left.write("at last");
		await left.flush();
		assert.equal(String(await right.readExactly(7)), "at last");
	});
	left.abort();
	right.abort();
});

test("1,000 times no message costs less than 50 ms", async () => {
	const [left, right] = socketpair("seqpacket");
	await storm("recv", async () => {
		const received = right.receive();
		await left.send("at last");
		assert.equal(String(await received), "at last");
	});
	left.abort();
	right.abort();
});

test("1,000 times no room for a message costs less than 50 ms", async () => {
	const [left, right] = socketpair("seqpacket");
	await storm("send", async () => {
		await left.send("at last");
		assert.equal(String(await right.receive()), "at last");
	});
	left.abort();
	right.abort();
});

test("1,000 times no datagram costs less than 50 ms", async () => {
	const server = await datagrams("udp://127.0.0.1:0");
	const client = await datagrams("udp://127.0.0.1:0", { connect: server.address });
	await storm("recvfrom", async () => {
		await client.send("at last");
		assert.equal(String((await server.receive()).data), "at last");
	});
	server.abort();
	client.abort();
});

test("1,000 times no connection costs less than 50 ms", async () => {
	const address = `unix:${abstractName()}` as const;
	const listener = await listen(address);
	await storm("accept4", async () => {
		const [client, server] = await Promise.all([connect(address), listener.accept()]);
		client.abort();
		server.abort();
	});
	listener.close();
});

test("a listener whose queue is full is asked again until there is room", async () => {
	const address = `unix:${abstractName()}` as const;
	const listener = await listen(address);
	using _ = injectFaults([{ call: "connect", fail: "EAGAIN", times: 10 }]);
	const [client, server] = await Promise.all([connect(address), listener.accept()]);
	client.abort();
	server.abort();
	listener.close();
});

async function storm(call: FaultyCall, operate: () => Promise<void>): Promise<void> {
	let best = Number.POSITIVE_INFINITY;
	for (let attempt = 0; attempt < ATTEMPTS && best >= CPU_US_MAX; attempt++) {
		using faults = injectFaults([{ call, fail: "EAGAIN", times: STORM }]);
		const cpu = process.cpuUsage();
		await operate();
		const { user, system } = process.cpuUsage(cpu);
		assert.equal(faults.hits, STORM);
		best = Math.min(best, user + system);
	}
	assert.ok(best < CPU_US_MAX, `${best} us of processor time`);
}
