/** Descriptors that go along with the bytes of a stream: who owns them, where they are, and what becomes of those that nobody takes. */
import assert from "node:assert/strict";
import { closeSync, fstatSync, openSync } from "node:fs";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import {
	type ArrivalOptions,
	connect,
	give,
	LIMITS,
	listen,
	type OwnedDescriptor,
	type Stream,
	socketpair,
} from "socketry";
import { rightsMessage } from "socketry/socket";
import { openResources } from "socketry/testing";
import { abstractName } from "../support/pairs.ts";

const SOME = { receiveDescriptors: true };
const MANY = { receiveDescriptors: 253 };
const LOOP = /^anon_inode:\[(eventpoll|timerfd)\]$/;

// Without those that the event loop opens for itself when it is first needed.
function openCount(): number {
	return [...openResources().descriptors.values()].filter((kind) => !LOOP.test(kind)).length;
}

function sameFile(fd: number, other: number): boolean {
	const [a, b] = [fstatSync(fd, { bigint: true }), fstatSync(other, { bigint: true })];
	return a.ino === b.ino && a.dev === b.dev;
}

function openFile(): number {
	return openSync("/proc/self/status", "r");
}

async function withPair(
	options: ArrivalOptions,
	body: (left: Stream, right: Stream) => Promise<void>,
): Promise<void> {
	const [left, right] = socketpair("stream", options);
	try {
		await body(left, right);
	} finally {
		left.abort();
		right.abort();
	}
}

function taken(stream: Stream): OwnedDescriptor[] {
	return stream.takeDescriptors().flatMap(({ descriptors }) => [...descriptors]);
}

function plain({ lastCredentials }: Stream): object {
	return { ...lastCredentials };
}

function closeAll(descriptors: readonly OwnedDescriptor[]): void {
	for (const each of descriptors) each.close();
}

// Writes until the kernel takes no more, and returns how many bytes there are.
function fill(stream: Stream): number {
	void stream.write(new Uint8Array(4 * 1_048_576));
	assert.ok(stream.queuedBytes > 0);
	return stream.bytesWritten;
}

// How many bytes a pair holds.
async function room(): Promise<number> {
	let bytes = 0;
	await withPair({}, async (left) => {
		bytes = fill(left) - left.queuedBytes;
	});
	return bytes;
}

async function drain(stream: Stream, bytes: number): Promise<void> {
	while (stream.bytesRead < bytes) {
		assert.notEqual(await stream.read(), null);
	}
}

test("descriptors leave with their write although the one before it, of the same buffer, is aborted after it has left", async () => {
	const capacity = await room();
	await withPair(SOME, async (left, right) => {
		const memory = new Uint8Array(2 * capacity + 20_000);
		const controller = new AbortController();
		const { signal } = controller;
		const first = left.write(memory.subarray(0, 2 * capacity), { signal });
		const fd = openFile();
		const second = left.write(memory.subarray(2 * capacity), { descriptors: [fd] });
		closeSync(fd);
		await drain(right, capacity);
		while (left.queuedBytes > 20_000) await setImmediate();
		assert.equal(left.queuedBytes, 20_000);
		controller.abort();
		await assert.rejects(first, { name: "AbortError" });
		await drain(right, memory.length);
		await second;
		const arrived = taken(right);
		assert.equal(arrived.length, 1);
		closeAll(arrived);
	});
});

test("a descriptor that is passed stays its owner's, and one that is given is closed here", async () => {
	await withPair(SOME, async (left, right) => {
		const before = openCount();
		const [kept, given] = [openFile(), openSync("/dev/null", "r")];
		const { ino } = fstatSync(given, { bigint: true });
		await left.write("x", { descriptors: [kept, give(given)] });
		assert.equal(String(await right.read()), "x");
		const [first, second] = taken(right) as [OwnedDescriptor, OwnedDescriptor];
		assert.notEqual(first.fd, kept);
		assert.ok(sameFile(first.fd, kept));
		assert.equal(fstatSync(second.fd, { bigint: true }).ino, ino);
		assert.equal(openCount(), before + 3);
		closeAll([first, second]);
		closeSync(kept);
		assert.equal(openCount(), before);
	});
});

