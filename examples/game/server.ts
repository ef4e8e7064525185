/**
 * An authoritative game server: 60 times a second it moves everybody, and tells each player what he sees. By UDP; and by TCP, to compare.
 * Prints how its ticks went when it is stopped.
 *
 *     node examples/game/server.ts udp://127.0.0.1:9000
 *     node examples/game/players.ts udp://127.0.0.1:9000 200 5
 */
import { createHmac, randomBytes } from "node:crypto";
import { createHistogram } from "node:perf_hooks";
import { type Address, datagrams, formatAddress, listen, type Stream } from "socketry";
import { framed, lengthPrefixed } from "socketry/frame";
import { readFromPlayer, snapshotMessage, tokenMessage } from "./messages.ts";
import { type Player, World } from "./world.ts";

const TICK_MS = 1_000 / 60;
const LATE_MS_MAX = 50;
const PLAYERS_MAX = 1_000;
/** Ticks after which a player who says nothing has left. */
const SILENCE_TICKS = 120;
/** A snapshot is worth nothing behind many others: to a TCP connection that is behind, none is sent. */
const QUEUED_BYTES_MAX = 16_384;

type Send = (message: Uint8Array) => Promise<void>;

interface Seat {
	readonly player: Player;
	readonly token: bigint;
	readonly send: Send;
}

const world = new World();
const seats = new Map<string, Seat>();
const secret = randomBytes(32);
const stopping = new AbortController();
const { signal } = stopping;
process.once("SIGTERM", () => stopping.abort());
process.once("SIGINT", () => stopping.abort());

/** Nothing is kept of who asks to join: what he sends back shows that he can be reached at his address. */
function tokenFor(name: string): bigint {
	return createHmac("sha256", secret).update(name).digest().readBigUInt64BE();
}

function hear(name: string, data: Uint8Array, send: Send): void {
	const message = readFromPlayer(data);
	if (message === undefined) return;
	if (message.type === "join") {
		attempt(send, tokenMessage(tokenFor(name)));
		return;
	}
	let seat = seats.get(name);
	if (message.token !== (seat?.token ?? tokenFor(name))) return;
	if (seat === undefined) {
		if (seats.size === PLAYERS_MAX) return;
		seat = { player: world.join(), token: message.token, send };
		seats.set(name, seat);
	}
	if (message.type === "interest") world.look(seat.player, message.radius);
	else world.steer(seat.player, message.sequence, message.dx, message.dy);
}

/** What cannot be sent now is not worth sending later. */
function attempt(send: Send, message: Uint8Array): void {
	send(message).catch(() => undefined);
}

async function serveDatagrams(address: string): Promise<void> {
	const socket = await datagrams(address, {
		onFull: "drop",
		receiveBufferBytes: 4_194_304,
		signal,
	});
	announce(socket.address);
	for await (const { data, from } of socket) {
		hear(formatAddress(from), data, (message) => socket.send(message, from));
	}
}

async function serveStreams(address: `tcp:${string}`): Promise<void> {
	const listener = await listen(address, { signal });
	announce(listener.address);
	for await (const stream of listener) void serveStream(stream);
}

async function serveStream(stream: Stream): Promise<void> {
	const messages = framed(stream, lengthPrefixed({ prefixBytes: 2, maxBytes: 64 }));
	const codec = lengthPrefixed({ prefixBytes: 2 });
	const name = formatAddress(stream.peer);
	try {
		for await (const data of messages) {
			hear(name, data, async (message) => {
				if (stream.queuedBytes < QUEUED_BYTES_MAX) await stream.write(codec.encode(message));
			});
		}
	} catch {
		// Who breaks the rules, or off, leaves.
	} finally {
		stream.abort();
	}
}

function announce(address: Address): void {
	console.log(`playing at ${formatAddress(address)}`);
}

const lateUs = createHistogram();
const workUs = createHistogram();
let players = 0;

/** Each tick is due at its own time, so that lateness does not add up. */
function run(startMs: number, count: number): void {
	const dueMs = startMs + count * TICK_MS;
	const nowMs = performance.now();
	lateUs.record(Math.max(1, Math.round((nowMs - dueMs) * 1_000)));
	// After a long wait it does not hurry to make up for it.
	const begunMs = nowMs - dueMs > LATE_MS_MAX ? startMs + nowMs - dueMs : startMs;
	world.step();
	for (const [name, { player, send }] of seats) {
		if (world.tick - player.heardTick > SILENCE_TICKS) {
			seats.delete(name);
			world.players.delete(player);
		} else attempt(send, snapshotMessage(world.tick, player, world.seenBy(player)));
	}
	players = Math.max(players, seats.size);
	workUs.record(Math.max(1, Math.round((performance.now() - nowMs) * 1_000)));
	if (signal.aborted) report();
	else {
		const nextMs = begunMs + (count + 1) * TICK_MS;
		setTimeout(run, Math.max(0, Math.ceil(nextMs - performance.now())), begunMs, count + 1);
	}
}

function report(): void {
	const ms = (histogram: typeof lateUs, share: number): number =>
		histogram.percentile(share) / 1_000;
	const late = { p50: ms(lateUs, 50), p99: ms(lateUs, 99) };
	const work = { p50: ms(workUs, 50), p99: ms(workUs, 99) };
	console.log(JSON.stringify({ ticks: world.tick, players, lateMs: late, workMs: work }));
}

run(performance.now(), 0);
const [address = "udp://127.0.0.1:9000"] = process.argv.slice(2);
if (address.startsWith("udp:")) await serveDatagrams(address);
else await serveStreams(address as `tcp:${string}`);
