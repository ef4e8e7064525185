import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { connect, datagrams, type Listener, listen, type Stream, socketpair } from "socketry";
import { socket } from "socketry/socket";

const storage = new AsyncLocalStorage<string>();

/** Runs two of the same beside each other: what one waits for, the other's events must not carry away. */
async function inTwoContexts(work: (name: string) => Promise<void>): Promise<void> {
	await Promise.all(
		["first", "second"].map((name) =>
			storage.run(name, async () => {
				await work(name);
				assert.equal(storage.getStore(), name);
			}),
		),
	);
}

const portOf = (listener: Listener<Stream>): number => (listener.address as { port: number }).port;

test("the context is kept over connect, accept, read, write, flush, closeWrite and close", async () => {
	await inTwoContexts(async (name) => {
		const kept = (): void => assert.equal(storage.getStore(), name);
		const listener = await listen("tcp://127.0.0.1:0");
		kept();
		const [near, far] = await Promise.all([
			connect(`tcp://127.0.0.1:${portOf(listener)}`),
			listener.accept(),
		]);
		kept();
		const reading = far.read().then(kept);
		await near.write(name);
		kept();
		await near.flush();
		kept();
		await reading;
		const block = Buffer.alloc(4 * 1024 * 1024);
		const writing = near.write(block).then(kept);
		const arrived = await far.readExactly(block.length);
		kept();
		assert.equal(arrived.length, block.length);
		await writing;
		await near.closeWrite();
		kept();
		for await (const _ of far) assert.fail("nothing was sent");
		kept();
		await Promise.all([near.close(), far.close()]);
		kept();
		listener.close();
	});
});

test("the context is kept over messages, datagrams and the calls of Socket", async () => {
	await inTwoContexts(async (name) => {
		const kept = (): void => assert.equal(storage.getStore(), name);
		const [left, right] = socketpair("seqpacket");
		const receiving = right.receive().then(kept);
		await left.send(name);
		kept();
		await receiving;
		const server = await datagrams("udp://127.0.0.1:0");
		const client = await datagrams("udp://127.0.0.1:0", { connect: server.address });
		const waiting = server.receive().then(kept);
		await client.send(name);
		kept();
		await waiting;
		const bound = socket("inet", "dgram");
		bound.bind({ family: "inet", host: "127.0.0.1", port: 0 });
		const hearing = bound.recvfrom(Buffer.alloc(16)).then(kept);
		await bound.sendto(Buffer.from(name), bound.getsockname());
		await hearing;
		bound.close();
		await Promise.all([left.close(), right.close(), server.close(), client.close()]);
		kept();
	});
});

test("the context is kept over time limits, aborts and closing while something waits", async () => {
	await inTwoContexts(async (name) => {
		const kept = (): void => assert.equal(storage.getStore(), name);
		const [left, right] = socketpair();
		await assert.rejects(left.read({ timeoutMs: 5 }), { code: "ERR_TIMEOUT" });
		kept();
		const abort = new AbortController();
		const reading = left.read({ signal: abort.signal });
		setImmediate(() => abort.abort());
		await assert.rejects(reading, { code: "ABORT_ERR" });
		kept();
		const pending = left.read().catch(kept);
		await left.close();
		await pending;
		await right.close();
		kept();
	});
});
