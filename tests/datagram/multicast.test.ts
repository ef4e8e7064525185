import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { datagrams } from "#src/open/open-datagrams.ts";
import type { Address } from "#src/socket/address.ts";
import {
	IP_MULTICAST_LOOP,
	IP_MULTICAST_TTL,
	IPPROTO_IP,
	IPPROTO_IPV6,
	IPV6_MULTICAST_HOPS,
	IPV6_MULTICAST_IF,
	IPV6_MULTICAST_LOOP,
} from "#src/sys/constants.ts";
import { abstractName } from "../support/pairs.ts";

const LOOPBACK = Number(readFileSync("/sys/class/net/lo/ifindex", "utf8"));

function portOf(address: Address): number {
	assert.ok("port" in address);
	return address.port;
}

test("members of a group get what is sent to it, others do not", async () => {
	const member = await datagrams("udp://0.0.0.0:0", { reuseAddress: true });
	const port = portOf(member.address);
	const stranger = await datagrams(`udp://0.0.0.0:${port}`, { reuseAddress: true });
	const sender = await datagrams("udp://127.0.0.1:0");
	member.multicast.join("239.255.7.1", { interface: "lo" });
	stranger.multicast.join("239.255.7.2", { interface: "lo" });
	sender.multicast.setInterface("lo");
	await sender.send("hello", `udp://239.255.7.1:${port}`);
	assert.equal(Buffer.from((await member.receive()).data).toString(), "hello");
	await assert.rejects(stranger.receive({ timeoutMs: 5 }), { code: "ERR_TIMEOUT" });
	await Promise.all([member.close(), stranger.close(), sender.close()]);
});

test("memberships are listed, refused twice, and end by leaving", async () => {
	const member = await datagrams("udp://0.0.0.0:0");
	const { multicast } = member;
	multicast.join("239.255.7.1", { interface: LOOPBACK });
	multicast.join("232.255.7.1", { interface: "lo", source: "127.0.0.1" });
	assert.deepEqual(multicast.memberships, [
		{ group: "239.255.7.1", interfaceIndex: LOOPBACK, source: undefined },
		{ group: "232.255.7.1", interfaceIndex: LOOPBACK, source: "127.0.0.1" },
	]);
	assert.throws(() => multicast.join("239.255.7.1", { interface: "lo" }), { code: "EADDRINUSE" });
	multicast.leave("239.255.7.1", { interface: "lo" });
	multicast.leave("232.255.7.1", { interface: "lo", source: "127.0.0.1" });
	assert.deepEqual(multicast.memberships, []);
	assert.throws(() => multicast.leave("239.255.7.1", { interface: "lo" }), {
		code: "EADDRNOTAVAIL",
	});
	await member.close();
	assert.throws(() => multicast.join("239.255.7.1"), { code: "ERR_CLOSED" });
});

test("a member of one source gets nothing from others", async () => {
	const member = await datagrams("udp://0.0.0.0:0");
	const chosen = await datagrams("udp://127.0.0.1:0");
	const other = await datagrams("udp://127.0.0.2:0");
	member.multicast.join("232.255.7.2", { interface: "lo", source: "127.0.0.1" });
	const to = `udp://232.255.7.2:${portOf(member.address)}`;
	for (const sender of [other, chosen]) {
		sender.multicast.setInterface("lo");
		await sender.send("x", to);
	}
	assert.deepEqual((await member.receive()).from, chosen.address);
	await assert.rejects(member.receive({ timeoutMs: 5 }), { code: "ERR_TIMEOUT" });
	await Promise.all([member.close(), chosen.close(), other.close()]);
});

test("hop limit, loop and interface reach the kernel, for both families", async () => {
	for (const local of ["udp://127.0.0.1:0", "udp://*:0"]) {
		const socket = await datagrams(local);
		const option = (level: number, name: number): number =>
			new DataView(socket.socket.getsockopt(level, name, 4).buffer).getInt32(0, true);
		socket.multicast.setHopLimit(5);
		socket.multicast.setLoop(false);
		socket.multicast.setInterface("lo");
		assert.equal(option(IPPROTO_IP, IP_MULTICAST_TTL), 5);
		assert.equal(option(IPPROTO_IP, IP_MULTICAST_LOOP), 0);
		if (local.includes("*")) {
			assert.equal(option(IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 5);
			assert.equal(option(IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 0);
			assert.equal(option(IPPROTO_IPV6, IPV6_MULTICAST_IF), LOOPBACK);
		}
		await socket.close();
	}
});

test("a socket of both families joins groups of both", async () => {
	const member = await datagrams("udp://*:0");
	member.multicast.join("239.255.7.4", { interface: "lo" });
	member.multicast.join("ff12::7:4%lo");
	const sender = await datagrams("udp://127.0.0.1:0");
	sender.multicast.setInterface("lo");
	await sender.send("x", `udp://239.255.7.4:${portOf(member.address)}`);
	assert.equal((await member.receive()).bytes, 1);
	assert.deepEqual(member.multicast.memberships.at(1), {
		group: "ff12::7:4",
		interfaceIndex: LOOPBACK,
		source: undefined,
	});
	await Promise.all([member.close(), sender.close()]);
});

test("what is no group is refused", async () => {
	const socket = await datagrams("udp://127.0.0.1:0");
	for (const group of ["127.0.0.1", "ff02::1", "::1", "name", "240.0.0.1", "*"]) {
		assert.throws(() => socket.multicast.join(group), { code: "ERR_INVALID_ADDRESS" }, group);
	}
	assert.throws(() => socket.multicast.join("239.1.1.1", { interface: "no-such-if" }), {
		code: "ERR_INVALID_ADDRESS",
	});
	assert.throws(() => socket.multicast.join("239.1.1.1", { source: "name" }), {
		code: "ERR_INVALID_ADDRESS",
	});
	assert.throws(() => socket.multicast.join("232.1.1.1", { source: "::1" }), {
		code: "ERR_INVALID_ADDRESS",
	});
	assert.throws(() => socket.multicast.setHopLimit(256), { code: "ERR_OUT_OF_RANGE" });
	assert.throws(() => socket.multicast.setInterface(null as unknown as string), {
		code: "ERR_INVALID_ARG_TYPE",
	});
	assert.throws(() => socket.multicast.setInterface(-1), { code: "ERR_OUT_OF_RANGE" });
	// 2 ** 32 + 1, of which 32 bits are the loopback interface.
	assert.throws(() => socket.multicast.setInterface("4294967297"), { code: "ERR_OUT_OF_RANGE" });
	const unix = await datagrams(`unix-dgram:${abstractName()}`);
	assert.throws(() => unix.multicast, { code: "ERR_UNSUPPORTED" });
	await Promise.all([socket.close(), unix.close()]);
});

test("broadcasts need permission", async () => {
	const refused = await datagrams("udp://127.0.0.1:0");
	await assert.rejects(refused.send("x", "udp://127.255.255.255:9"), { code: "EACCES" });
	const server = await datagrams("udp://0.0.0.0:0");
	const sender = await datagrams("udp://127.0.0.1:0", { broadcast: true });
	await sender.send("x", `udp://127.255.255.255:${portOf(server.address)}`);
	assert.equal((await server.receive()).bytes, 1);
	await Promise.all([refused.close(), server.close(), sender.close()]);
});
