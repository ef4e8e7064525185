/** Listings by netlink that do not go as they should, and large ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, formatAddress, LIMITS, listen, type Stream } from "socketry";
import { listSockets, type SocketFilter } from "socketry/list";
import { injectFaults } from "socketry/testing";
import { DiagSocket } from "#src/list/dump.ts";
import { decodeInet, encodeInetRequest } from "#src/list/inet-diag.ts";
import { NLM_F_DUMP_INTR, SOCK_DIAG_BY_FAMILY, TCPDIAG_GETSOCK } from "#src/list/netlink.ts";
import { sys } from "#src/sys/current.ts";
import { PROMPT_MS } from "../support/patience.ts";

/** Every state of TCP but that of connections that are over: number 6 in include/net/tcp_states.h. */
const LIVING_STATES = 0xffff_ffff - (1 << 6);

const REQUEST = encodeInetRequest(2, 6);
const decodeTcp = (payload: Uint8Array): ReturnType<typeof decodeInet> =>
	decodeInet("tcp", payload);

async function withDiag<T>(body: (diag: DiagSocket) => Promise<T>): Promise<T> {
	const diag = DiagSocket.open();
	assert.ok(typeof diag !== "string", String(diag));
	try {
		return await body(diag);
	} finally {
		diag.close();
	}
}

/** Changes what the kernel answers, for as long as `body` runs. */
async function tampering<T>(
	change: (buffer: Uint8Array, count: number) => number,
	body: () => Promise<T>,
): Promise<T> {
	const original = sys.recvfrom;
	sys.recvfrom = (...args) => {
		const count = original(...args);
		return count < 0 ? count : change(args[1], count);
	};
	try {
		return await body();
	} finally {
		sys.recvfrom = original;
	}
}

test("a list that changed while it was read is read again, a few times at the most", async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	for (const [times, interrupted] of [
		[1, false],
		[Number.POSITIVE_INFINITY, true],
	] as const) {
		let left: number = times;
		let requests = 0;
		const send = sys.sendto;
		sys.sendto = (...args) => {
			requests += 1;
			return send(...args);
		};
		const mark = (buffer: Uint8Array, count: number): number => {
			if (left-- > 0) buffer[6] = (buffer[6] ?? 0) | NLM_F_DUMP_INTR;
			return count;
		};
		const dump = await tampering(mark, () => withDiag((diag) => diag.dump(REQUEST, decodeTcp)));
		sys.sendto = send;
		assert.equal(dump.isInterrupted, interrupted);
		assert.equal(requests, interrupted ? LIMITS.listingAttemptsCount : 2);
		assert.equal(dump.refusal, undefined);
		const ports = dump.sockets.map(({ local }) => (local?.family === "inet" ? local.port : 0));
		assert.ok(ports.includes(listener.address.port));
	}
	const always = (buffer: Uint8Array, count: number): number => {
		buffer[6] = (buffer[6] ?? 0) | NLM_F_DUMP_INTR;
		return count;
	};
	const { notes } = await tampering(always, () => listSockets());
	const note = notes.find(({ code }) => code === "interrupted");
	assert.match(note?.message ?? "", /something may be missing/);
	listener.close();
});

test("an answer that is cut, or none at all, is a refusal and no loop", async () => {
	const cut = await tampering(
		(_, count) => count - 1,
		() => withDiag((diag) => diag.dump(REQUEST, decodeTcp)),
	);
	assert.equal(cut.refusal, "a cut message");
	const faults = injectFaults([{ call: "recvfrom", fail: "EAGAIN" }]);
	const silent = await withDiag((diag) => diag.dump(REQUEST, decodeTcp));
	assert.equal(silent.refusal, "EAGAIN");
	faults[Symbol.dispose]();
});

test("an unknown request is refused by its name", async () => {
	const request = encodeInetRequest(2, 6);
	request[0] = 99;
	const { refusal, sockets } = await withDiag((diag) => diag.dump(request, decodeTcp));
	assert.match(refusal ?? "", /^(ENOENT|EINVAL)$/);
	assert.deepEqual(sockets, []);
});

