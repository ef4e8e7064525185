import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { rightsMessage } from "socketry/socket";
import type { Engine, Sys } from "socketry/sys";
import { BATCH_COLUMNS, EAGAIN, EBADF, EBUSY, EINVAL, MSG_CTRUNC, sys } from "socketry/sys";
import { encodeControl } from "#src/socket/control.ts";
import { encodeSocketAddress } from "#src/socket/sockaddr.ts";
import { runChild } from "../support/children.ts";

const AF_UNIX = 1;
const SOCK_STREAM_NONBLOCK = 0o4001;
const SOCK_DGRAM_NONBLOCK = 0o4002;

function openPair(t: TestContext): [left: number, right: number] {
	const pair = new Int32Array(2);
	sys.socketpair(AF_UNIX, SOCK_STREAM_NONBLOCK, 0, pair);
	t.after(() => {
		for (const fd of pair) sys.close(fd);
	});
	return [...pair] as [number, number];
}

function rightsBytes(fd: number): Uint8Array {
	return encodeControl([rightsMessage([fd])]);
}

type Kind =
	| "int"
	| "size"
	| "int?"
	| "bytes"
	| "bytes|null"
	| "table"
	| "buffers"
	| "range"
	| "function";
type Call = Exclude<keyof (Sys & Engine), "out">;

/** The arguments of every call; a range is a buffer, an offset and a length. */
const SIGNATURES: Readonly<Record<Call, readonly Kind[]>> = {
	accept4: ["int", "bytes|null", "int", "int?", "int?"],
	bind: ["int", "bytes"],
	close: ["int", "int?"],
	connect: ["int", "bytes", "int?", "int?"],
	dup: ["int"],
	engineArm: ["int", "int"],
	engineDisown: ["int"],
	engineHold: ["int"],
	engineLedger: [],
	engineOwn: ["int"],
	engineSpin: ["int", "int"],
	engineStart: ["function"],
	engineUnwatch: ["int"],
	engineWatch: ["int"],
	fcntl: ["int", "int", "int?"],
	flock: ["int", "int"],
	getpeername: ["int", "bytes"],
	getsockname: ["int", "bytes"],
	getsockopt: ["int", "int", "int", "bytes"],
	listen: ["int", "int"],
	memfd_create: ["bytes", "int"],
	mmap: ["int", "size", "int"],
	pidfd_open: ["int", "int"],
	pidfd_send_signal: ["int", "int"],
	pipe2: ["table", "int"],
	poll: ["table", "int"],
	read: ["int", "range", "int?", "int?"],
	recv: ["int", "range", "int", "int?", "int?"],
	recvfrom: ["int", "range", "int", "bytes|null", "int?", "int?"],
	recvmmsg: ["int", "table", "int", "int", "bytes", "bytes|null", "bytes|null", "int", "int?"],
	recvmsg: ["int", "buffers", "bytes|null", "bytes|null", "int", "int?", "int?"],
	send: ["int", "range", "int", "int?", "int?"],
	sendmmsg: ["int", "table", "int", "int", "bytes", "bytes|null", "bytes|null", "int", "int?"],
	sendmsg: ["int", "buffers", "bytes|null", "bytes|null", "int", "int?", "int?"],
	sendto: ["int", "range", "int", "bytes|null", "int?", "int?"],
	setsockopt: ["int", "int", "int", "bytes"],
	shutdown: ["int", "int"],
	socket: ["int", "int", "int"],
	socketpair: ["int", "int", "int", "table"],
	splice: ["int", "int", "size", "int"],
	write: ["int", "range", "int?", "int?"],
};

const NUMBERS = [Number.NaN, 1.5, 2 ** 31, 2 ** 32 + 5, -(2 ** 31) - 1, Infinity, -Infinity];
const OTHERS = ["1", true, null, 1n, Symbol("s"), {}, [], [1], () => 1, new Date(0)];
const VIEWS = [
	new Uint16Array(8),
	new Int8Array(8),
	new Uint8ClampedArray(8),
	new DataView(new ArrayBuffer(8)),
	new ArrayBuffer(8),
	new SharedArrayBuffer(8),
];

