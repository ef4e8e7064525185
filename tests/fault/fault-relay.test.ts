import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { connect, listen, type Stream, socketpair } from "socketry";
import { FaultPlan, faultRelay, ManualClock, type ToxicRequest } from "socketry/fault";
import { memoryStreams } from "socketry/testing";
import { until } from "../support/patience.ts";

interface Disturbed {
	readonly client: Stream;
	readonly server: Stream;
	readonly clock: ManualClock;
	readonly plan: FaultPlan;
	readonly relay: ReturnType<typeof faultRelay>;
}

async function tcpPair(): Promise<[Stream, Stream]> {
	await using listener = await listen("tcp://127.0.0.1:0");
	const client = (await connect(listener.address)) as Stream;
	return [client, await listener.accept()];
}

async function disturbed(...toxics: ToxicRequest[]): Promise<Disturbed> {
	const clock = new ManualClock();
	const plan = new FaultPlan({ clock, seed: 7, toxics });
	const [client, near] = await tcpPair();
	const [server, far] = await tcpPair();
	return { client, server, clock, plan, relay: faultRelay(near, far, plan) };
}

async function readAll(stream: Stream): Promise<Buffer> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of stream) chunks.push(chunk);
	return Buffer.concat(chunks);
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

test("without faults a reply after the end of its request arrives", async () => {
	const { client, server, relay } = await disturbed();
	await client.write("question");
	await client.closeWrite();
	assert.equal(String(await readAll(server)), "question");
	await server.write("answer");
	await server.close();
	assert.equal(String(await readAll(client)), "answer");
	await client.close();
	assert.deepEqual(await relay.done, {
		upstream: { readBytes: 8, passedBytes: 8, messages: undefined, error: undefined },
		downstream: { readBytes: 6, passedBytes: 6, messages: undefined, error: undefined },
		fault: undefined,
	});
});

test("latency holds bytes back until their time, in its direction only", async () => {
	const { client, server, clock, relay } = await disturbed({
		type: "latency",
		stream: "upstream",
		attributes: { latency: 60_000 },
	});
	await server.write("down");
	assert.equal(String(await client.readExactly(4)), "down");
	await client.write("up");
	await until(() => relay.heldBytes === 2);
	clock.advance(59_999);
	assert.equal(relay.heldBytes, 2);
	clock.advance(1);
	assert.equal(String(await server.readExactly(2)), "up");
	relay.abort();
	client.abort();
	server.abort();
});

test("bandwidth passes so many bytes in so much time", async () => {
	const { client, server, clock, relay } = await disturbed({
		type: "bandwidth",
		stream: "upstream",
		attributes: { rate: 10 },
	});
	await client.write(Buffer.alloc(5000));
	await until(() => relay.heldBytes === 5000);
	for (let portion = 1; portion <= 5; portion++) {
		clock.advance(100);
		await server.readExactly(1000);
		assert.equal(server.bytesRead, portion * 1000);
		await until(() => relay.heldBytes === 5000 - portion * 1000);
	}
	relay.abort();
	client.abort();
	server.abort();
});

test("limit_data passes exactly so many bytes, then both connections end", async () => {
	const { client, server, relay } = await disturbed({
		type: "limit_data",
		attributes: { bytes: 1000 },
	});
	await server.write(Buffer.alloc(5000));
	assert.equal((await readAll(client)).length, 1000);
	await client.close();
	server.abort();
	const { downstream, fault } = await relay.done;
	assert.equal(downstream.passedBytes, 1000);
	assert.deepEqual(fault, {
		...{ kind: "close", direction: "downstream", toxic: "limit_data_downstream" },
	});
});

