/** What waits of datagrams that a relay cannot hand on yet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Address, Datagram, Datagrams } from "socketry";
import type { Channel } from "#src/cli/exchange/channel.ts";
import { takeSessions } from "#src/cli/relay/sessions.ts";

const SENDERS = 8;
const BYTES = 60_000;
const ROUNDS = 300;
// What all may hold together, and more than that was sent.
const HELD_MAX = 67_108_864;

/** A socket that has got these datagrams, and is closed then. */
function having(senders: number, rounds: number, bytes: number): Datagrams {
	const memory = new Uint8Array(bytes);
	async function* all(): AsyncGenerator<Pick<Datagram, "data" | "from">> {
		for (let round = 0; round < rounds; round++) {
			for (let i = 0; i < senders; i++) {
				const from: Address = { transport: "udp", host: "192.0.2.1", port: i + 1 };
				yield { data: memory, from };
			}
		}
	}
	return { [Symbol.asyncIterator]: all } as unknown as Datagrams;
}

test("senders that nobody hears hold 64 MiB in all, and nothing of that is lost", async () => {
	const channels: Channel[] = [];
	let dropped = 0;
	const onDropped = (): void => {
		dropped++;
	};
	const onSession = (channel: Channel): void => void channels.push(channel);
	const max = SENDERS;
	await takeSessions(having(SENDERS, ROUNDS, BYTES), { max, onSession, onDropped });
	assert.equal(channels.length, SENDERS);
	const heldCount = SENDERS * ROUNDS - dropped;
	assert.ok(heldCount * BYTES <= HELD_MAX && (heldCount + 8) * BYTES > HELD_MAX, `${heldCount}`);
	let taken = 0;
	for (const channel of channels) {
		channel.finish?.();
		for (let next = await channel.receive(); next !== null; next = await channel.receive()) taken++;
	}
	assert.equal(taken, heldCount);
});

test("what waits for long holds no memory of others", async () => {
	const channels: Channel[] = [];
	const onSession = (channel: Channel): void => void channels.push(channel);
	await takeSessions(having(1, 1_000, 10), { max: 1, onSession, onDropped: () => assert.fail() });
	const [channel] = channels;
	const memories = new Map<ArrayBufferLike, number>();
	channel?.finish?.();
	for (let next = await channel?.receive(); next; next = await channel?.receive()) {
		const { buffer } = next.data;
		memories.set(buffer, (memories.get(buffer) ?? 0) + 1);
	}
	assert.equal(memories.size, 1_000 - 64 + 1);
});
