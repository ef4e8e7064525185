/** Descriptors that leave with messages: who owns them, and what becomes of them when their message does not leave. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { give, type PacketStream, socketpair, UnsupportedError } from "socketry";
import { socketpair as rawPair } from "socketry/socket";
import { PacketStream as PacketStreamClass } from "#src/packet/packet-stream.ts";
import { Connection } from "#src/stream/connection.ts";
import { marked, markOf, openMarkedCount } from "../support/marked-descriptors.ts";
import { drain, fill, received, SOME, withPair } from "./descriptor-pairs.ts";

test("what is passed stays open and its owner's, what is given is gone", async () => {
	await withPair(SOME, async (left, right) => {
		const [kept, given] = [marked(), marked()];
		const marks = [kept, given].map(markOf);
		await left.send("", { descriptors: [kept, give(given)] });
		assert.deepEqual([kept.closed, given.closed], [false, true]);
		assert.deepEqual(await received(right), ["", marks]);
		kept.close();
	});
});

test("messages with descriptors wait in the order of all messages, and depend on nobody's descriptors", async () => {
	await withPair(SOME, async (left, right) => {
		const { waiting, count } = fill(left);
		const [kept, given] = [marked(), marked()];
		const marks = [kept, given].map(markOf);
		const sends = [
			waiting,
			left.send("first", { descriptors: [kept] }),
			left.send("second"),
			left.send("third", { descriptors: [kept, give(given)] }),
		];
		kept.close();
		assert.equal(openMarkedCount(), 3);
		await drain(right, count);
		assert.deepEqual(await received(right), ["first", marks.slice(0, 1)]);
		assert.deepEqual(await received(right), ["second", []]);
		assert.deepEqual(await received(right), ["third", marks]);
		await Promise.all(sends);
		assert.equal(openMarkedCount(), 0);
	});
});

test("duplicates of a message that waits are closed when it is aborted, out of time, or given up", async () => {
	await withPair(SOME, async (left, right) => {
		const { waiting, count } = fill(left);
		const each = marked();
		const controller = new AbortController();
		const { signal } = controller;
		const aborted = left.send("aborted", { descriptors: [each], signal });
		const late = left.send("late", { descriptors: [each], timeoutMs: 5 });
		await assert.rejects(left.send("now", { descriptors: [each], timeoutMs: 0 }), {
			code: "ERR_TIMEOUT",
		});
		assert.equal(left.trySend("now", { descriptors: [each] }), false);
		assert.equal(openMarkedCount(), 3);
		controller.abort();
		await assert.rejects(aborted, { code: "ABORT_ERR" });
		await assert.rejects(late, { code: "ERR_TIMEOUT" });
		assert.equal(openMarkedCount(), 1);
		await drain(right, count);
		await waiting;
		await left.send("after", { descriptors: [give(each)] });
		const [text, marks] = await received(right);
		assert.deepEqual([text, marks.length], ["after", 1]);
	});
	for (const end of ["abort", "close", "peer"] as const) {
		await withPair(SOME, async (left, right) => {
			const { waiting } = fill(left);
			const given = left.send("given up", { descriptors: [give(marked()), give(marked())] });
			if (end === "abort") left.abort();
			else if (end === "close") await assert.rejects(left.close({ timeoutMs: 1 }));
			else right.abort();
			await assert.rejects(given);
			await assert.rejects(waiting);
		});
	}
});

test("a message can have 253 descriptors, and no more", async () => {
	await withPair({ receiveDescriptors: 253 }, async (left, right) => {
		const each = marked();
		const all = Array.from({ length: 253 }, () => each);
		await left.send("all", { descriptors: all });
		const [text, marks] = await received(right);
		assert.equal(text, "all");
		assert.deepEqual(new Set(marks), new Set([markOf(each)]));
		assert.equal(marks.length, 253);
		await assert.rejects(left.send("more", { descriptors: [...all, each] }), {
			code: "ERR_LIMIT",
			actual: 254,
			allowed: 253,
		});
		assert.throws(() => left.trySend("more", { descriptors: [...all, give(each)] }), {
			code: "ERR_LIMIT",
		});
		assert.equal(each.closed, false);
		assert.equal(left.sentCount, 1);
		each.close();
	});
});

test("what cannot be passed is refused before anything is sent, and stays as it was", async () => {
	await withPair(SOME, async (left, right) => {
		const each = marked();
		const gone = marked();
		gone.close();
		const wrong: [unknown, string][] = [
			[[give(each), gone], "ERR_CLOSED"],
			[[give(each), 1_000_000], "EBADF"],
			[[give(each), -1], "ERR_OUT_OF_RANGE"],
			[[give(each), {}], "ERR_INVALID_ARG_TYPE"],
			[each, "ERR_INVALID_ARG_TYPE"],
			["3", "ERR_INVALID_ARG_TYPE"],
		];
		for (const [descriptors, code] of wrong) {
			const options = { descriptors } as never;
			await assert.rejects(left.send("x", options), { code });
			assert.throws(() => left.trySend("x", options), { code });
		}
		const given = { descriptors: [give(each)] };
		await assert.rejects(left.send(5 as never, given), { code: "ERR_INVALID_ARG_TYPE" });
		await assert.rejects(left.send("x", { ...given, signal: AbortSignal.abort() }), {
			code: "ABORT_ERR",
		});
		assert.equal(left.sentCount, 0);
		assert.equal(each.closed, false);
		await assert.rejects(right.receiveMessage({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
		await left.close();
		await assert.rejects(left.send("x", given), { code: "ERR_CLOSED" });
		assert.equal(each.closed, false);
		each.close();
	});
	for (const receiveDescriptors of [0, 254, 1.5, "yes"]) {
		assert.throws(() => socketpair("seqpacket", { receiveDescriptors } as never), TypeOrRange);
	}
	for (const receiveCredentials of [1, "yes"]) {
		assert.throws(() => socketpair("seqpacket", { receiveCredentials } as never), TypeOrRange);
	}
});

function TypeOrRange(error: unknown): boolean {
	return error instanceof TypeError || error instanceof RangeError;
}

test("over vsock nothing can go along", async () => {
	const [left, right] = rawPair("seqpacket");
	const peer = { transport: "vsock-seqpacket", cid: 1, port: 1 } as const;
	const make = <T>(type: unknown, ...args: unknown[]): T =>
		Reflect.construct(type as new () => T, args) as T;
	const connection = make<Connection>(Connection, left, "vsock-seqpacket", peer, peer);
	for (const options of [SOME, { receiveCredentials: true }]) {
		assert.throws(
			() => make(PacketStreamClass, connection, options),
			(error) => error instanceof UnsupportedError && /only Unix sockets/.test(error.message),
		);
	}
	const packets = make<PacketStream>(PacketStreamClass, connection);
	await assert.rejects(packets.send("x", { descriptors: [right] }), { code: "ERR_UNSUPPORTED" });
	const credentials = { pid: process.pid, uid: 0, gid: 0 };
	await assert.rejects(packets.send("x", { credentials }), { code: "ERR_UNSUPPORTED" });
	packets.abort();
	right.close();
});
