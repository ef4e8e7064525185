/**
 * Simulated players: they join, walk about, look around, and measure what a human would feel.
 *
 *     node examples/game/players.ts udp://127.0.0.1:9000 200 5
 *
 * Prints, as JSON: snapshots for each player and second, and how many were missed; how often and for how long the picture stood still; how old the
 * snapshots were when they came; and how long it took until a player saw what he had done himself.
 */
import { createHistogram } from "node:perf_hooks";
import { connect, datagrams } from "socketry";
import { framed, lengthPrefixed } from "socketry/frame";
import { FROM_SERVER, inputMessage, interestMessage, JOIN, nowUs } from "./messages.ts";

const INPUT_MS = 1_000 / 30;
/** Until all have joined. */
const WARM_UP_MS = 500;
/** What a human sees as standing still: three pictures long nothing new. */
const FROZEN_US = 60_000;

const ageUs = createHistogram();
const stillUs = createHistogram();
const responseUs = createHistogram();
let snapshots = 0;
let missed = 0;
let frozen = 0;
let isMeasuring = false;

interface Connection extends AsyncIterable<Uint8Array> {
	send(message: Uint8Array): Promise<void>;
	abort(): void;
}

async function open(address: string): Promise<Connection> {
	if (!address.startsWith("udp:")) {
		const stream = await connect(address as `tcp:${string}`);
		return framed(stream, lengthPrefixed({ prefixBytes: 2 }));
	}
	const socket = await datagrams(undefined, { connect: address, onFull: "drop" });
	return {
		send: (message) => socket.send(message),
		abort: () => socket.abort(),
		async *[Symbol.asyncIterator]() {
			for await (const { data } of socket) yield data;
		},
	};
}

class SimulatedPlayer {
	readonly #connection: Connection;
	#token: bigint | undefined;
	#tick = 0;
	#shownUs = 0;
	#sequence = 0;
	#seenSequence = 0;
	#radius = 0;
	readonly #wantedRadius = 50 + Math.floor(Math.random() * 100);
	// When the last inputs were sent, by their sequence numbers.
	readonly #sentUs = new Float64Array(256);

	constructor(connection: Connection) {
		this.#connection = connection;
		void this.#listen().catch(() => undefined);
	}

	/** Says what it has to say 30 times a second. Whatever is lost is said again, or is of no interest any more. */
	speak(): void {
		if (this.#token === undefined) {
			this.#send(JOIN);
			return;
		}
		if (this.#radius !== this.#wantedRadius) {
			this.#send(interestMessage(this.#token, this.#wantedRadius));
		}
		this.#sequence++;
		this.#sentUs[this.#sequence % 256] = nowUs();
		const [dx, dy] = [Math.random() < 0.5 ? -1 : 1, Math.random() < 0.5 ? -1 : 1];
		this.#send(inputMessage(this.#token, this.#sequence, dx, dy));
	}

	leave(): void {
		this.#connection.abort();
	}

	#send(message: Uint8Array): void {
		this.#connection.send(message).catch(() => undefined);
	}

	async #listen(): Promise<void> {
		for await (const data of this.#connection) {
			const view = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
			if (view[0] === FROM_SERVER.token) this.#token = view.readBigUInt64BE(1);
			else this.#show(view);
		}
	}

	#show(snapshot: Buffer): void {
		const tick = snapshot.readUInt32BE(1);
		// One that a later one has overtaken shows the past.
		if (tick <= this.#tick) return;
		const timeUs = nowUs();
		if (isMeasuring && this.#tick > 0) {
			const stillForUs = timeUs - this.#shownUs;
			snapshots++;
			missed += tick - this.#tick - 1;
			if (stillForUs > FROZEN_US) frozen++;
			stillUs.record(Math.max(1, stillForUs));
			ageUs.record(Math.max(1, timeUs - snapshot.readDoubleBE(11)));
		}
		this.#tick = tick;
		this.#shownUs = timeUs;
		this.#radius = snapshot.readUInt16BE(9);
		const sequence = snapshot.readUInt32BE(5);
		if (isMeasuring && sequence > this.#seenSequence) {
			responseUs.record(Math.max(1, timeUs - (this.#sentUs[sequence % 256] ?? 0)));
		}
		this.#seenSequence = sequence;
	}
}

const [address = "udp://127.0.0.1:9000", count = "200", seconds = "5"] = process.argv.slice(2);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const connections = await Promise.all(Array.from({ length: +count }, () => open(address)));
const players = connections.map((connection) => new SimulatedPlayer(connection));
const timers: NodeJS.Timeout[] = [];
for (const [i, player] of players.entries()) {
	// Humans do not press their keys in step.
	if (i % 6 === 0) await sleep(1);
	timers.push(setInterval(() => player.speak(), INPUT_MS));
}
await sleep(WARM_UP_MS);
isMeasuring = true;
const startMs = performance.now();
await sleep(Number(seconds) * 1_000);
isMeasuring = false;
const elapsedSeconds = (performance.now() - startMs) / 1_000;
for (const timer of timers) clearInterval(timer);
for (const player of players) player.leave();

const ms = (histogram: typeof ageUs): object => ({
	p50: histogram.percentile(50) / 1_000,
	p99: histogram.percentile(99) / 1_000,
	max: histogram.max / 1_000,
});
const report = {
	snapshotsPerSecond: snapshots / players.length / elapsedSeconds,
	missedShare: missed / (snapshots + missed || 1),
	frozenShare: frozen / (snapshots || 1),
	ageMs: ms(ageUs),
	stillMs: ms(stillUs),
	responseMs: ms(responseUs),
};
console.log(JSON.stringify(report));
