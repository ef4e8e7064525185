import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Datagrams } from "#src/datagram/datagrams.ts";
import { ReplyGuard } from "#src/datagram/reply-guard.ts";
import { datagrams } from "#src/open/open-datagrams.ts";
import type { Address } from "#src/socket/address.ts";
import { ownLoopbackHosts } from "../support/own-addresses.ts";

function peer(port: number): Address {
	return { transport: "udp", host: "192.0.2.1", port };
}

test("an unproven address gets three times what came from it, a proven one anything", () => {
	const guard = new ReplyGuard();
	assert.equal(guard.mayReply(peer(1), 1), false);
	assert.equal(guard.heard(peer(1), 100), true);
	assert.equal(guard.mayReply(peer(1), 200), true);
	assert.equal(guard.mayReply(peer(1), 101), false);
	assert.equal(guard.mayReply(peer(1), 100), true);
	assert.equal(guard.mayReply(peer(1), 1), false);
	assert.equal(guard.mayReply(peer(2), 1), false);
	guard.prove(peer(1));
	assert.equal(guard.mayReply(peer(1), 1_000_000), true);
	assert.equal(guard.amplifiedCount, 4);
});

test("whatever comes and goes, no unproven address gets more than its share", () => {
	const steps = fc.array(
		fc.record({
			port: fc.integer({ min: 1, max: 5 }),
			bytes: fc.integer({ min: 0, max: 2_000 }),
			isReply: fc.boolean(),
		}),
		{ maxLength: 200, size: "max" },
	);
	const check = fc.property(steps, fc.integer({ min: 1, max: 5 }), (all, factor) => {
		const guard = new ReplyGuard({ factor });
		const received = new Map<number, number>();
		const sent = new Map<number, number>();
		for (const { port, bytes, isReply } of all) {
			const book = isReply ? sent : received;
			const counts = isReply ? guard.mayReply(peer(port), bytes) : guard.heard(peer(port), bytes);
			if (counts) book.set(port, (book.get(port) ?? 0) + bytes);
			assert.ok((sent.get(port) ?? 0) <= factor * (received.get(port) ?? 0));
		}
	});
	fc.assert(check);
});

test("it forgets whom it heard longest ago", () => {
	const guard = new ReplyGuard({ maxPeers: 2 });
	guard.heard(peer(1), 10);
	guard.heard(peer(2), 10);
	guard.heard(peer(1), 10);
	guard.heard(peer(3), 10);
	assert.equal(guard.mayReply(peer(2), 1), false);
	assert.equal(guard.mayReply(peer(1), 60), true);
	assert.equal(guard.mayReply(peer(3), 30), true);
});

// Answers everything with twice its length.
async function serve(socket: Datagrams, guard: ReplyGuard): Promise<void> {
	for await (const { data, from, bytes } of socket) {
		if (!guard.heard(from, bytes)) continue;
		const reply = Buffer.concat([data, data]);
		if (guard.mayReply(from, reply.length)) await socket.send(reply, from);
	}
}

test("two servers do not answer each other, although a forged datagram starts them", async () => {
	const [one, other] = ownLoopbackHosts();
	const first = await datagrams(`udp://${one}:0`);
	assert.ok("port" in first.address);
	const { port } = first.address;
	const second = await datagrams(`udp://${other}:${port}`);
	const guards = [first, second].map(() => new ReplyGuard({ serverPorts: [port] }));
	const serving = [first, second].map((socket, i) => serve(socket, guards[i] as ReplyGuard));
	// What a forger would make the second one receive: a question that seems to come from the first.
	await first.send("question", second.address);
	const client = await datagrams("udp://127.0.0.1:0");
	for (const { address } of [first, second]) {
		await client.send("abc", address);
		const { data } = await client.receive();
		assert.equal(Buffer.from(data).toString(), "abcabc");
	}
	assert.equal(guards[0]?.loopCount, 0);
	assert.equal(guards[1]?.loopCount, 1);
	assert.deepEqual([first.receivedCount, second.receivedCount], [1, 2]);
	await Promise.all([first.close(), second.close(), client.close()]);
	await Promise.all(serving);
});