test("what arrives is close-on-exec", async () => {
	await withPair(SOME, async (left, right) => {
		await left.write("x", { descriptors: [0] });
		await right.read();
		const [arrived] = taken(right) as [OwnedDescriptor];
		const { flags } = await readFlags(arrived.fd);
		assert.notEqual(flags & 0o2000000, 0);
		arrived.close();
	});
});

async function readFlags(fd: number): Promise<{ flags: number }> {
	const { readFile } = await import("node:fs/promises");
	const text = await readFile(`/proc/self/fdinfo/${fd}`, "utf8");
	return { flags: Number.parseInt(/flags:\s+(\d+)/.exec(text)?.[1] ?? "", 8) };
}

test("1, 16 and 253 descriptors go along with one write, and 254 are refused before anything is sent", async () => {
	await withPair(MANY, async (left, right) => {
		for (const count of [1, 16, 17, 253]) {
			await left.write("x", { descriptors: Array(count).fill(0) });
			await right.readExactly(1);
			const arrived = taken(right);
			assert.equal(arrived.length, count);
			closeAll(arrived);
		}
		await assert.rejects(left.write("x", { descriptors: Array(254).fill(0) }), {
			code: "ERR_LIMIT",
			limit: "descriptorsPerMessageCount",
			actual: 254,
			allowed: 253,
		});
		assert.equal(left.bytesWritten, 4);
	});
});

test("more descriptors in a message than were asked for end reading, and are closed", async () => {
	await withPair(SOME, async (left, right) => {
		await left.write("a", { descriptors: Array(16).fill(0) });
		await right.read();
		closeAll(taken(right));
		const before = openCount();
		await left.write("b", { descriptors: Array(17).fill(0) });
		const refusal = { code: "ERR_LIMIT", limit: "receiveDescriptors", actual: 17, allowed: 16 };
		await assert.rejects(right.read(), refusal);
		await assert.rejects(right.read(), refusal);
		assert.equal(openCount(), before);
		await right.write("still writable");
		assert.equal(String(await left.read()), "still writable");
	});
});

test("a pending read fails as well when too many descriptors come", async () => {
	await withPair({ receiveDescriptors: 1 }, async (left, right) => {
		const before = openCount();
		const pending = right.read();
		await left.write("b", { descriptors: [0, 1] });
		await assert.rejects(pending, { code: "ERR_LIMIT" });
		await assert.rejects(right.readExactly(1), { code: "ERR_LIMIT" });
		assert.equal(openCount(), before);
	});
});

test("descriptors that nobody has asked for are never opened here, and are counted", async () => {
	await withPair({}, async (left, right) => {
		const before = openCount();
		for (let i = 0; i < 1_000; i++) {
			await left.write("x", { descriptors: [0, 1, 2] });
			await right.readExactly(1);
		}
		assert.equal(right.refusedDescriptorsCount, 1_000);
		assert.equal(openCount(), before);
		assert.deepEqual(right.takeDescriptors(), []);
		await left.write("y");
		await right.read();
		assert.equal(right.refusedDescriptorsCount, 1_000);
	});
});

test("the position of an arrival holds the first byte of its write, and nothing that was written later", async () => {
	await withPair(SOME, async (left, right) => {
		await left.write("before");
		await left.write("WITH", { descriptors: [0] });
		await left.write("between");
		await left.write("AGAIN", { descriptors: [1, 2] });
		await left.write("after");
		const text = String(await right.readExactly(27));
		assert.equal(text, "beforeWITHbetweenAGAINafter");
		const arrivals = right.takeDescriptors();
		assert.deepEqual(
			arrivals.map(({ descriptors }) => descriptors.length),
			[1, 2],
		);
		const [first, second] = arrivals as [(typeof arrivals)[0], (typeof arrivals)[0]];
		assert.ok(first.start <= 6 && first.end > 6 && first.end <= 10);
		assert.ok(second.start <= 17 && second.end > 17 && second.end <= 22);
		for (const { descriptors } of arrivals) closeAll(descriptors);
	});
});

