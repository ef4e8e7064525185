import assert from "node:assert/strict";
import { closeSync, fstatSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { check } from "#src/errors.ts";
import { credentialsMessage, encodeControl, rightsMessage } from "#src/socket/control.ts";
import { decodeMetadata, type Metadata } from "#src/socket/metadata.ts";
import { setOption } from "#src/socket/option.ts";
import { type Socket, socket, socketpair } from "#src/socket/socket.ts";
import * as c from "#src/sys/constants.ts";
import { sys } from "#src/sys/current.ts";

const skip = process.platform === "linux" ? false : "the control messages are those of Linux";

function one(level: number, type: number, ...data: number[]): Metadata {
	return decodeMetadata(encodeControl([{ level, type, data: Uint8Array.from(data) }]));
}

function int64(value: number): number[] {
	return [...new Uint8Array(BigInt64Array.of(BigInt(value)).buffer)];
}

function receive(from: Socket): Metadata {
	const control = new Uint8Array(4_096);
	check(sys.recvmsg(from.fd, [new Uint8Array(64)], null, control, 0, 1_000), "recvmsg");
	return decodeMetadata(control.subarray(0, sys.out[1]));
}

test("each kind of message is decoded", () => {
	const none = { descriptors: [], others: [] };
	const time = [...int64(5), ...int64(7)];
	const cases: [Metadata, Partial<Metadata>][] = [
		[decodeMetadata(new Uint8Array()), {}],
		[one(c.SOL_SOCKET, c.SCM_RIGHTS, 3, 0, 0, 0, 4, 1, 0, 0, 9), { descriptors: [3, 260] }],
		[one(c.SOL_SOCKET, c.SCM_PIDFD, 8, 0, 0, 0), { pidfd: 8 }],
		[one(c.SOL_SOCKET, c.SCM_PIDFD, 0xff, 0xff, 0xff, 0xff), {}],
		[one(c.SOL_SOCKET, c.SCM_SECURITY, 0x61, 0), { securityLabel: "a" }],
		[one(c.SOL_SOCKET, c.SCM_TIMESTAMPNS, ...time), { timestampNs: 5_000_000_007n }],
		[one(c.SOL_SOCKET, c.SCM_TIMESTAMP, ...time), { timestampNs: 5_000_007_000n }],
		[
			one(c.SOL_SOCKET, c.SCM_TIMESTAMPING, ...new Array<number>(32).fill(0), ...time),
			{ hardwareTimestampNs: 5_000_000_007n },
		],
		[one(c.SOL_SOCKET, c.SO_RXQ_OVFL, 0xff, 0xff, 0xff, 0xff), { droppedCount: 4_294_967_295 }],
		[one(c.SOL_SOCKET, c.SO_MARK, 1, 0, 0, 0x80), { mark: 0x8000_0001 }],
		[one(c.IPPROTO_UDP, c.UDP_GRO, 0x78, 5, 0, 0), { segmentBytes: 1_400 }],
		[one(c.IPPROTO_TCP, c.TCP_INQ, 1, 1, 0, 0), { unreadBytes: 257 }],
		[one(c.IPPROTO_IP, c.IP_TTL, 64, 0, 0, 0), { hopLimit: 64 }],
		[one(c.IPPROTO_IPV6, c.IPV6_HOPLIMIT, 65, 0, 0, 0), { hopLimit: 65 }],
		[one(c.IPPROTO_IP, c.IP_TOS, 0xb8), { trafficClass: 0xb8 }],
		[one(c.IPPROTO_IPV6, c.IPV6_TCLASS, 3, 0, 0, 0), { trafficClass: 3 }],
		[
			one(c.IPPROTO_IP, c.IP_PKTINFO, 2, 0, 0, 0, 127, 0, 0, 9, 127, 0, 0, 1),
			{ destination: { host: "127.0.0.1", interfaceIndex: 2 } },
		],
		[
			one(c.IPPROTO_IPV6, c.IPV6_PKTINFO, ...new Array<number>(15).fill(0), 1, 3, 0, 0, 0),
			{ destination: { host: "::1", interfaceIndex: 3 } },
		],
		[
			one(c.IPPROTO_IP, c.IP_RECVORIGDSTADDR, 2, 0, 0, 80, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
			{ originalDestination: { family: "inet", host: "10.0.0.1", port: 80 } },
		],
	];
	for (const [metadata, expected] of cases) assert.deepEqual(metadata, { ...none, ...expected });
});

test("messages that are unknown or too short are kept as they came", () => {
	const cases = [
		[c.SOL_SOCKET, c.SCM_CREDENTIALS, 1, 2, 3],
		[99, 99, 1],
		[-1, -65_535, 1],
		[c.IPPROTO_IP, c.IP_RECVERR, 1, 2, 3, 4],
	] as const;
	for (const [level, type, ...data] of cases) {
		const { others } = one(level, type, ...data);
		assert.deepEqual(others, [{ level, type, data: Uint8Array.from(data) }]);
	}
});

test("any bytes are decoded without an error", () => {
	const kinds = fc.constantFrom<[number, number]>(
		[c.SOL_SOCKET, c.SCM_RIGHTS],
		[c.SOL_SOCKET, c.SCM_SECURITY],
		[c.SOL_SOCKET, c.SCM_TIMESTAMPING],
		[c.IPPROTO_IP, c.IP_RECVORIGDSTADDR],
		[c.IPPROTO_IPV6, c.IPV6_RECVORIGDSTADDR],
		[c.IPPROTO_IPV6, c.IPV6_PKTINFO],
	);
	fc.assert(
		fc.property(
			kinds,
			fc.uint8Array({ maxLength: 64 }),
			fc.nat(100),
			([level, type], data, cut) => {
				const bytes = encodeControl([{ level, type, data }]);
				decodeMetadata(bytes);
				decodeMetadata(bytes.subarray(0, cut));
				decodeMetadata(data);
			},
		),
		{ numRuns: 1_000 },
	);
});

test("descriptors and credentials travel through the kernel", { skip }, () => {
	const [left, right] = socketpair("dgram");
	setOption(right, "SO_PASSCRED", true);
	setOption(right, "SO_TIMESTAMPNS", true);
	const identity = { pid: process.pid, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
	const control = encodeControl([rightsMessage([left.fd, right.fd]), credentialsMessage(identity)]);
	check(sys.sendmsg(left.fd, [Uint8Array.of(1)], null, control, 0), "sendmsg");
	const { descriptors, credentials, timestampNs, others } = receive(right);
	assert.equal(descriptors.length, 2);
	assert.deepEqual(
		descriptors.map((fd) => fstatSync(fd).ino),
		[left.fd, right.fd].map((fd) => fstatSync(fd).ino),
	);
	for (const fd of descriptors) closeSync(fd);
	assert.deepEqual(credentials, identity);
	assert.ok(Math.abs(Number(timestampNs) / 1e6 - Date.now()) < 60_000);
	assert.deepEqual(others, []);
	left.close();
	right.close();
});

test("what the kernel tells of a datagram is decoded", { skip }, () => {
	for (const family of ["inet", "inet6"] as const) {
		const receiver = socket(family, "dgram");
		receiver.bind({ family, host: family === "inet" ? "127.0.0.1" : "::1", port: 0 });
		const isIpv4 = family === "inet";
		setOption(receiver, isIpv4 ? "IP_RECVTTL" : "IPV6_RECVHOPLIMIT", true);
		setOption(receiver, isIpv4 ? "IP_RECVTOS" : "IPV6_RECVTCLASS", true);
		setOption(receiver, isIpv4 ? "IP_PKTINFO" : "IPV6_RECVPKTINFO", true);
		setOption(receiver, isIpv4 ? "IP_RECVORIGDSTADDR" : "IPV6_RECVORIGDSTADDR", true);
		const sender = socket(family, "dgram");
		setOption(sender, isIpv4 ? "IP_TTL" : "IPV6_UNICAST_HOPS", 7);
		setOption(sender, isIpv4 ? "IP_TOS" : "IPV6_TCLASS", 0x20);
		const address = receiver.getsockname();
		sender.connectSync(address);
		check(sys.send(sender.fd, Uint8Array.of(1), 0, 1, 0), "send");
		const metadata = receive(receiver);
		assert.equal(metadata.hopLimit, 7);
		assert.equal(metadata.trafficClass, 0x20);
		assert.equal(metadata.destination?.host, isIpv4 ? "127.0.0.1" : "::1");
		assert.deepEqual(metadata.originalDestination, address);
		assert.deepEqual(metadata.others, []);
		sender.close();
		receiver.close();
	}
});