interface Flight {
	readonly arrivesMs: number;
	/** Which of the two servers it is sent to. */
	readonly to: 0 | 1;
	readonly bytes: number;
}

/** Lets two servers that know nothing of each other answer each other. Returns how many datagrams each sent, or undefined when it goes on and on. */
function loop(
	oneWayMs: number,
	copies: number,
	forged: number,
	isGuarded: readonly boolean[],
): number[] | undefined {
	let nowMs = 0;
	const settings = { maxReplies: 50, pauseMs: 100, now: () => nowMs };
	const guards = isGuarded.map((each) => (each ? new ReplyGuard(settings) : undefined));
	const sent = [0, 0];
	// In order of arrival: all take equally long.
	const flights: Flight[] = Array.from({ length: forged }, (_, i) => ({
		arrivesMs: i * 0.1,
		to: 0,
		bytes: 10,
	}));
	for (let next = 0; next < flights.length; next++) {
		if (next > 5_000) return undefined;
		const { arrivesMs, to, bytes } = flights[next] as Flight;
		nowMs = arrivesMs;
		const from = to === 0 ? 1 : 0;
		const guard = guards[to];
		if (guard?.heard(peer(from), bytes) === false) continue;
		for (let i = 0; i < copies; i++) {
			if (guard?.mayReply(peer(from), bytes) === false) continue;
			sent[to] = (sent[to] as number) + 1;
			flights.push({ arrivesMs: nowMs + oneWayMs, to: from, bytes });
		}
	}
	return sent;
}

test("servers that answer each other stop, however fast they are, how many are under way, and how many answers each gives", () => {
	for (const oneWayMs of [0, 0.01, 1, 20, 49]) {
		for (const copies of [1, 2, 3]) {
			for (const forged of [1, 10, 70]) {
				const sent = loop(oneWayMs, copies, forged, [true, true]);
				assert.ok(
					sent?.every((count) => count <= 50),
					`${sent} of ${[oneWayMs, copies, forged]}`,
				);
			}
		}
		// The other one answers whatever comes.
		assert.equal(loop(oneWayMs, 1, 3, [true, false])?.[0], 50);
		assert.equal(loop(oneWayMs, 1, 1, [false, false]), undefined);
	}
});

test("after a pause, its own or one that was forced on it, an address gets answers again", () => {
	let nowMs = 0;
	const guard = new ReplyGuard({ maxReplies: 3, pauseMs: 100, now: () => nowMs });
	const ask = (port: number): boolean =>
		guard.heard(peer(port), 10) && guard.mayReply(peer(port), 10);
	assert.deepEqual([ask(1), ask(1), ask(1), ask(1)], [true, true, true, false]);
	assert.equal(guard.mayReply(peer(1), 10), false);
	assert.equal(guard.pausedCount, 2);
	assert.equal(ask(2), true);
	nowMs = 99;
	assert.equal(ask(1), false);
	nowMs = 100;
	assert.equal(ask(1), true);
	// Whoever asks now and then never meets it.
	for (let i = 0; i < 20; i++) {
		nowMs += 100;
		assert.equal(ask(1) && ask(1), true);
	}
	nowMs += 1;
	guard.prove(peer(1));
	assert.ok([ask(1), ask(1), ask(1), ask(1)].every(Boolean));
	assert.equal(guard.amplifiedCount, 0);
});

test("what makes no sense is refused", () => {
	assert.throws(() => new ReplyGuard({ maxReplies: 0 }), { code: "ERR_OUT_OF_RANGE" });
	assert.throws(() => new ReplyGuard({ pauseMs: 0 }), { code: "ERR_OUT_OF_RANGE" });
	assert.throws(() => new ReplyGuard({ now: 5 as never }), { code: "ERR_INVALID_ARG_TYPE" });
	assert.throws(() => new ReplyGuard({ factor: 0 }), { code: "ERR_OUT_OF_RANGE" });
	assert.throws(() => new ReplyGuard({ maxPeers: 0 }), { code: "ERR_OUT_OF_RANGE" });
	assert.throws(() => new ReplyGuard({ serverPorts: [65_536] }), { code: "ERR_OUT_OF_RANGE" });
});
