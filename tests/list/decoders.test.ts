import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
	decodeInet,
	encodeInetRequest,
	encodeTcpRequest,
	tcpStatesFor,
} from "#src/list/inet-diag.ts";
import { SOCKET_KINDS, SOCKET_STATES } from "#src/list/kernel-socket.ts";
import {
	encodeDumpRequest,
	errorOf,
	readAttributes,
	readMessages,
	TCPDIAG_GETSOCK,
} from "#src/list/netlink.ts";
import { PROC_FILES, readProcFile } from "#src/list/proc-net.ts";
import { decodeUnix, encodeUnixRequest } from "#src/list/unix-diag.ts";
import { decodeVsock, encodeVsockRequest } from "#src/list/vsock-diag.ts";

/** Every state of TCP but that of connections that are over: number 6 in include/net/tcp_states.h. */
const LIVING_STATES = 0xffff_ffff - (1 << 6);

const bytes = (hex: string): Uint8Array =>
	Uint8Array.from(Buffer.from(hex.replace(/\s/g, ""), "hex"));

/** Little-endian words, as the kernel of a little-endian machine writes them. */
function words(...numbers: readonly number[]): Uint8Array {
	return new Uint8Array(Uint32Array.from(numbers).buffer);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
	return Uint8Array.from(Buffer.concat(parts));
}

function attribute(type: number, value: Uint8Array): Uint8Array {
	const padded = new Uint8Array((value.length + 3) & ~3);
	padded.set(value);
	return join(Uint8Array.of(value.length + 4, 0, type, 0), padded);
}

test("a request is what linux/netlink.h and linux/inet_diag.h say", () => {
	const request = encodeDumpRequest(7, encodeInetRequest(2, 6));
	const header = "48000000 1400 0103 07000000 00000000";
	assert.deepEqual(request, bytes(`${header} 02060a00 ffffffff ${"00".repeat(48)}`));
	const living = encodeInetRequest(2, 6, LIVING_STATES);
	assert.deepEqual(living, bytes(`02060a00 bfffffff ${"00".repeat(48)}`));
	const both = encodeDumpRequest(7, encodeTcpRequest(0xffff_ffff), TCPDIAG_GETSOCK);
	const older = "4c000000 1200 0103 07000000 00000000";
	assert.deepEqual(both, bytes(`${older} 0000000a ${"00".repeat(48)} ffffffff 00000000`));
	assert.equal(encodeUnixRequest().length, 24);
	assert.equal(encodeVsockRequest().length, 24);
});

test("the table of connections is asked for only where one is wanted, or the other end of one", () => {
	assert.equal(tcpStatesFor([]), 0xffff_ffff);
	assert.equal(tcpStatesFor(["time-wait", "listening"]), 0xffff_ffff);
	assert.equal(tcpStatesFor(["close-wait"]), LIVING_STATES);
	assert.equal(tcpStatesFor(["listening", "established"]), LIVING_STATES);
	assert.equal(tcpStatesFor(["unknown"]), LIVING_STATES);
	assert.equal(tcpStatesFor(["listening"]), 0x400);
	assert.equal(tcpStatesFor(["listening", "bound", "unconnected"]), 0x2400);
});

test("a protocol beyond one byte goes into an attribute", () => {
	const request = encodeInetRequest(10, 262);
	assert.equal(request.length, 64);
	assert.deepEqual(request.subarray(56), bytes("0800 0300 06010000"));
});

test("an IPv4 connection is read with its round-trip time", () => {
	const info = new Uint8Array(104);
	const view = new DataView(info.buffer);
	view.setUint32(68, 1234, true);
	view.setUint32(72, 99, true);
	view.setUint32(80, 10, true);
	view.setUint32(100, 3, true);
	info[2] = 1;
	const id = bytes(`0016 d431 7f000001 ${"00".repeat(12)} 7f000002 ${"00".repeat(12)}`);
	const head = join(bytes("02010000"), id, words(0, 5, 6), words(0, 11, 22, 1000, 4711));
	const extra = join(attribute(2, info), attribute(4, Buffer.from("cubic\0")));
	assert.deepEqual(decodeInet("tcp", join(head, extra)), {
		kind: "tcp",
		state: "established",
		inode: 4711,
		local: { family: "inet", host: "127.0.0.1", port: 22 },
		peer: { family: "inet", host: "127.0.0.2", port: 54_321 },
		device: undefined,
		uid: 1000,
		receiveQueue: 11,
		sendQueue: 22,
		tcp: {
			roundTripUs: 1234,
			roundTripVariationUs: 99,
			retransmittedCount: 3,
			unansweredCount: 1,
			congestionWindow: 10,
			congestionControl: "cubic",
		},
	});
});

