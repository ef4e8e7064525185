/** What joins the sockets of two streams: who owns them meanwhile, and in which turns they have their share. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Stream, socketpair } from "socketry";
import { relay } from "socketry/relay";
import { injectFaults } from "socketry/testing";
import { pendingError } from "#src/socket/connecting.ts";
import { sys } from "#src/sys/current.ts";
import { until } from "../support/patience.ts";
import { outcome, readAll, tcpPair } from "./ends.ts";

/** Waits until a reset has arrived, and leaves it to be told: after it the kernel knows no peer any more. */
async function untilReset({ socket }: Stream): Promise<void> {
	await until(() => {
		try {
			socket.getpeername();
			return false;
		} catch {
			return true;
		}
	});
}

test("a socket that its last owner closes under a relay cuts it", async () => {
	const [client, left] = await tcpPair();
	const [server, right] = socketpair();
	const running = relay(left, right);
	assert.ok(left.closed && right.closed);
	left.socket.close();
	const { isCut, leftToRight } = await running.done;
	assert.deepEqual([isCut, (leftToRight.error as { code?: string }).code], [true, "ERR_CLOSED"]);
	assert.equal(await server.read(), null);
	for (const each of [client, server]) each.abort();
});

test("a reset that is met by handing on an end is told as what it is", async () => {
	const [client, left] = await tcpPair();
	const [server, right] = await tcpPair();
	await client.closeWrite();
	server.abort();
	await untilReset(right);
	const { isCut, leftToRight, rightToLeft } = await relay(left, right).done;
	assert.ok(isCut);
	for (const { error } of [leftToRight, rightToLeft]) {
		assert.equal((error as { code?: string } | undefined)?.code, "ECONNRESET");
	}
	client.abort();
});

for (const [title, reply, expected] of [
	["a reset that splice keeps to itself is not taken for an end", undefined, ["ECONNRESET"]],
	["an end that has come before the reset stays one", "reply", ["reply", "null"]],
] as const) {
	test(title, async (t) => {
		const [client, left] = await tcpPair();
		const [server, right] = await tcpPair();
		if (reply !== undefined) {
			await server.write(reply);
			await server.closeWrite();
		}
		const { fd } = right.socket;
		const { splice } = sys;
		let told = 0;
		t.mock.method(sys, "splice", (from: number, to: number, length: number, flags: number) => {
			if (to !== fd || told !== 0) return splice(from, to, length, flags);
			const moved = splice(from, to, length >> 1, flags);
			if (moved <= 0) return moved;
			server.abort();
			// What the kernel does when the reset comes between two parts of one splice. It may be late with it.
			for (let i = 0; told === 0 && i < 1_000_000; i++) told = pendingError(right.socket);
			return moved;
		});
		// Only a large piece is spliced, and how large they are is the kernel's matter.
		const sending = (async () => {
			for (let i = 0; told === 0 && i < 50; i++) await client.write(Buffer.alloc(1_000_000));
			if (told === 0) client.abort();
		})();
		const talking = Promise.allSettled([sending, readAll(server)]);
		const { isCut, leftToRight } = await relay(left, right).done;
		assert.ok(told !== 0);
		assert.deepEqual([isCut, (leftToRight.error as { code?: string }).code], [true, "EPIPE"]);
		const found: string[] = [];
		for (const _ of expected) found.push(await outcome(client));
		assert.deepEqual(found, expected);
		client.abort();
		await talking;
	});
}

test("a connection that has timed out is not taken for one that has ended", async () => {
	const [client, left] = await tcpPair();
	const [server, right] = await tcpPair();
	using faults = injectFaults([{ call: "send", fail: "ETIMEDOUT", fd: right.socket.fd }]);
	const running = relay(left, right);
	await client.write("x");
	await until(() => faults.hits > 0);
	// A read of a connection that is broken finds an end once the failure was told.
	await server.closeWrite();
	assert.equal((await running.done).isCut, true);
	faults.assertAllHit();
	assert.equal(await outcome(client), "ECONNRESET");
	for (const each of [client, server]) each.abort();
});

test("a stream that a relay has taken has no say in its connection any more", async () => {
	const [client, left] = await tcpPair();
	const [server, right] = socketpair();
	const running = relay(left, right);
	for (const taken of [left, right]) {
		taken.abort();
		await taken.close();
	}
	await client.write("still there");
	assert.equal(Buffer.from((await server.read()) ?? []).toString(), "still there");
	await Promise.all([client.close(), server.close()]);
	assert.equal((await running.done).isCut, false);
});

test("of many busy connections none moves more than a share of a turn at a visit", async (t) => {
	const pairs = await Promise.all(Array.from({ length: 40 }, () => tcpPair()));
	const lengths: number[] = [];
	const { splice } = sys;
	t.mock.method(sys, "splice", (from: number, to: number, length: number, flags: number) => {
		lengths.push(length);
		return splice(from, to, length, flags);
	});
	const piece = Buffer.alloc(1_048_576);
	await Promise.all(
		pairs.map(async ([server, right]) => {
			const [client, left] = socketpair();
			const running = relay(left, right);
			const arrives = countBytes(server);
			for (let i = 0; i < 2; i++) await client.write(piece);
			await client.close();
			assert.equal(await arrives, 2 * piece.length);
			await server.close();
			await running.done;
		}),
	);
	// Alone each would have all of a pipe.
	const shared = lengths.filter((length) => length < 1_048_576).length;
	assert.ok(shared > lengths.length / 2, `${shared} of ${lengths.length}`);
});

test("sockets are taken over as they are, so that nothing has to be watched anew", async (t) => {
	const [client, left] = await tcpPair();
	const [server, right] = await tcpPair();
	const [owned, given] = [t.mock.method(sys, "engineOwn"), t.mock.method(sys, "engineDisown")];
	const running = relay(left, right);
	assert.deepEqual([owned.mock.callCount(), given.mock.callCount()], [0, 0]);
	await client.close();
	assert.equal(await server.read(), null);
	await server.close();
	assert.equal((await running.done).isCut, false);
});

async function countBytes(stream: Stream): Promise<number> {
	let count = 0;
	for await (const chunk of stream) count += chunk.length;
	return count;
}
