import assert from "node:assert/strict";
import { test } from "node:test";
import {
	type Address,
	datagrams,
	listen,
	type PacketStream,
	type Stream,
	socketpair,
} from "socketry";
import { startChild } from "../support/children.ts";
import { abstractName } from "../support/pairs.ts";
import { drink, drinkDatagrams, drinkPackets, pour, pourDatagrams, pourPackets } from "./hose.ts";

const FIREHOSE = new URL("./firehose.child.js", import.meta.url);
const WATCH_MS = 2_000;
const TICK_MS = 10;
/** Latest that a timer, or the answer of another connection, may come. */
const LATEST_MS = 200;

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
	/** Resolves to the bytes that came, after `stop`. */
	readonly flowing: Promise<number>;
	stop(): void;
}

/** Watches timers and another connection while a hose flows. */
async function assertFair(hose: Hose): Promise<void> {
	const [asking, answering] = socketpair();
	const echoing = (async () => {
		for await (const chunk of answering) await answering.write(chunk);
	})();
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
	const end = performance.now() + WATCH_MS;
	while (performance.now() < end) {
		const asked = clock();
		await asking.write("?");
		await asking.readExactly(1);
		latestAnswer = Math.max(latestAnswer, clock() - asked);
		answers++;
		await new Promise((resolve) => setTimeout(resolve, 1));
	}
	clearInterval(timer);
	hose.stop();
	const bytes = await hose.flowing;
	await asking.close();
	await echoing;
	await answering.close();
	const seen = `${ticks} ticks, latest ${latestTick} ms; ${answers} answers, latest ${latestAnswer} ms`;
	assert.ok(latestTick < LATEST_MS && latestAnswer < LATEST_MS, seen);
	assert.ok(bytes > 100_000, `only ${bytes} bytes came: that is no firehose`);
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
			const flowing = Promise.all(flows).then(([bytes]) => bytes as number);
			await assertFair({ flowing, stop: () => end.abort() });
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
		await assertFair({ flowing: flowing.then(([bytes]) => bytes), stop: () => socket.abort() });
	} finally {
		socket.abort();
		child.process.kill("SIGKILL");
		await child.ended;
	}
});

for (const [kind, make] of Object.entries({
	stream: (): [Promise<number>, () => void] => {
		const [left, right] = socketpair();
		const flows = [drink(left), pour(left), drink(right), pour(right)] as const;
		return [Promise.all(flows).then(([bytes]) => bytes), () => abortAll(left, right)];
	},
	seqpacket: (): [Promise<number>, () => void] => {
		const [left, right] = socketpair("seqpacket");
		const flows = [drinkPackets(left), pourPackets(left), drinkPackets(right), pourPackets(right)];
		return [Promise.all(flows).then(([bytes]) => bytes as number), () => abortAll(left, right)];
	},
	dgram: (): [Promise<number>, () => void] => {
		const [left, right] = socketpair("dgram");
		const flows = [drinkDatagrams(left), pourDatagrams(left), drinkDatagrams(right)];
		return [
			Promise.all([...flows, pourDatagrams(right)]).then(([bytes]) => bytes as number),
			() => abortAll(left, right),
		];
	},
})) {
	test(`both ends in one process starve neither timers nor others (${kind})`, async () => {
		const [flowing, stop] = make();
		await assertFair({ flowing, stop });
	});
}

function abortAll(...ends: readonly { abort(): void }[]): void {
	for (const end of ends) end.abort();
}