test("a link-local address has the zone of its interface", () => {
	const host = `fe80${"00".repeat(13)}01`;
	const head = join(bytes(`0a0a0000 0050 0000 ${host} ${"00".repeat(16)}`), words(3, 5, 6));
	const socket = decodeInet("tcp", join(head, words(0, 1, 511, 0, 9)));
	assert.deepEqual(socket?.local, { family: "inet6", host: "fe80::1", port: 80, scope: 3 });
	assert.equal(socket?.peer, undefined);
	assert.equal(socket?.state, "listening");
	assert.equal(socket?.device, 3);
});

test("what waits for its end has neither user nor queues, for the kernel writes zeros there", () => {
	const id = bytes(`0016 d431 7f000001 ${"00".repeat(12)} 7f000002 ${"00".repeat(12)}`);
	const socket = decodeInet(
		"tcp",
		join(bytes("02060300"), id, words(0, 5, 6), words(9, 0, 0, 0, 0)),
	);
	assert.equal(socket?.state, "time-wait");
	assert.equal(socket?.uid, undefined);
	assert.equal(socket?.sendQueue, undefined);
});

test("a Unix listener is read with its file, its queue and those who wait", () => {
	const head = join(bytes("01010a00"), words(77, 1, 0));
	const extra = [
		attribute(0, Buffer.from("/run/x.sock\0")),
		attribute(1, words(55, 2049)),
		attribute(3, words(81, 82)),
		attribute(4, words(2, 511)),
		attribute(7, words(1000)),
	];
	assert.deepEqual(decodeUnix(join(head, ...extra)), {
		kind: "unix",
		state: "listening",
		inode: 77,
		local: { family: "unix", path: "/run/x.sock" },
		uid: 1000,
		receiveQueue: 2,
		sendQueue: 511,
		peerInode: undefined,
		fileInode: 55,
		waitingInodes: [81, 82],
	});
});

test("an abstract name keeps its NULs, and a seqpacket end tells its peer", () => {
	const extra = [attribute(0, Buffer.from("\0a\0b")), attribute(2, words(12))];
	const socket = decodeUnix(join(bytes("01050100"), words(11, 1, 0), ...extra));
	assert.equal(socket?.kind, "unix-seqpacket");
	assert.deepEqual(socket?.local, { family: "unix", abstract: "a\0b" });
	assert.equal(socket?.peerInode, 12);
});

test("a vsock listener and a vsock connection are read", () => {
	const any = 0xffff_ffff;
	const listener = decodeVsock(join(bytes("28010a00"), words(any, 5000, any, any, 42, 1, 0)));
	assert.deepEqual(listener, {
		kind: "vsock",
		state: "listening",
		inode: 42,
		local: { family: "vsock", cid: any, port: 5000 },
		peer: undefined,
	});
	const connection = decodeVsock(join(bytes("28050100"), words(3, 5000, 2, 1024, 43, 1, 0)));
	assert.equal(connection?.kind, "vsock-seqpacket");
	assert.deepEqual(connection?.peer, { family: "vsock", cid: 2, port: 1024 });
});

test("any bytes at all are messages or a cut, and end", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), (input) => {
			const { messages, end } = readMessages(input);
			const used = messages.reduce((sum, { payload }) => sum + payload.length + 16, 0);
			assert.ok(used <= input.length);
			assert.ok(end === "whole" || end === "cut");
			for (const message of messages) assert.ok(errorOf(message) <= 0);
		}),
	);
});

test("messages that were written are read again, whatever comes after them", () => {
	const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 });
	fc.assert(
		fc.property(payloads, fc.uint8Array({ maxLength: 15 }), (contents, rest) => {
			const parts = contents.map((payload, i) => {
				const message = encodeDumpRequest(i, payload);
				return join(message, new Uint8Array(-message.length & 3));
			});
			const { messages, end } = readMessages(join(...parts, rest));
			assert.deepEqual(
				messages.map(({ payload }) => Uint8Array.from(payload)),
				contents,
			);
			assert.equal(end, rest.length === 0 ? "whole" : "cut");
		}),
	);
});

test("attributes of any bytes lie within them", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(220), (input, offset) => {
			for (const value of readAttributes(input, offset).values()) {
				assert.ok(value.byteOffset + value.length <= input.byteOffset + input.length);
			}
		}),
	);
});

