import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { datagrams } from "#src/open/open-datagrams.ts";
import { socketpair } from "#src/open/pair.ts";
import type { Address } from "#src/socket/address.ts";
import { refusingUdpPort } from "../support/own-addresses.ts";
import { abstractName } from "../support/pairs.ts";
import { freshPath, text } from "./sockets.ts";

function portOf(address: Address): number {
	assert.ok("port" in address);
	return address.port;
}

for (const local of ["udp://127.0.0.1:0", "udp://[::1]:0", "unix-dgram:"]) {
	const fresh = (): string => (local === "unix-dgram:" ? `${local}${abstractName()}` : local);

	test(`datagrams go both ways, with their sender's address (${local})`, async () => {
		const server = await datagrams(fresh());
		const client = await datagrams(fresh());
		await client.send("question", server.address);
		const { data, from, bytes, truncated } = await server.receive();
		assert.equal(Buffer.from(data).toString(), "question");
		assert.deepEqual(from, client.address);
		assert.equal(bytes, 8);
		assert.equal(truncated, false);
		await server.send("answer", from);
		assert.equal(await text(client), "answer");
		assert.equal(server.receivedCount, 1);
		assert.equal(server.sentCount, 1);
		await Promise.all([server.close(), client.close()]);
	});

	test(`a connected socket needs no address (${local})`, async () => {
		const server = await datagrams(fresh());
		const client = await datagrams(undefined, { connect: server.address });
		assert.deepEqual(client.peer, server.address);
		await client.send("question");
		const { from } = await server.receive();
		assert.deepEqual(from, client.address);
		await server.send("answer", from);
		assert.equal(await text(client), "answer");
		await Promise.all([server.close(), client.close()]);
	});

	test(`empty datagrams and large ones arrive as they are (${local})`, async () => {
		const server = await datagrams(fresh());
		const client = await datagrams(fresh(), { connect: server.address });
		const large = Buffer.alloc(65_507, "abcdefg");
		for (const payload of [Buffer.alloc(0), large, Buffer.from("x"), Buffer.alloc(0)]) {
			await client.send(payload);
			await client.flush();
			const { data, bytes } = await server.receive();
			assert.ok(payload.equals(data));
			assert.equal(bytes, payload.length);
		}
		await Promise.all([server.close(), client.close()]);
	});

	test(`what is longer than maxMessageBytes is cut, marked and counted (${local})`, async () => {
		const server = await datagrams(fresh(), { maxMessageBytes: 100 });
		const client = await datagrams(fresh());
		await client.send(Buffer.alloc(150, 1), server.address);
		await client.send(Buffer.alloc(100, 2), server.address);
		const cut = await server.receive();
		assert.equal(cut.data.length, 100);
		assert.equal(cut.bytes, 150);
		assert.equal(cut.truncated, true);
		const whole = await server.receive();
		assert.equal(whole.truncated, false);
		assert.ok(whole.data.every((byte) => byte === 2));
		assert.equal(server.truncatedCount, 1);
		await Promise.all([server.close(), client.close()]);
	});
}

test("many datagrams of one tick all arrive, in order", async () => {
	const server = await datagrams("udp://127.0.0.1:0", { receiveBufferBytes: 4_194_304 });
	const client = await datagrams("udp://127.0.0.1:0");
	const sends = Array.from({ length: 100 }, (_, i) => client.send(String(i), server.address));
	await Promise.all(sends);
	for (let i = 0; i < 100; i++) assert.equal(await text(server), String(i));
	await Promise.all([server.close(), client.close()]);
});

test("the loop ends when the socket is closed", async () => {
	const server = await datagrams("udp://127.0.0.1:0");
	const client = await datagrams("udp://127.0.0.1:0");
	const loop = (async () => {
		let count = 0;
		for await (const { data } of server) {
			count++;
			if (data.length === 0) void server.close();
		}
		return count;
	})();
	await client.send("a", server.address);
	await client.send("b", server.address);
	await client.send("", server.address);
	assert.equal(await loop, 3);
	const idle = (async () => {
		for await (const _ of client) assert.fail("nothing was sent");
	})();
	await client.close();
	await idle;
});