test("reads of every size find the same descriptors at the same bytes", async () => {
	for (let size = 1; size <= 12; size++) {
		await withPair(SOME, async (left, right) => {
			await left.write("12345");
			await left.write("67890", { descriptors: [0] });
			await left.write("abcde", { descriptors: [1] });
			const found: [number, number][] = [];
			while (right.bytesRead < 15) {
				await right.readInto(new Uint8Array(size));
				for (const { descriptors, start, end } of right.takeDescriptors()) {
					found.push([start, end]);
					closeAll(descriptors);
				}
			}
			assert.equal(found.length, 2);
			const [[start, end], [nextStart, nextEnd]] = found as [[number, number], [number, number]];
			assert.ok(start <= 5 && end > 5 && end <= 10, `${size}: ${start}..${end}`);
			assert.ok(nextStart <= 10 && nextEnd > 10, `${size}: ${nextStart}..${nextEnd}`);
			assert.ok(end - start <= size && nextEnd - nextStart <= size);
		});
	}
});

test("descriptors are handed out once the reader has come to their bytes, not before", async () => {
	await withPair(SOME, async (left, right) => {
		await left.write("line\n", { descriptors: [0] });
		await left.write("next\n", { descriptors: [1] });
		assert.equal(String(await right.readUntil("\n")), "line\n");
		const first = right.takeDescriptors();
		assert.equal(first.length, 1);
		assert.equal(String(await right.readUntil("\n")), "next\n");
		const second = right.takeDescriptors();
		assert.equal(second.length, 1);
		for (const { descriptors } of [...first, ...second]) closeAll(descriptors);
	});
});

test("a read that has to give bytes back leaves their descriptors for later", async () => {
	await withPair(SOME, async (left, right) => {
		await left.write("half", { descriptors: [0] });
		await assert.rejects(right.readExactly(8, { timeoutMs: 20 }), { code: "ERR_TIMEOUT" });
		assert.deepEqual(right.takeDescriptors(), []);
		assert.equal(String(await right.read()), "half");
		const arrived = taken(right);
		assert.equal(arrived.length, 1);
		closeAll(arrived);
	});
});

test("every way of reading brings descriptors", async () => {
	await withPair(SOME, async (left, right) => {
		const reads = [
			() => right.read(),
			() => right.readInto(new Uint8Array(10)),
			() => right.readExactly(2),
			() => right.readUntil("\n"),
			() => right[Symbol.asyncIterator]().next(),
		];
		for (const read of reads) {
			for (const comesFirst of [true, false]) {
				const pending = comesFirst ? undefined : read();
				await left.write("x\n", { descriptors: [0] });
				await (pending ?? read());
				const arrived = taken(right);
				assert.equal(arrived.length, 1);
				closeAll(arrived);
			}
		}
	});
});

test("a write with descriptors keeps its place among writes that wait, although its descriptors were closed", async () => {
	await withPair(SOME, async (left, right) => {
		const before = fill(left);
		const file = openFile();
		const waiting = left.write("WITH", { descriptors: [file, give(openFile())] });
		closeSync(file);
		void left.write("after");
		const drained = drain(right, before);
		await drained;
		const end = before + "WITHafter".length;
		while (right.bytesRead < end) await right.read();
		await waiting;
		const [arrival, ...others] = right.takeDescriptors();
		assert.ok(arrival !== undefined);
		assert.deepEqual(others, []);
		assert.equal(arrival.descriptors.length, 2);
		assert.ok(arrival.start <= before && arrival.end > before && arrival.end <= before + 4);
		assert.deepEqual(
			arrival.descriptors.map(({ kind }) => kind),
			["file", "file"],
		);
		closeAll(arrival.descriptors);
	});
});

test("a write too large for the socket sends its descriptors once, with its first bytes", async () => {
	await withPair(SOME, async (left, right) => {
		const data = new Uint8Array(2 * 1_048_576).fill(7);
		const written = left.write(data, { descriptors: [0] });
		await drain(right, data.length);
		await written;
		const [arrival, ...others] = right.takeDescriptors();
		assert.ok(arrival !== undefined);
		assert.deepEqual(others, []);
		assert.equal(arrival.start, 0);
		closeAll(arrival.descriptors);
	});
});

