/** Descriptors that come along with the bytes of a stream: where they are, who gets them, and what becomes of those that nobody takes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, give, LIMITS, listen, type OwnedDescriptor, socketpair } from "socketry";
import { rightsMessage } from "socketry/socket";
import { abstractName } from "../support/pairs.ts";
import { closeAll, MANY, openCount, SOME, taken, withPair } from "./descriptor-pairs.ts";

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