test("one socket for both families answers both", async () => {
	const server = await datagrams("udp://*:0");
	const port = portOf(server.address);
	for (const [local, to] of [
		["udp://127.0.0.1:0", `udp://127.0.0.1:${port}`],
		["udp://[::1]:0", `udp://[::1]:${port}`],
	] as const) {
		const client = await datagrams(local);
		await client.send("question", to);
		const { from } = await server.receive();
		await server.send("answer", from);
		assert.equal(await text(client), "answer");
		await server.send("unasked", client.address);
		assert.equal(await text(client), "unasked");
		await client.close();
	}
	await server.close();
});

test("a refused datagram is told by the next call of a connected socket, which stays usable", async () => {
	using refusing = refusingUdpPort();
	const address = `udp://127.0.0.1:${refusing.port}` as const;
	const client = await datagrams(undefined, { connect: address });
	await client.send("nobody");
	await assert.rejects(client.receive(), { code: "ECONNREFUSED" });
	const again = await datagrams(address, { reuseAddress: true });
	await client.send("somebody");
	assert.equal(await text(again), "somebody");
	await Promise.all([again.close(), client.close()]);
});

test("after a pause a failure is told to its own call, although nothing ever arrives", async () => {
	const socket = await datagrams("udp://127.0.0.1:0");
	for (let round = 0; round < 3; round++) {
		await assert.rejects(socket.send("x", "udp://255.255.255.255:9"), { code: "EACCES" });
		await Promise.all([socket.send("a", socket.address), socket.send("b", socket.address)]);
		await socket.flush();
		const now = Date.now();
		while (Date.now() === now);
	}
	assert.equal(socket.droppedCount, 0);
	assert.equal(socket.sentCount, 6);
	await socket.close();
});

test("an unconnected socket does not hear of refusals", async () => {
	using refusing = refusingUdpPort();
	const address = `udp://127.0.0.1:${refusing.port}` as const;
	const socket = await datagrams("udp://127.0.0.1:0");
	for (let i = 0; i < 10; i++) await socket.send("nobody", address);
	await assert.rejects(socket.receive({ timeoutMs: 5 }), { code: "ERR_TIMEOUT" });
	await socket.send("myself", socket.address);
	assert.equal(await text(socket), "myself");
	await socket.close();
});

test("a socket file is made with its mode and removed with its socket", async () => {
	const path = freshPath();
	const server = await datagrams({ transport: "unix-dgram", path });
	assert.ok(existsSync(path));
	await assert.rejects(datagrams({ transport: "unix-dgram", path }), { code: "EADDRINUSE" });
	await server.close();
	assert.ok(!existsSync(path));
});

test("an unnamed sender has an unnamed address, and cannot be answered", async () => {
	const server = await datagrams(`unix-dgram:${freshPath()}`);
	const { socket } = await import("#src/socket/socket.ts");
	const unnamed = socket("unix", "dgram");
	assert.ok("path" in server.address);
	unnamed.trySendto(Buffer.from("x"), { family: "unix", path: server.address.path });
	const { from } = await server.receive();
	assert.deepEqual(from, { transport: "unix-dgram" });
	await assert.rejects(server.send("y", from), { code: "ERR_INVALID_ADDRESS" });
	unnamed.close();
	await server.close();
});

test("what cannot be sent is refused before the kernel is asked", async () => {
	const socket = await datagrams("udp://127.0.0.1:0");
	const six = await datagrams("udp://[::1]:0");
	const to = socket.address;
	const detached = new Uint8Array(4);
	structuredClone(detached.buffer, { transfer: [detached.buffer] });
	const refused: [unknown, unknown, string][] = [
		[Buffer.alloc(65_508), to, "ERR_LIMIT"],
		["x", "udp://localhost:1", "ERR_INVALID_ADDRESS"],
		["x", "udp://*:1", "ERR_INVALID_ADDRESS"],
		["x", "udp://127.0.0.1:0", "ERR_INVALID_ADDRESS"],
		["x", "udp://[::1]:1", "ERR_INVALID_ADDRESS"],
		["x", "tcp://127.0.0.1:1", "ERR_INVALID_ADDRESS"],
		["x", "unix-dgram:/x", "ERR_INVALID_ADDRESS"],
		["x", { transport: "udp", host: "udp://127.0.0.1:1", port: 1 }, "ERR_INVALID_ADDRESS"],
		["x", { transport: "udp", host: "127.0.0.1", port: 65_536 }, "ERR_OUT_OF_RANGE"],
		["x", 5, "ERR_INVALID_ARG_TYPE"],
		["x", undefined, "ERR_INVALID_ADDRESS"],
		[5, to, "ERR_INVALID_ARG_TYPE"],
		[detached, to, "ERR_INVALID_ARG_VALUE"],
	];
	for (const [data, destination, code] of refused) {
		await assert.rejects(socket.send(data as never, destination as never), { code });
		assert.throws(() => socket.trySend(data as never, destination as never), { code });
	}
	await assert.rejects(six.send(Buffer.alloc(65_528), six.address), {
		code: "ERR_LIMIT",
		limit: "udpPayloadBytesIpv6",
		allowed: 65_527,
	});
	assert.equal(socket.sentCount, 0);
	await Promise.all([socket.close(), six.close()]);
	await assert.rejects(socket.send("x", to), { code: "ERR_CLOSED" });
	await assert.rejects(socket.receive(), { code: "ERR_CLOSED" });
	assert.throws(() => socket.trySend("x", to), { code: "ERR_CLOSED" });
});

