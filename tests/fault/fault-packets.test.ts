import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, type Listener, listen, type PacketStream } from "socketry";
import {
	type FaultEvent,
	type FaultedConnection,
	FaultPlan,
	type FaultProxy,
	faultProxy,
	faultRelay,
	ManualClock,
	type ToxicRequest,
} from "socketry/fault";
import { memoryPackets, memoryStreams } from "socketry/testing";
import { abstractName } from "../support/pairs.ts";
import { until } from "../support/patience.ts";

interface Disturbed {
	readonly client: PacketStream;
	readonly server: PacketStream;
	readonly clock: ManualClock;
	readonly plan: FaultPlan;
	readonly proxy: FaultProxy;
	readonly events: FaultEvent[];
	readonly ended: FaultedConnection[];
	end(): Promise<void>;
}

async function disturbed(...toxics: ToxicRequest[]): Promise<Disturbed> {
	const clock = new ManualClock();
	const events: FaultEvent[] = [];
	const ended: FaultedConnection[] = [];
	const onFault = (event: FaultEvent): number => events.push(event);
	const plan = new FaultPlan({ kind: "packets", clock, seed: 7, toxics, onFault });
	const from = `unix-seqpacket:${abstractName()}` as const;
	const listener: Listener<PacketStream> = await listen(`unix-seqpacket:${abstractName()}`);
	const proxy = await faultProxy(from, listener.address, plan, {
		onEnd: (each) => ended.push(each),
	});
	const client = await connect(from);
	const server = await listener.accept();
	const end = async (): Promise<void> => {
		client.abort();
		server.abort();
		await proxy.close();
		listener.close();
	};
	return { client, server, clock, plan, proxy, events, ended, end };
}

const text = (data: Uint8Array | null): string | null => data && Buffer.from(data).toString();

test("messages keep their boundaries, both ways and to their ends", async () => {
	const { client, server, ended, end } = await disturbed();
	for (const message of ["one", "", "three"]) await client.send(message);
	await client.closeWrite();
	assert.equal(text(await server.receive()), "one");
	assert.equal(text(await server.receive()), "");
	assert.equal(text(await server.receive()), "three");
	assert.equal(await server.receive(), null);
	await server.send("late answer");
	await server.close();
	assert.equal(text(await client.receive()), "late answer");
	assert.equal(await client.receive(), null);
	await end();
	const { upstream, downstream, fault } = ended[0]?.result ?? {};
	assert.deepEqual([upstream?.passedBytes, upstream?.messages?.passed], [8, 3]);
	assert.deepEqual([downstream?.messages?.received, fault], [1, undefined]);
});

test("messages are lost, doubled and turned, each told by its number", async () => {
	const share = { probability: 0.3 };
	const { client, server, events, ended, end } = await disturbed(
		{ type: "loss", stream: "upstream", attributes: share },
		{ type: "duplicate", stream: "upstream", attributes: share },
		{ type: "corrupt", stream: "upstream", attributes: share },
	);
	const sent = Array.from({ length: 50 }, (_, number) => `${number}/${number}/${number}`);
	for (const message of sent) await client.send(message);
	await client.closeWrite();
	const got: (string | null)[] = [];
	for await (const message of server) got.push(text(message));
	const hits = (name: string): number[] =>
		events.filter(({ toxic }) => toxic === `${name}_upstream`).map(({ at }) => at);
	const expected = sent.flatMap((message, number) => {
		if (hits("loss").includes(number)) return [];
		return hits("duplicate").includes(number) ? [message, message] : [message];
	});
	assert.equal(got.length, expected.length);
	const whole = new Set(sent);
	const turned = got.filter((message) => !whole.has(message ?? "")).length;
	assert.equal(turned, hits("corrupt").length);
	assert.ok(hits("loss").length > 5 && hits("duplicate").length > 3 && turned > 3);
	await end();
	const counts = ended[0]?.result?.upstream.messages;
	assert.deepEqual(
		[counts?.received, counts?.passed, counts?.loss, counts?.corrupt, counts?.dropped],
		[50, got.length, hits("loss").length, turned, 0],
	);
});