test("a reset comes after exactly so many bytes, and is one for both", async () => {
	const { client, server, relay } = await disturbed({
		type: "reset_peer",
		attributes: { bytes: 1000 },
	});
	await server.write(Buffer.alloc(5000));
	assert.equal((await client.readExactly(1000)).length, 1000);
	await assert.rejects(client.read(), (error) => codeOf(error) === "ECONNRESET");
	await assert.rejects(server.read(), (error) => codeOf(error) === "ECONNRESET");
	const reset = { kind: "reset", direction: "downstream", toxic: "reset_peer_downstream" };
	assert.deepEqual((await relay.done).fault, reset);
	client.abort();
	server.abort();
});

test("a reset comes at its time after the first byte", async () => {
	const { client, server, clock, relay } = await disturbed({
		type: "reset_peer",
		attributes: { timeout: 5000 },
	});
	await server.write("x");
	await until(() => clock.nextMs === 5000);
	clock.advance(5000);
	await assert.rejects(client.read(), (error) => codeOf(error) === "ECONNRESET");
	assert.equal((await relay.done).downstream.passedBytes, 0);
	client.abort();
	server.abort();
});

test("timeout without a time stops the data and keeps the connection, until it is removed", async () => {
	const { client, server, clock, plan, relay } = await disturbed({ type: "timeout", name: "t" });
	await server.write("lost");
	await until(() => clock.nextMs === undefined);
	await client.write("still here");
	assert.equal(String(await server.readExactly(10)), "still here");
	plan.update("t", { toxicity: 1 });
	await client.write("!");
	assert.equal(String(await server.readExactly(1)), "!");
	// As Toxiproxy does: what was swallowed is missing.
	plan.remove("t");
	assert.equal(await client.read(), null);
	assert.equal(await server.read(), null);
	await Promise.all([client.close(), server.close()]);
	const { downstream, fault } = await relay.done;
	assert.deepEqual([downstream.readBytes, downstream.passedBytes], [4, 0]);
	assert.deepEqual(fault, { kind: "close", direction: "downstream", toxic: "t" });
});

test("a limit that is changed goes on counting, and so does a reset", async () => {
	for (const type of ["limit_data", "reset_peer", "half_open"] as const) {
		const toxic = { type, name: "cut", attributes: { bytes: 10 } };
		const { client, server, plan, relay } = await disturbed(toxic);
		await server.write("12345678");
		assert.equal((await client.readExactly(8)).length, 8);
		plan.update("cut", { attributes: { bytes: 12 } });
		await server.write("90abcdef");
		assert.equal(String(await client.readExactly(4)), "90ab");
		server.abort();
		assert.equal((await relay.done).downstream.passedBytes, 12);
		client.abort();
	}
});

test("an end without a byte is answered by a reset, too", async () => {
	const { client, server, relay } = await disturbed({ type: "reset_peer", stream: "upstream" });
	await client.closeWrite();
	await assert.rejects(server.read(), (error) => codeOf(error) === "ECONNRESET");
	assert.equal((await relay.done).fault?.kind, "reset");
	client.abort();
	server.abort();
});

test("timeout closes both connections at its time", async () => {
	const { client, server, clock, relay } = await disturbed({
		type: "timeout",
		attributes: { timeout: 3_600_000 },
	});
	clock.advance(3_599_999);
	await client.write("x");
	await server.readExactly(1);
	clock.advance(1);
	assert.equal(await client.read(), null);
	assert.equal(await server.read(), null);
	await Promise.all([client.close(), server.close()]);
	assert.equal((await relay.done).fault?.kind, "close");
});

test("half_open resets the receiver, and the sender learns nothing", async () => {
	const { client, server, relay } = await disturbed({
		type: "half_open",
		stream: "upstream",
		attributes: { bytes: 3 },
	});
	await client.write("abcdef");
	assert.equal(String(await server.readExactly(3)), "abc");
	await assert.rejects(server.read(), (error) => codeOf(error) === "ECONNRESET");
	for (let i = 0; i < 20; i++) await client.write(Buffer.alloc(100_000));
	await client.flush();
	await client.close();
	const { upstream, fault } = await relay.done;
	assert.deepEqual([upstream.readBytes, upstream.passedBytes], [2_000_006, 3]);
	assert.deepEqual(fault, {
		...{ kind: "half-open", direction: "upstream", toxic: "half_open_upstream" },
	});
	server.abort();
});