test("an address is not remembered by the object: a changed one goes elsewhere", async () => {
	const [first, second, sender] = await Promise.all([
		datagrams("udp://127.0.0.1:0"),
		datagrams("udp://127.0.0.1:0"),
		datagrams("udp://127.0.0.1:0"),
	]);
	const to = { transport: "udp" as const, host: "127.0.0.1", port: portOf(first.address) };
	await sender.send("first", to);
	to.port = portOf(second.address);
	await sender.send("second", to);
	assert.equal(await text(first), "first");
	assert.equal(await text(second), "second");
	await Promise.all([first.close(), second.close(), sender.close()]);
});

test("addresses of kinds without datagrams are refused", async () => {
	for (const address of ["tcp://127.0.0.1:0", "unix:/tmp/x"]) {
		await assert.rejects(datagrams(address), { code: "ERR_INVALID_ADDRESS" });
	}
	await assert.rejects(datagrams("udp://127.0.0.1:0", { connect: "unix-dgram:/x" }), {
		code: "ERR_INVALID_ADDRESS",
	});
	await assert.rejects(datagrams("udp://127.0.0.1:0", { connect: "udp://[::1]:9" }), {
		code: "ERR_INVALID_ADDRESS",
	});
});

test("a pair of sockets needs no addresses", async () => {
	const [left, right] = socketpair("dgram");
	await left.send("to the right");
	assert.equal(await text(right), "to the right");
	await right.send("to the left");
	assert.equal(await text(left), "to the left");
	assert.deepEqual(left.peer, { transport: "unix-dgram" });
	await Promise.all([left.close(), right.close()]);
});

test("an inherited descriptor becomes a datagram socket, if it is one", async () => {
	const first = await datagrams("udp://127.0.0.1:0");
	const { address } = first;
	const fd = first.socket.detachFd();
	const second = await datagrams(`fd:${fd}`);
	assert.deepEqual(second.address, address);
	await second.send("x", address);
	assert.equal(await text(second), "x");
	await second.close();
	const [left, right] = socketpair("stream");
	await assert.rejects(datagrams(`fd:${left.socket.fd}`), { code: "ERR_INVALID_ADDRESS" });
	await left.write("untouched");
	assert.equal(String(await right.read()), "untouched");
	await Promise.all([left.close(), right.close()]);
});

test("an aborted signal closes the socket", async () => {
	const closing = new AbortController();
	const socket = await datagrams("udp://127.0.0.1:0", { signal: closing.signal });
	const receiving = socket.receive();
	closing.abort();
	await assert.rejects(receiving, { code: "ERR_CLOSED" });
	assert.ok(socket.closed);
	await assert.rejects(datagrams("udp://127.0.0.1:0", { signal: closing.signal }), {
		name: "AbortError",
	});
});

test("a datagram that is there is received although the time was up before the event loop looked", async () => {
	// They arrive before their sends return.
	const [client, server] = socketpair("dgram");
	for (const word of ["one", "two"]) await client.send(word);
	await client.flush();
	assert.equal(await text(server), "one");
	const second = server.receive({ timeoutMs: 1 });
	const late = performance.now() + 5;
	while (performance.now() < late);
	assert.equal(Buffer.from((await second).data).toString(), "two");
	await assert.rejects(server.receive({ timeoutMs: 1 }), { code: "ERR_TIMEOUT" });
	await Promise.all([server.close(), client.close()]);
});