test("a late message is overtaken by reorder, and by jitter never", async () => {
	for (const type of ["reorder", "latency"] as const) {
		const attributes =
			type === "reorder" ? { probability: 0.5, delay: 50 } : { latency: 50, jitter: 50 };
		const [client, near] = memoryPackets();
		const [server, far] = memoryPackets();
		const clock = new ManualClock();
		const toxics: ToxicRequest[] = [
			{ type, stream: "upstream", attributes },
			{ type: "bandwidth", stream: "upstream", attributes: { rate: 1000 } },
		];
		const plan = new FaultPlan({ kind: "packets", clock, seed: 1, toxics });
		const relay = faultRelay(near, far, plan);
		const sent = Array.from({ length: 40 }, (_, number) => number);
		for (const number of sent) await client.send(Uint8Array.of(number));
		await client.closeWrite();
		for (let turn = 0; turn < 100 && relay.heldBytes < 40; turn++) await new Promise(setImmediate);
		const got: number[] = [];
		const receiving = (async () => {
			for await (const message of server) got.push(message[0] ?? -1);
		})();
		for (let turn = 0; turn < 300; turn++) {
			clock.advance(1);
			await new Promise(setImmediate);
		}
		await receiving;
		assert.deepEqual(
			[...got].sort((one, other) => one - other),
			sent,
			type,
		);
		assert.equal(got.join() !== sent.join(), type === "reorder", type);
		relay.abort();
		client.abort();
		server.abort();
		await relay.done;
	}
});

test("limit_data passes whole messages only, and ends the connection", async () => {
	const { client, server, events, ended, end } = await disturbed({
		type: "limit_data",
		attributes: { bytes: 10 },
	});
	for (const message of ["1234", "5678", "90ab"]) await server.send(message);
	assert.equal(text(await client.receive()), "1234");
	assert.equal(text(await client.receive()), "5678");
	assert.equal(await client.receive(), null);
	await end();
	assert.deepEqual(ended[0]?.result?.fault, {
		...{ kind: "close", direction: "downstream", toxic: "limit_data_downstream" },
	});
	assert.deepEqual(events, [
		{ connection: 0, direction: "downstream", toxic: "limit_data_downstream", at: 2 },
	]);
});

test("a reset is one when something was not read, and a timeout closes at its time", async () => {
	const reset = await disturbed({ type: "reset_peer", stream: "upstream", name: "cut" });
	await reset.client.send("x");
	await assert.rejects(
		(async () => {
			for (let i = 0; i < 1000; i++) await reset.client.send("more");
		})(),
		(error) => ["EPIPE", "ECONNRESET"].includes((error as { code: string }).code),
	);
	assert.equal(await reset.server.receive().catch(() => null), null);
	await reset.end();
	assert.equal(reset.ended[0]?.result?.fault?.kind, "reset");

	const silent = await disturbed({ type: "timeout", attributes: { timeout: 60_000 } });
	await silent.client.send("passes");
	assert.equal(text(await silent.server.receive()), "passes");
	await silent.server.send("does not");
	silent.clock.advance(60_000);
	assert.equal(await silent.client.receive(), null);
	assert.equal(await silent.server.receive(), null);
	await silent.end();
});

test("half_open leaves the sender alone with its messages", async () => {
	const { client, server, ended, end } = await disturbed({
		type: "half_open",
		stream: "upstream",
		attributes: { bytes: 3 },
	});
	await client.send("abc");
	assert.equal(text(await server.receive()), "abc");
	await client.send("def");
	assert.equal(await server.receive().catch(() => null), null);
	for (let i = 0; i < 5000; i++) await client.send("into nothing");
	await client.close();
	await until(() => ended.length > 0);
	await end();
	const { upstream, fault } = ended[0]?.result ?? {};
	assert.equal(fault?.kind, "half-open");
	assert.deepEqual([upstream?.messages?.received, upstream?.messages?.passed], [5002, 1]);
});

test("what is of another kind than the plan is refused", async () => {
	const [packets, otherPackets] = memoryPackets();
	const [bytes, otherBytes] = memoryStreams();
	const code = "ERR_INVALID_ARG_VALUE";
	for (const [kind, one, other] of [
		["stream", packets, otherPackets],
		["packets", bytes, otherBytes],
		["packets", packets, otherBytes],
		["datagrams", packets, otherPackets],
	] as const) {
		assert.throws(() => faultRelay(one, other, new FaultPlan({ kind })), { code });
	}
	const plan = new FaultPlan({ kind: "packets" });
	await assert.rejects(faultProxy("tcp://127.0.0.1:0", "unix-seqpacket:@x", plan), { code });
	await assert.rejects(faultProxy("unix-seqpacket:@x", "udp://127.0.0.1:1", plan), { code });
	assert.throws(() => new FaultPlan({ kind: "packets", toxics: [{ type: "slicer" }] }), { code });
	for (const end of [packets, otherPackets, bytes, otherBytes]) end.abort();
});