const WRONG: Readonly<Record<Kind, readonly unknown[]>> = {
	int: [...NUMBERS, ...OTHERS, ...VIEWS, undefined],
	"int?": [...NUMBERS, ...OTHERS, ...VIEWS],
	size: [Number.NaN, 1.5, -1, 2 ** 53, Infinity, ...OTHERS, ...VIEWS, undefined],
	bytes: [0, ...OTHERS, ...VIEWS, new Int32Array(8), undefined],
	"bytes|null": [0, ...OTHERS.filter((value) => value !== null), ...VIEWS, new Int32Array(8)],
	table: [0, ...OTHERS, ...VIEWS, new Uint8Array(64), undefined],
	buffers: [
		0,
		...OTHERS.filter((value) => !Array.isArray(value)),
		...VIEWS,
		[1],
		[null],
		undefined,
	],
	range: [0, ...OTHERS, ...VIEWS, new Int32Array(8), undefined],
	function: [0, ...OTHERS.filter((value) => typeof value !== "function"), ...VIEWS, undefined],
};

const RIGHT: Readonly<Record<Kind, readonly unknown[]>> = {
	int: [-1],
	"int?": [0],
	size: [1],
	bytes: [new Uint8Array(8)],
	"bytes|null": [null],
	table: [new Int32Array(0)],
	buffers: [[]],
	range: [new Uint8Array(8), 0, 8],
	function: [() => {}],
};

for (const [name, kinds] of Object.entries(SIGNATURES)) {
	test(`${name} refuses arguments of a wrong type`, () => {
		const call = sys[name as Call];
		for (const [index, kind] of kinds.entries()) {
			for (const wrong of WRONG[kind]) {
				const args = kinds.flatMap((other, i) =>
					i === index ? [wrong, ...RIGHT[other].slice(1)] : RIGHT[other],
				);
				const code =
					typeof wrong === "number" && (kind === "size" || kind.startsWith("int"))
						? "ERR_OUT_OF_RANGE"
						: "ERR_INVALID_ARG_TYPE";
				assert.throws(
					() => Reflect.apply(call, sys, args),
					{ code },
					`${name} argument ${index}: ${typeof wrong}`,
				);
			}
		}
		if (kinds.length === 0) return;
		assert.throws(() => Reflect.apply(call, sys, []), { code: "ERR_INVALID_ARG_TYPE" });
	});
}

test("every function of the addon is in the table of this test", () => {
	const functions = Object.keys(sys).filter((name) => name !== "out");
	assert.deepEqual(functions.sort(), Object.keys(SIGNATURES).sort());
});

test("a number that is no descriptor does not stand for another one", (t) => {
	const [left] = openPair(t);
	for (const fd of [Number.NaN, 2 ** 32 + left, left + 0.5]) {
		assert.throws(() => sys.close(fd), RangeError);
	}
	assert.ok(sys.fcntl(left, 1) >= 0);
	assert.ok(sys.fcntl(0, 1) >= 0);
	for (const fd of [-1, -(2 ** 31), 2 ** 31 - 1]) assert.equal(sys.close(fd), EBADF);
});

test("a range has to lie within its buffer", (t) => {
	const [left] = openPair(t);
	const bytes = new Uint8Array(8);
	const wrong = [
		[-1, 1],
		[0, -1],
		[0, 9],
		[8, 1],
		[9, 0],
		[2 ** 31 - 1, 1],
		[1, 2 ** 31 - 1],
		[-(2 ** 31), -(2 ** 31)],
	] as const;
	for (const [offset, length] of wrong) {
		assert.throws(() => sys.read(left, bytes, offset, length), { code: "ERR_OUT_OF_RANGE" });
		assert.throws(() => sys.send(left, bytes, offset, length, 0), { code: "ERR_OUT_OF_RANGE" });
	}
});

