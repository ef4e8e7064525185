/** Relays whose receivers do not read, or whose connections have ended in one direction: they sleep, and lose nothing. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { PacketStream, Stream } from "socketry";
import { randomSource } from "#src/random.ts";
import { type Chain, type ChainKind, KINDS, nameOf, withChain } from "./chain.ts";
import { Pattern } from "./pattern.ts";

const WINDOW_MS = 250;
const WINDOWS_MAX = 20;
// Each time that it wakes, or is sent off the processor, or is seen on it: one that spins has hundreds.
const WAKE_UPS_MAX = 10;
const STILL_MS = 20;
const STILL_TIMES = 5;
const { seed } = randomSource();

/** Both kinds of switches: one that spins is rarely asleep, and is sent off the processor instead. */
function wakeUps(pid: number): number {
	const status = readFileSync(`/proc/${pid}/status`, "utf8");
	const switches = [...status.matchAll(/ctxt_switches:\s+(\d+)/g)].map(([, count]) =>
		Number(count),
	);
	const ticks = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ").slice(13, 15).map(Number);
	return [...switches, ...ticks].reduce((sum, count) => sum + count, 0);
}

/** Waits until they sleep: on a busy machine what went before takes its time. */
async function assertAsleep({ relays }: Chain, when: string): Promise<void> {
	let counts: number[] = [];
	for (let i = 0; i < WINDOWS_MAX; i++) {
		const before = relays.map(({ process }) => wakeUps(process.pid as number));
		await pause(WINDOW_MS);
		counts = relays.map(({ process }, k) => wakeUps(process.pid as number) - (before[k] ?? 0));
		if (counts.every((count) => count < WAKE_UPS_MAX)) return;
	}
	assert.fail(`${when}: ${counts.join()} wake-ups in ${WINDOW_MS} ms, again and again`);
}

/** Sends until nobody takes any more, without a queue of its own. Returns how many bytes. */
async function fill(sink: Stream | PacketStream, pattern: Pattern): Promise<number> {
	let sent = 0;
	for (let still = 0; still < STILL_TIMES; still++) {
		for (;;) {
			const taken = sink.socket.trySend(pattern.piece(sent, 16_384));
			if (taken === undefined) break;
			sent += taken;
			still = 0;
		}
		await pause(STILL_MS);
	}
	return sent;
}

async function checkStalled(kind: ChainKind): Promise<void> {
	const name = nameOf(kind);
	await withChain(kind, async (chain) => {
		const [there, back] = [new Pattern(seed), new Pattern(seed + 1)];
		const accepted = chain.accept();
		const client = (await chain.connect()) as Stream | PacketStream;
		const server = (await accepted) as Stream | PacketStream;
		const sent = await fill(client, there);
		await assertAsleep(chain, `${name}, the server does not read`);
		const returned = await fill(server, back);
		await assertAsleep(chain, `${name}, nobody reads`);
		// What is on its way, in pipes too, has the end behind it now.
		client.socket.shutdown("write");
		server.socket.shutdown("write");
		await assertAsleep(chain, `${name}, both have ended, and nobody reads`);
		const received = await Promise.all([there.receive(server, there), back.receive(client, back)]);
		assert.deepEqual(received, [sent, returned], name);
		await Promise.all([client.close(), server.close()]);
		for (const relay of chain.relays) {
			const { code, stderr } = await relay.ended;
			assert.equal(code, 0, `${name}: ${stderr}`);
		}
	});
}

async function checkHalfClosed(kind: ChainKind, endsFirst: "client" | "server"): Promise<void> {
	const name = nameOf(kind);
	await withChain(kind, async (chain) => {
		const accepted = chain.accept();
		const ends = [await chain.connect(), await accepted] as const;
		const [first, last] = endsFirst === "client" ? ends : [ends[1], ends[0]];
		await assertAsleep(chain, `${name}, nobody says anything`);
		const pattern = new Pattern(seed);
		await Promise.all([pattern.send(first, 1_000_000), pattern.receive(last, pattern)]);
		await assertAsleep(chain, `${name}, the ${endsFirst} has ended`);
		const [received] = await Promise.all([
			pattern.receive(first, pattern),
			pattern.send(last, 1_000_000),
		]);
		assert.equal(received, 1_000_000, name);
		await Promise.all([first.close(), last.close()]);
		for (const relay of chain.relays) assert.equal((await relay.ended).code, 0, name);
	});
}

const plain = KINDS.filter((kind) => !/tls|proxy/.test(nameOf(kind)));

test("with receivers that do not read relays sleep, and every byte arrives, with the end behind it", async () => {
	await Promise.all(plain.map(checkStalled));
});

for (const end of ["client", "server"] as const) {
	test(`relays sleep while nobody says anything, and when the ${end} has ended`, async () => {
		await Promise.all(KINDS.map((kind) => checkHalfClosed(kind, end)));
	});
}