test("slow_close delays the end and no byte", async () => {
	const { client, server, clock, relay } = await disturbed({
		type: "slow_close",
		attributes: { delay: 900_000 },
	});
	await server.write("bye");
	await server.close();
	assert.equal(String(await client.readExactly(3)), "bye");
	await until(() => clock.nextMs === 900_000);
	clock.advance(900_000);
	assert.equal(await client.read(), null);
	await client.close();
	assert.equal((await relay.done).fault, undefined);
});

test("a connection without luck has the fault, by the seed and its share", () => {
	const shareOf = (seed: number): number[] => {
		const toxics: ToxicRequest[] = [{ type: "timeout", toxicity: 0.3 }];
		const plan = new FaultPlan({ seed, toxics });
		const numbers = Array.from({ length: 1000 }, (_, number) => number);
		return numbers.filter((number) => plan.chosen(number, "downstream").length === 1);
	};
	assert.deepEqual(shareOf(1), shareOf(1));
	assert.notDeepEqual(shareOf(1), shareOf(2));
	assert.ok(shareOf(1).length > 240 && shareOf(1).length < 360, String(shareOf(1).length));
});

test("a receiver that does not read stops the sender when the room is full", async () => {
	const [client, near] = memoryStreams();
	const [server, far] = memoryStreams();
	const roomBytes = 1_000_000;
	const plan = new FaultPlan({ toxics: [{ type: "latency", stream: "upstream" }] });
	const relay = faultRelay(near, far, plan, { roomBytes });
	let sent = 0;
	const sending = (async () => {
		for (;;) {
			await client.write(Buffer.alloc(50_000));
			sent += 50_000;
		}
	})().catch(() => {});
	let before = -1;
	for (let turn = 0; turn < 500 || before !== sent; turn++) {
		before = sent;
		await new Promise(setImmediate);
	}
	assert.ok(relay.heldBytes <= roomBytes + 65_536, String(relay.heldBytes));
	assert.ok(sent <= roomBytes + 4 * 65_536, String(sent));
	relay.abort();
	client.abort();
	server.abort();
	await sending;
});

describe("what does not lose", () => {
	test("64 MiB arrive unchanged through latency, jitter and slices", {
		timeout: 100_000,
	}, async () => {
		const [client, near] = socketpair();
		const [server, far] = await tcpPair();
		const plan = new FaultPlan({
			seed: 3,
			toxics: [
				{ type: "latency", stream: "upstream", attributes: { latency: 2, jitter: 2 } },
				{
					type: "slicer",
					stream: "upstream",
					attributes: { average_size: 8000, size_variation: 7999 },
				},
			],
		});
		const relay = faultRelay(near, far, plan);
		const block = randomBytes(1_048_576);
		const sentHash = createHash("sha256");
		const gotHash = createHash("sha256");
		const sending = (async () => {
			for (let i = 0; i < 64; i++) {
				block.writeUInt32BE(i);
				sentHash.update(block);
				await client.write(block);
			}
			await client.closeWrite();
		})();
		for await (const chunk of server) gotHash.update(chunk);
		await sending;
		assert.equal(gotHash.digest("hex"), sentHash.digest("hex"));
		await Promise.all([server.close(), client.close()]);
		assert.equal((await relay.done).upstream.passedBytes, 64 * 1_048_576);
	});
});

test("what is no plan is refused, and the connections are left open", async () => {
	const [left, right] = memoryStreams();
	assert.throws(() => faultRelay(left, right, undefined as never), {
		code: "ERR_INVALID_ARG_TYPE",
	});
	await left.write("x");
	assert.equal(String(await right.read()), "x");
	left.abort();
	right.abort();
});