test("a write that is withdrawn takes its descriptors with it", async () => {
	await withPair(SOME, async (left, right) => {
		const bytes = fill(left);
		const before = openCount();
		const stop = new AbortController();
		const aborted = left.write("a", { descriptors: [0], signal: stop.signal });
		const late = left.write("b", { descriptors: [0], timeoutMs: 20 });
		assert.equal(openCount(), before + 2);
		stop.abort();
		await assert.rejects(aborted, { code: "ABORT_ERR", bytesMoved: 0 });
		await assert.rejects(late, { code: "ERR_TIMEOUT", bytesMoved: 0 });
		await assert.rejects(left.write("c", { descriptors: [0], timeoutMs: 0 }), {
			code: "ERR_TIMEOUT",
			bytesMoved: 0,
		});
		assert.equal(openCount(), before);
		await drain(right, bytes);
		await left.write("d");
		assert.equal(String(await right.read()), "d");
		assert.deepEqual(right.takeDescriptors(), []);
	});
});

test("what waits or was given is closed when the stream is", async () => {
	const before = openCount();
	const [left, right] = socketpair("stream");
	fill(left);
	const waiting = left.write("x", { descriptors: [0, give(openFile())] });
	left.abort();
	right.abort();
	await assert.rejects(waiting, { code: "ERR_CLOSED" });
	await assert.rejects(left.write("x", { descriptors: [give(openFile())] }), {
		code: "ERR_CLOSED",
	});
	assert.equal(openCount(), before);
});

test("what was given is closed when the call fails, whatever the reason", async () => {
	const tcp = await listen("tcp://127.0.0.1:0");
	const overTcp = await connect(tcp.address);
	await withPair({}, async (left, right) => {
		const before = openCount();
		right.abort();
		const calls = [
			() => left.write("x", { descriptors: [give(openFile())] }),
			() => left.write("x", { descriptors: [give(openFile())] }),
			() => left.write("", { descriptors: [give(openFile())] }),
			() => left.write("x", { descriptors: [give(openFile())], signal: AbortSignal.abort() }),
		];
		for (const call of calls) await assert.rejects(call());
		assert.equal(openCount(), before - 1);
	});
	const file = openFile();
	await assert.rejects(overTcp.write("x", { descriptors: [give(file)] }), {
		code: "ERR_UNSUPPORTED",
	});
	// A call that is wrong in itself takes nothing.
	closeSync(file);
	overTcp.abort();
	tcp.close();
});

test("descriptors need a byte to go with", async () => {
	await withPair({}, async (left) => {
		await assert.rejects(left.write("", { descriptors: [0] }), { code: "ERR_INVALID_ARG_VALUE" });
		await left.write("", { descriptors: [] });
	});
});

test("what is not taken is closed by close(), abort() and detach()", async () => {
	for (const end of ["close", "abort", "detach"] as const) {
		const before = openCount();
		const [left, right] = socketpair("stream", SOME);
		await left.write("x", { descriptors: [0, 1] });
		await right.read();
		assert.equal(openCount(), before + 4);
		if (end === "detach") right.detach().close();
		else await right[end]();
		assert.deepEqual(right.takeDescriptors(), []);
		left.abort();
		assert.equal(openCount(), before, end);
	}
});

test("descriptors that are on their way when the receiver closes are closed by the kernel", async () => {
	const before = openCount();
	for (const isCycle of [false, true]) {
		const [left, right] = socketpair("stream", SOME);
		const [kept, given] = socketpair();
		const descriptors = isCycle ? [left, right, give(given)] : [give(given)];
		await left.write("x", { descriptors });
		const reading = kept.read();
		// In a cycle both ends are in a message that only one of them could read: the kernel's own collector has to see that.
		left.abort();
		right.abort();
		assert.equal(await reading, null);
		kept.abort();
	}
	assert.equal(openCount(), before);
});

test("descriptors that nobody takes end reading once there are 512 of them", async () => {
	await withPair(MANY, async (left, right) => {
		const before = openCount();
		for (const count of [253, 253, 7]) {
			await left.write("x", { descriptors: Array(count).fill(0) });
		}
		await right.readExactly(2);
		assert.equal(openCount(), before + 506);
		await assert.rejects(right.read(), {
			code: "ERR_LIMIT",
			limit: "descriptorsQueuedCount",
			actual: 513,
			allowed: LIMITS.descriptorsQueuedCount,
		});
		assert.equal(openCount(), before + 506);
		closeAll(taken(right));
		assert.equal(openCount(), before);
	});
});