test("a buffer that is detached or has shrunk has no room", (t) => {
	const [left] = openPair(t);
	const detached = new Uint8Array(8);
	structuredClone(detached.buffer, { transfer: [detached.buffer] });
	assert.throws(() => sys.recv(left, detached, 0, 8, 0), { code: "ERR_OUT_OF_RANGE" });
	const Resizable = ArrayBuffer as unknown as new (
		size: number,
		options: { maxByteLength: number },
	) => ArrayBuffer & { resize(size: number): void };
	const resizable = new Resizable(8, { maxByteLength: 16 });
	const tracking = new Uint8Array(resizable);
	const fixed = new Uint8Array(resizable, 4, 4);
	resizable.resize(2);
	assert.throws(() => sys.recv(left, tracking, 0, 8, 0), { code: "ERR_OUT_OF_RANGE" });
	assert.throws(() => sys.recv(left, fixed, 0, 4, 0), { code: "ERR_OUT_OF_RANGE" });
	assert.equal(sys.recv(left, tracking, 0, 2, 0), EAGAIN);
});

test("a batch table cannot point outside its buffers", (t) => {
	const [left] = openPair(t);
	const data = new Uint8Array(64);
	const names = new Uint8Array(16);
	const good = [0, 64, 0, 16, 0, 0, 0, 0, 0, 0];
	const wrongCells: [number, number][] = [
		[0, 1],
		[0, -1],
		[0, 2 ** 31 - 1],
		[1, 65],
		[1, -1],
		[1, 2 ** 31 - 1],
		[2, 1],
		[2, -(2 ** 31)],
		[3, 17],
		[3, -1],
		[4, 1],
		[5, 1],
		[5, -1],
	];
	for (const [column, value] of wrongCells) {
		const table = Int32Array.from(good);
		table[column] = value;
		for (const call of [sys.recvmmsg, sys.sendmmsg]) {
			assert.throws(() => call(left, table, 0, 1, data, names, null, 0), {
				code: "ERR_OUT_OF_RANGE",
			});
		}
	}
	const table = Int32Array.from(good);
	const wrongRows = [
		[0, 2],
		[1, 1],
		[-1, 1],
		[0, -1],
		[2 ** 31 - 1, 2 ** 31 - 1],
		[0, 1_025],
	] as const;
	for (const [first, count] of wrongRows) {
		assert.throws(() => sys.recvmmsg(left, table, first, count, data, names, null, 0), {
			code: "ERR_OUT_OF_RANGE",
		});
	}
	assert.throws(() => sys.recvmmsg(left, table.subarray(1), 0, 1, data, names, null, 0), {
		code: "ERR_OUT_OF_RANGE",
	});
	assert.equal(sys.recvmmsg(left, table, 0, 1, data, names, null, 0), EAGAIN);
	assert.ok(sys.recvmmsg(left, table, 1, 0, data, names, null, 0) <= 0);
	assert.equal(table.length, BATCH_COLUMNS);
});

test("an element of sendmsg's array may throw, or take the memory of another away", (t) => {
	const [left, right] = openPair(t);
	const thrown = new Error("from a getter");
	const throwing = [new Uint8Array(4)];
	Object.defineProperty(throwing, 1, {
		get() {
			throw thrown;
		},
	});
	assert.throws(() => sys.sendmsg(left, throwing, null, null, 0), thrown);

	const first = new Uint8Array(1_000_000);
	const stealing = [first];
	Object.defineProperty(stealing, 1, {
		get() {
			structuredClone(first.buffer, { transfer: [first.buffer] });
			return new Uint8Array([7]);
		},
	});
	assert.equal(sys.sendmsg(left, stealing, null, null, 0), 1);
	const got = new Uint8Array(8);
	assert.equal(sys.recv(right, got, 0, 8, 0), 1);
	assert.equal(got[0], 7);
});

test("the memory shared with the addon cannot be taken away", () => {
	const { buffer } = sys.out;
	assert.throws(() => structuredClone(buffer, { transfer: [buffer as ArrayBuffer] }));
	assert.throws(() => structuredClone(sys.out, { transfer: [buffer as ArrayBuffer] }));
	assert.equal(sys.out.length, 4);
});

test("fcntl takes no command that wants a pointer", (t) => {
	const [left] = openPair(t);
	// F_GETLK to F_SETLKW, F_SETOWN_EX to F_GETOWNER_UIDS, F_OFD_*, F_*_RW_HINT.
	const commands = [5, 6, 7, 15, 16, 17, 36, 37, 38, 1_035, 1_036, 1_037, 1_038];
	for (const command of commands) assert.equal(sys.fcntl(left, command, 0x40_0000), EINVAL);
});