/** Types of the requests that the kernel gets while `body` runs; those that `refuse` names get another family, which it has not. */
async function requestsOf(
	body: () => Promise<unknown>,
	refuse = (_type: number): boolean => false,
): Promise<number[]> {
	const types: number[] = [];
	const send = sys.sendto;
	sys.sendto = (...args) => {
		const [, bytes] = args;
		const type = new DataView(bytes.buffer, bytes.byteOffset).getUint16(4, true);
		types.push(type);
		if (refuse(type)) bytes.set([SOCK_DIAG_BY_FAMILY, 0], 4);
		return send(...args);
	};
	try {
		await body();
	} finally {
		sys.sendto = send;
	}
	return types;
}

test("only lists that can hold what is wanted are read, and those of TCP in one pass", async () => {
	const only = (filter: SocketFilter): Promise<number[]> => requestsOf(() => listSockets(filter));
	assert.deepEqual(await only({ kinds: ["tcp"] }), [TCPDIAG_GETSOCK]);
	assert.deepEqual(await only({ kinds: ["netlink"] }), []);
	const [tcp, ...others] = await only({ states: ["listening"] });
	assert.equal(tcp, TCPDIAG_GETSOCK);
	assert.ok(others.length > 0 && others.every((type) => type === SOCK_DIAG_BY_FAMILY));
	// Nobody has a connection that is over.
	assert.deepEqual(await statesAsked({ kinds: ["tcp"] }), 0xffff_ffff);
	assert.deepEqual(await statesAsked({ kinds: ["tcp"], pids: [process.pid] }), LIVING_STATES);
	// What no list has is known by reading all of them.
	assert.ok((await only({ kinds: ["unknown"] })).length >= others.length + 1);
});

/** The states of TCP that the kernel is asked for. */
async function statesAsked(filter: SocketFilter): Promise<number | undefined> {
	let states: number | undefined;
	const send = sys.sendto;
	sys.sendto = (...args) => {
		const [, bytes] = args;
		states ??= new DataView(bytes.buffer, bytes.byteOffset).getUint32(68, true);
		return send(...args);
	};
	try {
		await listSockets(filter);
	} finally {
		sys.sendto = send;
	}
	return states;
}

test("where the older request for TCP is refused, both families are asked for one by one", async () => {
	const listeners = [await listen("tcp://127.0.0.1:0"), await listen("tcp://[::1]:0")];
	let found: string[] = [];
	const types = await requestsOf(
		async () => {
			const { sockets, notes } = await listSockets({ kinds: ["tcp"], pids: [process.pid] });
			found = sockets.flatMap(({ local, state }) => (state === "listening" ? [local ?? ""] : []));
			assert.deepEqual(
				notes.filter(({ list }) => list !== undefined),
				[],
			);
		},
		(type) => type === TCPDIAG_GETSOCK,
	);
	assert.deepEqual(types, [TCPDIAG_GETSOCK, SOCK_DIAG_BY_FAMILY, SOCK_DIAG_BY_FAMILY]);
	const wanted = listeners.map(({ address }) => formatAddress(address));
	assert.deepEqual(found.sort(), wanted.sort());
	for (const listener of listeners) listener.close();
});

test("2,000 connections are all listed with both ends, in many parts", async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const address = formatAddress(listener.address) as "tcp://h:1";
	const streams: Stream[] = [];
	for (let i = 0; i < 2_000; i++) {
		streams.push(await connect(address), await listener.accept());
	}
	let parts = 0;
	const count = (_: Uint8Array, length: number): number => {
		parts += 1;
		return length;
	};
	const start = performance.now();
	const { sockets } = await tampering(count, () => listSockets({ pids: [process.pid] }));
	assert.ok(performance.now() - start < PROMPT_MS);
	const { port } = listener.address;
	const ours = sockets.filter(({ local, peer }) => local === address || peer?.address === address);
	assert.equal(ours.length, 4_001);
	const inodes = new Set(ours.map(({ inode }) => inode));
	assert.equal(inodes.size, 4_001, `port ${port}`);
	for (const { state, peer, holders } of ours) {
		if (state === "listening") continue;
		assert.equal(state, "established");
		assert.ok(inodes.has(peer?.inode ?? 0));
		assert.equal(holders[0]?.pid, process.pid);
		assert.equal(peer?.holders[0]?.pid, process.pid);
	}
	assert.ok(parts > 50, `${parts} parts`);
	for (const stream of streams) stream.abort();
	listener.close();
});
