import assert from "node:assert/strict";
import { test } from "node:test";
import { type Datagrams, datagrams } from "socketry";
import {
	type FaultDatagrams,
	type FaultDatagramsOptions,
	FaultPlan,
	faultDatagrams,
	ManualClock,
	type ToxicRequest,
} from "socketry/fault";
import { datagramTransform, type TimedDatagram } from "#src/fault/datagram-transforms.ts";
import { completeToxic } from "#src/fault/toxic.ts";
import { randomSource } from "#src/random.ts";

interface Disturbed {
	readonly client: Datagrams;
	readonly server: Datagrams;
	readonly clock: ManualClock;
	readonly relay: FaultDatagrams;
	end(): Promise<void>;
}

async function disturbed(
	toxics: readonly ToxicRequest[],
	options: FaultDatagramsOptions = {},
): Promise<Disturbed> {
	const clock = new ManualClock();
	const plan = new FaultPlan({ kind: "datagrams", clock, seed: 11, toxics });
	const server = await datagrams("udp://127.0.0.1:0");
	const middle = await datagrams("udp://127.0.0.1:0");
	const client = await datagrams(undefined, { connect: middle.address });
	const relay = faultDatagrams(middle, server.address, plan, options);
	const end = async (): Promise<void> => {
		await relay.close();
		await Promise.all([client.close(), server.close()]);
	};
	return { client, server, clock, relay, end };
}

async function settle(isDone: () => boolean): Promise<void> {
	for (let turn = 0; turn < 20_000 && !isDone(); turn++) await new Promise(setImmediate);
	assert.ok(isDone(), "it has not come that far");
}

/** What becomes of so many datagrams, one each millisecond, by their numbers in the order of their arrival. */
function arrivals(seed: number, request: ToxicRequest, count: number): string[] {
	const toxic = completeToxic(request, "datagrams");
	const transform = datagramTransform(toxic, randomSource(seed), () => undefined);
	const passing: TimedDatagram[] = [];
	for (let number = 0; number < count; number++) {
		const data = Buffer.alloc(4);
		data.writeUInt32BE(number);
		passing.push(...transform.take({ data, atMs: number }));
	}
	return passing
		.sort((one, other) => one.atMs - other.atMs)
		.map(({ data }) => Buffer.from(data).toString("hex"));
}

test("the same seed loses, doubles, turns and delays the same datagrams", () => {
	for (const type of ["loss", "duplicate", "reorder", "corrupt"] as const) {
		const request: ToxicRequest = { type, attributes: { probability: 0.2 } };
		const plain = arrivals(1, { type, attributes: { probability: 0 } }, 1000);
		assert.deepEqual(arrivals(1, request, 1000), arrivals(1, request, 1000));
		assert.notDeepEqual(arrivals(1, request, 1000), arrivals(2, request, 1000));
		assert.notDeepEqual(arrivals(1, request, 1000), plain);
	}
});

test("a fifth is lost, doubled or turned, as it was asked for", () => {
	const counts = (type: ToxicRequest["type"]): number =>
		arrivals(5, { type, attributes: { probability: 0.2 } }, 10_000).length;
	assert.ok(Math.abs(counts("loss") - 8000) < 200, String(counts("loss")));
	assert.ok(Math.abs(counts("duplicate") - 12_000) < 200, String(counts("duplicate")));
	assert.equal(counts("reorder"), 10_000);
	assert.equal(counts("corrupt"), 10_000);
});

test("reordered datagrams all arrive, and a corrupt one differs by one bit", () => {
	const all = arrivals(3, { type: "reorder", attributes: { probability: 0.5 } }, 500);
	assert.equal(new Set(all).size, 500);
	assert.notDeepEqual(all, [...all].sort());
	const [bad] = arrivals(3, { type: "corrupt", attributes: { probability: 1 } }, 1);
	const ones = Number.parseInt(bad ?? "0", 16)
		.toString(2)
		.replaceAll("0", "");
	assert.equal(ones.length, 1);
});

test("what is lost on a socket is exactly what the counters say", async () => {
	const { client, server, relay, end } = await disturbed([
		{ type: "loss", stream: "upstream", attributes: { probability: 0.3 } },
		{ type: "duplicate", stream: "upstream", attributes: { probability: 0.3 } },
	]);
	for (let i = 0; i < 100; i++) await client.send(`number ${i}`);
	await settle(() => relay.upstream.received === 100);
	const { loss, duplicate, passed, dropped } = relay.upstream;
	assert.equal(dropped, 0);
	await settle(() => relay.upstream.passed === 100 - loss + duplicate);
	assert.ok(loss > 10 && duplicate > 5, `${loss} ${duplicate} ${passed}`);
	for (let i = 0; i < 100 - loss + duplicate; i++) await server.receive();
	await assert.rejects(server.receive({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
	await end();
});

test("answers find their peers, late as they were told", async () => {
	const { client, server, clock, relay, end } = await disturbed([
		{ type: "latency", attributes: { latency: 5000 } },
	]);
	const other = await datagrams(undefined, { connect: client.peer as never });
	await client.send("one");
	await other.send("two");
	for (let i = 0; i < 2; i++) {
		const { data, from } = await server.receive();
		await server.send(`answer to ${Buffer.from(data)}`, from);
	}
	await settle(() => relay.downstream.received === 2);
	assert.equal(relay.downstream.passed, 0);
	clock.advance(5000);
	assert.equal(String((await client.receive()).data), "answer to one");
	assert.equal(String((await other.receive()).data), "answer to two");
	await other.close();
	await end();
});

test("silent peers are forgotten, and the oldest gives way", async () => {
	const { client, server, clock, relay, end } = await disturbed([], { maxPeers: 2, idleMs: 1000 });
	const others = await Promise.all(
		[1, 2].map(() => datagrams(undefined, { connect: client.peer as never })),
	);
	for (const each of [client, ...others]) {
		await each.send("x");
		await server.receive();
	}
	assert.equal(relay.peersCount, 2);
	clock.advance(5000);
	assert.equal(relay.peersCount, 0);
	await Promise.all(others.map((each) => each.close()));
	await end();
});

test("what has no room to wait in is dropped and counted", async () => {
	const { client, relay, end } = await disturbed(
		[{ type: "latency", stream: "upstream", attributes: { latency: 1000 } }],
		{ roomBytes: 10_000 },
	);
	for (let i = 0; i < 100; i++) await client.send(Buffer.alloc(1000 - 128));
	await settle(() => relay.upstream.received === 100);
	assert.equal(relay.upstream.dropped, 90);
	await end();
	assert.equal(relay.upstream.dropped, 100);
});
