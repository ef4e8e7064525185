import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { type Address, parseAddress } from "#src/socket/address.ts";
import type { SocketAddress } from "#src/socket/sockaddr.ts";
import {
	fromSocketAddress,
	type SocketTransport,
	TRANSPORTS,
	toSocketAddress,
	transportOf,
} from "#src/socket/transport.ts";
import { zoneIndex } from "#src/socket/zone.ts";

test("addresses become sockaddrs, and the other way round", () => {
	const cases: [string | Address, SocketAddress][] = [
		["tcp://127.0.0.1:80", { family: "inet", host: "127.0.0.1", port: 80 }],
		["udp://[::1]:80", { family: "inet6", host: "::1", port: 80 }],
		["tcp://[fe80::1%7]:80", { family: "inet6", host: "fe80::1", port: 80, scope: 7 }],
		["unix:/a", { family: "unix", path: "/a" }],
		["unix-dgram:@a", { family: "unix", abstract: "a" }],
		[{ transport: "unix-seqpacket" }, { family: "unix" }],
		["vsock://2:5000", { family: "vsock", cid: 2, port: 5000 }],
	];
	for (const [input, socketAddress] of cases) {
		const address = parseAddress(input);
		assert.deepEqual(toSocketAddress(address), socketAddress);
		const transport = address.transport as SocketTransport;
		assert.deepEqual(fromSocketAddress(transport, socketAddress), address);
	}
});

test("bytes that are no UTF-8 are carried along", () => {
	const bytes = Uint8Array.of(0xff);
	const address: Address = { transport: "unix", path: "\ufffd", bytes };
	assert.deepEqual(toSocketAddress(address), { family: "unix", path: "\ufffd", bytes });
	assert.deepEqual(fromSocketAddress("unix", { family: "unix", path: "\ufffd", bytes }), address);
});

test("any local address is the IPv6 one", () => {
	assert.deepEqual(toSocketAddress(parseAddress("tcp://*:80")), {
		family: "inet6",
		host: "::",
		port: 80,
	});
});

test("what has no sockaddr is refused", () => {
	const refused: [string, RegExp][] = [
		["tcp://localhost:80", /resolve it first/],
		["tcp://[fe80::1%eth0]:80", /give its index/],
		["fd:3", /"fd:3".*open already/],
		["systemd:http", /open already/],
	];
	for (const [text, message] of refused) {
		assert.throws(() => toSocketAddress(parseAddress(text)), {
			code: "ERR_INVALID_ADDRESS",
			message,
		});
	}
	assert.throws(() => fromSocketAddress("tcp", { family: "unix", path: "/a" }), {
		code: "ERR_INVALID_ADDRESS",
		message: /tcp has addresses of family inet6 or inet/,
	});
});

test("a named zone is looked up", () => {
	const address = parseAddress("tcp://[fe80::1%eth0]:80");
	assert.deepEqual(
		toSocketAddress(address, (zone) => zone.length),
		{
			family: "inet6",
			host: "fe80::1",
			port: 80,
			scope: 4,
		},
	);
});

test("family and type name the transport", () => {
	for (const [name, { families, type }] of Object.entries(TRANSPORTS)) {
		for (const family of families) assert.equal(transportOf(family, type), name);
	}
	assert.equal(transportOf("inet", "seqpacket"), undefined);
});

test("zoneIndex() knows the interfaces of this machine", {
	skip: process.platform !== "linux",
}, () => {
	for (const [name, addresses] of Object.entries(networkInterfaces())) {
		const index = zoneIndex(name);
		assert.ok(index > 0);
		for (const address of addresses ?? []) {
			if (address.family === "IPv6" && address.scopeid > 0) assert.equal(index, address.scopeid);
		}
	}
	for (const zone of ["no-such-zone", "..", ".", "a/b", ""]) {
		assert.throws(() => zoneIndex(zone), { code: "ERR_INVALID_ADDRESS" });
	}
});
