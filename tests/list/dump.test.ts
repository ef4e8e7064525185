/** Listings by netlink that do not go as they should, and large ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, formatAddress, LIMITS, listen, type Stream } from "socketry";
import { listSockets } from "socketry/list";
import { injectFaults } from "socketry/testing";
import { DiagSocket } from "#src/list/dump.ts";
import { decodeInet, encodeInetRequest } from "#src/list/inet-diag.ts";
import { NLM_F_DUMP_INTR } from "#src/list/netlink.ts";
import { sys } from "#src/sys/current.ts";
import { PROMPT_MS } from "../support/patience.ts";

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
		assert.ok(ports.includes((listener.address as { port: number }).port));
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
	const { port } = listener.address as { port: number };
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