test("getsockopt takes no value that holds addresses", () => {
	const IPPROTO_TCP = 6;
	const TCP_ZEROCOPY_RECEIVE = 35;
	const tcp = sys.socket(2, SOCK_STREAM_NONBLOCK, 0);
	const value = new Uint8Array(64).fill(0x41);
	assert.equal(sys.getsockopt(tcp, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, value), EINVAL);
	sys.close(tcp);
});

test("poll takes at most 64 descriptors", () => {
	assert.equal(sys.poll(new Int32Array(3 * 65), 0), EINVAL);
	assert.equal(sys.poll(new Int32Array(3 * 64).fill(-1), 0), 0);
	assert.equal(sys.poll(new Int32Array(2), 0), 0);
});

test("socketpair needs room for two", () => {
	assert.equal(sys.socketpair(AF_UNIX, SOCK_STREAM_NONBLOCK, 0, new Int32Array(1)), EINVAL);
});

test("an address longer than any is refused, not cut", (t) => {
	const [left] = openPair(t);
	assert.equal(sys.bind(left, new Uint8Array(129)), EINVAL);
	assert.equal(sys.connect(left, new Uint8Array(100_000)), EINVAL);
});

test("closing a descriptor that a socket holds by its number is refused", async () => {
	const { socketpair } = await import("socketry/socket");
	const [one, other] = socketpair();
	assert.equal(sys.close(one.fd), EBUSY);
	const reading = one.recv(new Uint8Array(1));
	assert.equal(sys.close(one.fd), EBUSY);
	assert.equal(sys.close(one.fd, 1), EBUSY);
	other.trySend(new Uint8Array(1));
	assert.equal(await reading, 1);
	const { fd } = one;
	one.close();
	assert.equal(sys.close(fd), EBADF);
	other.close();
});

test("the engine refuses what would end the process or waste its memory", async () => {
	const { code, signal, stdout, stderr } = await runChild(
		new URL("./engine-misuse.child.js", import.meta.url),
	);
	assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" });
	assert.equal(stdout, "survived\n");
});

test("ten thousand random calls do no harm beyond their buffers", async () => {
	const { code, signal, stdout, stderr } = await runChild(
		new URL("./random-calls.child.js", import.meta.url),
		{ args: ["10000", "1"] },
	);
	assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" });
	assert.match(stdout, /^10000 calls/);
});

test("recv and recvfrom tell that control messages were dropped, when they are asked to", (t) => {
	const [left, right] = openPair(t);
	const bytes = new Uint8Array(8);
	const rights = rightsBytes(left);
	sys.sendmsg(left, [Uint8Array.of(1)], null, rights, 0);
	assert.equal(sys.recv(right, bytes, 0, 8, MSG_CTRUNC), 1);
	assert.equal((sys.out[2] as number) & MSG_CTRUNC, MSG_CTRUNC);
	sys.sendmsg(left, [Uint8Array.of(1)], null, null, 0);
	assert.equal(sys.recv(right, bytes, 0, 8, MSG_CTRUNC), 1);
	assert.equal((sys.out[2] as number) & MSG_CTRUNC, 0);

	const name = new Uint8Array(128);
	const bound = encodeSocketAddress({ family: "unix", abstract: `told-${process.pid}` });
	const pair = new Int32Array(2);
	sys.socketpair(AF_UNIX, SOCK_DGRAM_NONBLOCK, 0, pair);
	const [sender, receiver] = pair as unknown as [number, number];
	t.after(() => [sender, receiver].map((fd) => sys.close(fd)));
	sys.bind(sender, bound);
	for (const control of [rights, null, rights]) {
		assert.equal(sys.sendmsg(sender, [Uint8Array.of(1, 2)], null, control, 0), 2);
		assert.equal(sys.recvfrom(receiver, bytes, 0, 8, MSG_CTRUNC, name), 2);
		assert.equal(sys.out[0], bound.length);
		assert.deepEqual(name.subarray(0, bound.length), bound);
		assert.equal((sys.out[2] as number) & MSG_CTRUNC, control === null ? 0 : MSG_CTRUNC);
	}
});