test("any payload is a socket with known words, or none", () => {
	const heads = fc.constantFrom([2, 1], [10, 10], [1, 1], [1, 5], [40, 1], [40, 2]);
	fc.assert(
		fc.property(heads, fc.uint8Array({ maxLength: 400 }), (head, rest) => {
			const payload = Uint8Array.from([...head, ...rest]);
			for (const socket of [
				decodeInet("tcp", payload),
				decodeUnix(payload),
				decodeVsock(payload),
			]) {
				if (socket === undefined) continue;
				assert.ok(SOCKET_KINDS.includes(socket.kind));
				assert.ok(SOCKET_STATES.includes(socket.state));
			}
		}),
		{ numRuns: 500 },
	);
});

test("any text of /proc/net is sockets with known words, or none", () => {
	const lines = fc.array(fc.string({ unit: fc.constantFrom(..."0 1:Fa@/\n") }), { maxLength: 20 });
	fc.assert(
		fc.property(fc.constantFrom(...Object.keys(PROC_FILES)), lines, (file, parts) => {
			for (const socket of readProcFile(file, `head\n${parts.join("")}`)) {
				assert.ok(SOCKET_KINDS.includes(socket.kind));
				assert.ok(SOCKET_STATES.includes(socket.state));
				assert.ok(Number.isSafeInteger(socket.inode));
			}
		}),
	);
});

const RECORDED: readonly (readonly [file: string, line: string, socket: object])[] = [
	[
		"tcp",
		"   0: 0100007F:A763 0200007F:0016 01 00000010:00000020 00:00000000 00000000  1000        0 32367287 1 00000000a417d160 100 0 0 10 0",
		{
			kind: "tcp",
			state: "established",
			inode: 32_367_287,
			local: { family: "inet", host: "127.0.0.1", port: 42_851 },
			peer: { family: "inet", host: "127.0.0.2", port: 22 },
			uid: 1000,
			receiveQueue: 32,
			sendQueue: 16,
		},
	],
	[
		"udp6",
		"  100: 00000000000000000000000001000000:14E9 00000000000000000000000000000000:0000 07 00000000:00000300 00:00000000 00000000     0        0 123 2 00000000300df2f6 193487",
		{
			kind: "udp",
			state: "unconnected",
			inode: 123,
			local: { family: "inet6", host: "::1", port: 5353 },
			peer: undefined,
			uid: 0,
			receiveQueue: 768,
			sendQueue: 0,
		},
	],
	[
		"unix",
		"000000006c14597d: 00000002 00000000 00010000 0005 01 321 /run/with a space.sock",
		{
			kind: "unix-seqpacket",
			state: "listening",
			inode: 321,
			local: { family: "unix", path: "/run/with a space.sock" },
		},
	],
	[
		"unix",
		"000000006c14597d: 00000003 00000000 00000000 0001 03 322 @name",
		{ kind: "unix", state: "established", inode: 322, local: { family: "unix", abstract: "name" } },
	],
	[
		"packet",
		"000000001e59bcd6 3      3    0003   2     1 512    1000   444",
		{
			kind: "packet",
			state: "unconnected",
			inode: 444,
			device: 2,
			uid: 1000,
			receiveQueue: 512,
			subject: "0x0003",
		},
	],
	[
		"netlink",
		"000000001e59bcd6 0   1234       00000000 7        8        0     2        0        555     ",
		{
			kind: "netlink",
			state: "unconnected",
			inode: 555,
			receiveQueue: 7,
			sendQueue: 8,
			subject: "route:1234",
		},
	],
];

test("names in /proc/net/unix may have lines and bytes that are no text", () => {
	const row = (inode: number, name: string): string =>
		`0000000000000000: 00000002 00000000 00010000 0001 01 ${inode} ${name}`;
	const bytes = Uint8Array.of(0x2f, 0xff, 0x0a, 0x61);
	const text = ["head", row(1, "/\xff\na"), row(2, "/b\n\nc"), row(3, "@\xff"), ""];
	const [first, second, third, ...others] = readProcFile("unix", text.join("\n"));
	assert.deepEqual(first?.local, { family: "unix", path: "/\ufffd\na", bytes });
	assert.deepEqual(second?.local, { family: "unix", path: "/b\n\nc" });
	assert.deepEqual(third?.local, {
		...{ family: "unix", abstract: "\ufffd", bytes: Uint8Array.of(0xff) },
	});
	assert.deepEqual(others, []);
});

for (const [file, line, socket] of RECORDED) {
	test(`a line of /proc/net/${file} is read: ${line.slice(-24).trim()}`, () => {
		assert.deepEqual(readProcFile(file, `its header\n${line}\n`), [socket]);
	});
}
