import assert from "node:assert/strict";
import { test } from "node:test";
import {
	type Address,
	type Datagrams,
	datagrams,
	listen,
	type PacketStream,
	type Stream,
	socketpair,
} from "socketry";
import { startChild } from "../support/children.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENCE_MS } from "../support/patience.ts";
import {
	bytesFrom,
	drink,
	drinkDatagrams,
	drinkPackets,
	pour,
	pourDatagrams,
	pourPackets,
} from "./hose.ts";

const FIREHOSE = new URL("./firehose.child.js", import.meta.url);
const WATCH_MS = 2_000;
/** What has to come meanwhile, however rarely a peer gets a processor. */
const FLOW_BYTES = 100_000;
const TICK_MS = 10;
/** Latest that a timer, or the answer of another connection, may come. */
const LATEST_MS = 200;
const ATTEMPTS = 3;

/** A clock that stands still while this process has no processor: what the rest of the machine does is nobody's fault here. */
function busyClock(): () => number {
	let time = performance.now();
	let { user, system } = process.cpuUsage();
	let busyMs = 0;
	return () => {
		const now = performance.now();
		const used = process.cpuUsage();
		busyMs += Math.min(now - time, (used.user - user + used.system - system) / 1_000);
		time = now;
		({ user, system } = used);
		return busyMs;
	};
}

interface Hose {
	/** Settles after `stop`. */
	readonly flowing: Promise<unknown>;
	/** The end that drinks. */
	readonly end: Stream | PacketStream | Datagrams;
	stop(): void;
}

/** Watches for a while how late timers, and the answers on another connection, come. */
async function watch(
	asking: Stream,
	end: Hose["end"],
): Promise<{ readonly isFair: boolean; readonly text: string }> {
	const bytesBefore = bytesFrom(end);
	let latestTick = 0;
	let ticks = 0;
	const clock = busyClock();
	let last = clock();
	const timer = setInterval(() => {
		const now = clock();
		latestTick = Math.max(latestTick, now - last);
		last = now;
		ticks++;
	}, TICK_MS);
	let latestAnswer = 0;
	let answers = 0;
	const start = performance.now();
	const isOver = (): boolean => {
		const ms = performance.now() - start;
		return ms > (bytesFrom(end) - bytesBefore > FLOW_BYTES ? WATCH_MS : PATIENCE_MS);
	};
	while (!isOver()) {
		const asked = clock();
		await asking.write("?");
		await asking.readExactly(1);
		latestAnswer = Math.max(latestAnswer, clock() - asked);
		answers++;
		await new Promise((resolve) => setTimeout(resolve, 1));
	}
	clearInterval(timer);
	return {
		isFair: latestTick < LATEST_MS && latestAnswer < LATEST_MS,
		text: `${ticks} ticks, latest ${latestTick} ms; ${answers} answers, latest ${latestAnswer} ms`,
	};
}

/** Watches timers and another connection while a hose flows. */
async function assertFair(hose: Hose): Promise<void> {
	const [asking, answering] = socketpair();
	const echoing = (async () => {
		for await (const chunk of answering) await answering.write(chunk);
	})();
	let seen = await watch(asking, hose.end);
	// A pause of the whole machine can look like work of this process; who starves does so each time.
	for (let again = 1; again < ATTEMPTS && !seen.isFair; again++)
		seen = await watch(asking, hose.end);
	hose.stop();
	const bytes = bytesFrom(hose.end);
	await hose.flowing;
	await asking.close();
	await echoing;
	await answering.close();
	assert.ok(seen.isFair, seen.text);
	assert.ok(bytes > FLOW_BYTES, `only ${bytes} bytes came: that is no firehose`);
}

for (const [kind, address] of [
	["tcp", "tcp://127.0.0.1:0"],
	["unix", `unix:${abstractName()}`],
	["unix-seqpacket", `unix-seqpacket:${abstractName()}`],
] as const) {
	test(`a peer that streams both ways starves neither timers nor others (${kind})`, async () => {
		const listener = await listen(address as string);
		const child = startChild(FIREHOSE, { args: [kind, JSON.stringify(listener.address)] });
		const end = await listener.accept();
		try {
			const flows =
				kind === "unix-seqpacket"
					? [drinkPackets(end as PacketStream), pourPackets(end as PacketStream)]
					: [drink(end as Stream), pour(end as Stream)];
			await assertFair({ flowing: Promise.all(flows), end, stop: () => end.abort() });
			const { code, stderr } = await child.ended;
			assert.equal(code, 0, stderr);
		} finally {
			end.abort();
			listener.close();
			child.process.kill("SIGKILL");
			await child.ended;
		}
	});
}

test("a peer that streams datagrams both ways starves neither timers nor others (udp)", async () => {
	const socket = await datagrams("udp://127.0.0.1:0");
	const child = startChild(FIREHOSE, { args: ["udp", JSON.stringify(socket.address)] });
	const peer = JSON.parse(await child.line()) as Address;
	try {
		const flowing = Promise.all([drinkDatagrams(socket), pourDatagrams(socket, peer)]);
		await assertFair({ flowing, end: socket, stop: () => socket.abort() });
	} finally {
		socket.abort();
		child.process.kill("SIGKILL");
		await child.ended;
	}
});

for (const [kind, make] of Object.entries({
	stream: (): Hose => {
		const [left, right] = socketpair();
		const flows = [drink(left), pour(left), drink(right), pour(right)];
		return { flowing: Promise.all(flows), end: left, stop: () => abortAll(left, right) };
	},
	seqpacket: (): Hose => {
		const [left, right] = socketpair("seqpacket");
		const flows = [drinkPackets(left), pourPackets(left), drinkPackets(right), pourPackets(right)];
		return { flowing: Promise.all(flows), end: left, stop: () => abortAll(left, right) };
	},
	dgram: (): Hose => {
		const [left, right] = socketpair("dgram");
		const drinking = [drinkDatagrams(left), drinkDatagrams(right)];
		const flows = [...drinking, pourDatagrams(left), pourDatagrams(right)];
		return { flowing: Promise.all(flows), end: left, stop: () => abortAll(left, right) };
	},
})) {
	test(`both ends in one process starve neither timers nor others (${kind})`, async () => {
		await assertFair(make());
	});
}

function abortAll(...ends: readonly { abort(): void }[]): void {
	for (const end of ends) end.abort();
}
