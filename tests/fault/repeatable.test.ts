import assert from "node:assert/strict";
import { test } from "node:test";
import { datagrams } from "socketry";
import {
	type FaultKind,
	FaultPlan,
	faultDatagrams,
	faultRelay,
	ManualClock,
	type ToxicRequest,
} from "socketry/fault";
import { memoryPackets, memoryStreams } from "socketry/testing";
import { until } from "../support/patience.ts";

/** All that could be seen of a run: arrivals with their time, what the faults told, what became of it. */
interface Run {
	readonly log: string[];
	readonly clock: ManualClock;
	readonly plan: FaultPlan;
}

function begin(kind: FaultKind, seed: number, toxics: readonly ToxicRequest[]): Run {
	const log: string[] = [];
	const clock = new ManualClock();
	const onFault = (event: object): void => {
		log.push(`${clock.nowMs()} fault ${JSON.stringify(event)}`);
	};
	return { log, clock, plan: new FaultPlan({ kind, seed, clock, toxics, onFault }) };
}

const MESSAGES = Array.from({ length: 60 }, (_, number) =>
	Buffer.from(`message ${number} `.repeat(1 + (number % 5))),
);

async function turns(): Promise<void> {
	for (let turn = 0; turn < 6; turn++) await new Promise(setImmediate);
}

async function record(
	{ log, clock }: Run,
	receive: () => Promise<Uint8Array | null>,
): Promise<void> {
	try {
		for (;;) {
			const data = await receive();
			log.push(`${clock.nowMs()} ${data === null ? "end" : Buffer.from(data).toString("latin1")}`);
			if (data === null) return;
		}
	} catch (error) {
		log.push(`${clock.nowMs()} ${(error as { code: string }).code}`);
	}
}

async function runConnection(
	kind: "stream" | "packets",
	seed: number,
	toxics: readonly ToxicRequest[],
): Promise<string[]> {
	const run = begin(kind, seed, toxics);
	const { log, clock, plan } = run;
	const streams = [memoryStreams(), memoryStreams()] as const;
	const packets = [memoryPackets(), memoryPackets()] as const;
	const [[client, near], [server, far]] = kind === "stream" ? streams : packets;
	const relay = faultRelay(near, far, plan, { connection: 3 });
	const send = (data: Uint8Array): Promise<unknown> =>
		"send" in client ? client.send(data) : client.write(data).then(() => client.flush());
	const recording = record(run, () => ("receive" in server ? server.receive() : server.read()));
	for (const message of MESSAGES) {
		await send(message).catch(() => log.push(`${clock.nowMs()} not sent`));
		await turns();
		clock.advance(5);
		await turns();
	}
	await client.closeWrite().catch(() => undefined);
	for (let second = 0; second < 10; second++) {
		await turns();
		clock.advance(1000);
	}
	await turns();
	relay.abort();
	for (const end of [client, server]) end.abort();
	await recording;
	log.push(JSON.stringify(await relay.done));
	return log;
}

async function runDatagrams(seed: number, toxics: readonly ToxicRequest[]): Promise<string[]> {
	const run = begin("datagrams", seed, toxics);
	const { log, clock, plan } = run;
	const server = await datagrams("udp://127.0.0.1:0");
	const middle = await datagrams("udp://127.0.0.1:0");
	const client = await datagrams(undefined, { connect: middle.address });
	const relay = faultDatagrams(middle, server.address, plan);
	let arrived = 0;
	const recording = record(run, async () => {
		const { data } = await server.receive();
		arrived++;
		return data;
	});
	const settle = async (received: number): Promise<void> => {
		let quiet = 0;
		await until(() => {
			const { upstream } = relay;
			quiet = upstream.received === received && upstream.passed === arrived ? quiet + 1 : 0;
			return quiet > 6;
		});
	};
	for (const [index, message] of MESSAGES.entries()) {
		await client.send(message);
		await settle(index + 1);
		clock.advance(5);
		await settle(index + 1);
	}
	for (let second = 0; second < 10; second++) {
		clock.advance(1000);
		await settle(MESSAGES.length);
	}
	await relay.close();
	server.abort();
	await recording;
	await client.close();
	log.push(JSON.stringify(relay.upstream));
	return log;
}

function runOf(kind: FaultKind, seed: number, toxics: readonly ToxicRequest[]): Promise<string[]> {
	return kind === "datagrams" ? runDatagrams(seed, toxics) : runConnection(kind, seed, toxics);
}

const up = (type: ToxicRequest["type"], attributes: Record<string, number>): ToxicRequest => {
	return { type, stream: "upstream", attributes };
};

const DRAWN = {
	latency: up("latency", { latency: 40, jitter: 35 }),
	slicer: up("slicer", { average_size: 20, size_variation: 15, delay: 300 }),
	loss: up("loss", { probability: 0.3 }),
	duplicate: up("duplicate", { probability: 0.3 }),
	reorder: up("reorder", { probability: 0.3, delay: 12 }),
	corrupt: up("corrupt", { probability: 0.3 }),
} as const;
const COUNTED = {
	bandwidth: up("bandwidth", { rate: 3 }),
	slow_close: up("slow_close", { delay: 700 }),
	timeout: up("timeout", { timeout: 200 }),
	limit_data: up("limit_data", { bytes: 300 }),
	reset_peer: up("reset_peer", { bytes: 300, timeout: 20 }),
	half_open: up("half_open", { bytes: 300, timeout: 20 }),
} as const;

const KINDS: Readonly<Record<FaultKind, readonly ToxicRequest[]>> = (() => {
	const { latency, slicer, ...hitting } = DRAWN;
	const messages = [latency, ...Object.values(hitting)];
	return {
		stream: [latency, slicer, ...Object.values(COUNTED)],
		packets: [...messages, ...Object.values(COUNTED)],
		datagrams: [...messages, COUNTED.bandwidth],
	};
})();

for (const [kind, toxics] of Object.entries(KINDS) as [FaultKind, readonly ToxicRequest[]][]) {
	test(`${kind}: the same seed gives the same bytes at the same times, whatever the fault`, async () => {
		const undisturbed = await runOf(kind, 1, []);
		for (const toxic of toxics) {
			const once = await runOf(kind, 1, [toxic]);
			assert.deepEqual(await runOf(kind, 1, [toxic]), once, toxic.type);
			assert.notDeepEqual(once, undisturbed, toxic.type);
			if (!(toxic.type in DRAWN)) continue;
			assert.notDeepEqual(await runOf(kind, 2, [toxic]), once, `${toxic.type}, another seed`);
		}
	});

	test(`${kind}: all faults together repeat, and another one changes nothing about the rest`, async () => {
		const lasting = toxics.filter(({ type }) => type in DRAWN);
		const once = await runOf(kind, 7, lasting);
		assert.deepEqual(await runOf(kind, 7, lasting), once);
		const faults = (log: readonly string[]): string[] =>
			log.filter((row) => row.includes("fault {"));
		const slower = [...lasting, up("bandwidth", { rate: 1000 })];
		assert.deepEqual(faults(await runOf(kind, 7, slower)), faults(once));
	});
}
