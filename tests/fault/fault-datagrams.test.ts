import assert from "node:assert/strict";
import { test } from "node:test";
import { BusyError, type Datagrams, datagrams, SyscallError } from "socketry";
import {
	type FaultDatagrams,
	type FaultDatagramsOptions,
	FaultPlan,
	faultDatagrams,
	ManualClock,
	type ToxicRequest,
} from "socketry/fault";
import { until } from "../support/patience.ts";

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

test("what is lost on a socket is exactly what the counters say", async () => {
	const { client, server, relay, end } = await disturbed([
		{ type: "loss", stream: "upstream", attributes: { probability: 0.3 } },
		{ type: "duplicate", stream: "upstream", attributes: { probability: 0.3 } },
	]);
	for (let i = 0; i < 100; i++) await client.send(`number ${i}`);
	await until(() => relay.upstream.received === 100);
	const { loss, duplicate, passed, dropped } = relay.upstream;
	assert.equal(dropped, 0);
	await until(() => relay.upstream.passed === 100 - loss + duplicate);
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
	await until(() => relay.downstream.received === 2);
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
	await until(() => relay.upstream.received === 100);
	assert.equal(relay.upstream.dropped, 90);
	await end();
	assert.equal(relay.upstream.dropped, 100);
});

/** A socket whose receiving fails like this, until it is closed. */
function failing(fail: () => Error): Datagrams & { readonly callCount: number } {
	const socket = {
		callCount: 0,
		closed: false,
		receive: async () => {
			socket.callCount++;
			throw fail();
		},
		abort: () => {
			socket.closed = true;
		},
	};
	return socket as unknown as Datagrams & { readonly callCount: number };
}

test("an error that stays ends it, and one that comes again and again keeps nobody waiting", async () => {
	const plan = new FaultPlan({ kind: "datagrams", clock: new ManualClock(), seed: 11, toxics: [] });
	const lasting = new SyscallError("recvmmsg ENOTCONN", "ENOTCONN", -107, "recvmmsg");
	for (const error of [new BusyError("a receive is pending"), lasting]) {
		const socket = failing(() => error);
		await faultDatagrams(socket, "udp://127.0.0.1:9", plan).done;
		assert.ok(socket.callCount <= 2, `${socket.callCount} calls`);
	}
	const refused = failing(() => new SyscallError("refused", "ECONNREFUSED", -111, "recvmmsg"));
	const relay = faultDatagrams(refused, "udp://127.0.0.1:9", plan);
	for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
	const { callCount } = refused;
	assert.ok(callCount > 2 && callCount < 10, `${callCount} calls`);
	await relay.close();
});

test("what is no plan is refused, and the socket is left open", async () => {
	await using socket = await datagrams("udp://127.0.0.1:0");
	assert.throws(() => faultDatagrams(socket, socket.address, undefined as never), {
		code: "ERR_INVALID_ARG_TYPE",
	});
	assert.equal(socket.closed, false);
});