test("a connection has what its listener and its connect asked for", async () => {
	const listener = await listen(`unix:${abstractName()}`, { receiveDescriptors: 2 });
	const [client, server] = await Promise.all([connect(listener.address, SOME), listener.accept()]);
	await client.write("x", { descriptors: [0, 1] });
	await server.write("y", { descriptors: Array(16).fill(0) });
	await Promise.all([server.read(), client.read()]);
	const [there, here] = [taken(server), taken(client)];
	assert.deepEqual([there.length, here.length], [2, 16]);
	closeAll([...there, ...here]);
	client.abort();
	server.abort();
	listener.close();
});

test("a transport that cannot receive descriptors or credentials says so at once", async () => {
	for (const option of [{ receiveDescriptors: true }, { receiveCredentials: true }]) {
		await assert.rejects(listen("tcp://127.0.0.1:0", option), { code: "ERR_UNSUPPORTED" });
		await assert.rejects(connect("tcp://127.0.0.1:1", option), { code: "ERR_UNSUPPORTED" });
	}
	const listener = await listen("tcp://127.0.0.1:0", { receiveDescriptors: false });
	listener.close();
	for (const wrong of [0, 254, -1, 1.5]) {
		const refused = { code: "ERR_OUT_OF_RANGE" };
		await assert.rejects(listen(`unix:${abstractName()}`, { receiveDescriptors: wrong }), refused);
	}
});

test("the reader is told who has sent the bytes that came in last", async () => {
	await withPair({ receiveCredentials: true }, async (left, right) => {
		assert.equal(right.lastCredentials, undefined);
		await left.write("x");
		await right.read();
		const own = { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() };
		assert.deepEqual(plain(right), own);
		await left.write("x", { credentials: own as { pid: number; uid: number; gid: number } });
		await right.read();
		assert.deepEqual(plain(right), own);
		assert.equal(right.refusedDescriptorsCount, 0);
		await left.write("x", { descriptors: [0] });
		await right.read();
		assert.equal(right.refusedDescriptorsCount, 1);
		assert.deepEqual(plain(right), own);
	});
});

test("credentials of others are refused, and the stream goes on", async (context) => {
	await withPair({ receiveCredentials: true }, async (left, right) => {
		const nobody = { pid: 2 ** 30, uid: 0, gid: 0 };
		const error = await left.write("x", { credentials: nobody }).catch((reason) => reason);
		assert.ok(["ESRCH", "EPERM"].includes(error.code), String(error));
		assert.equal(left.bytesWritten, 0);
		assert.equal(left.queuedBytes, 0);
		await left.write("y");
		assert.equal(String(await right.read()), "y");
		context.diagnostic(error.message);
	});
});

test("bytes of different senders are never told as those of one", async () => {
	if (process.geteuid?.() !== 0) return;
	await withPair({ receiveCredentials: true }, async (left, right) => {
		const ids = [1, 2, 3].map((uid) => ({ pid: process.pid, uid, gid: 7 }));
		for (const credentials of ids) await left.write("xx", { credentials });
		for (const credentials of ids) {
			assert.equal((await right.read())?.length, 2);
			assert.deepEqual(plain(right), credentials);
		}
	});
});

test("a pidfd of the sender lives until the next read", async (context) => {
	const before = openCount();
	let pair: [Stream, Stream];
	try {
		pair = socketpair("stream", { receiveCredentials: "pidfd" });
	} catch (error) {
		context.skip(`this kernel has no SO_PASSPIDFD: ${(error as Error).message}`);
		return;
	}
	const [left, right] = pair;
	await left.write("x");
	await right.read();
	const first = right.lastCredentials?.pidfd;
	assert.equal(first?.kind, "pidfd");
	await left.write("y", { descriptors: [0] });
	await right.read();
	assert.equal(first.closed, true);
	assert.equal(right.refusedDescriptorsCount, 1);
	assert.equal(right.lastCredentials?.pidfd?.closed, false);
	left.abort();
	right.abort();
	assert.equal(openCount(), before);
});

test("what one sendmsg carries in several control messages arrives together", async () => {
	await withPair(SOME, async (left, right) => {
		const rights = rightsMessage([0]);
		left.socket.trySendmsg([Buffer.from("x")], { control: [rights, rights] });
		await right.read();
		const arrived = taken(right);
		assert.equal(arrived.length, 2);
		closeAll(arrived);
	});
});
