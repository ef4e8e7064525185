import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
	type AbstractAddress,
	type Address,
	datagrams,
	listen,
	type PacketStream,
	type Stream,
	socketpair,
} from "socketry";
import { socketpair as rawPair, socket } from "socketry/socket";
import { sys } from "socketry/sys";
import { runChild } from "../support/children.ts";

const collect = globalThis.gc as () => void;

/** Several collections with turns of the event loop between, so that finalizers have run. */
async function collectAll(): Promise<void> {
	for (let i = 0; i < 4; i++) {
		collect();
		await new Promise((resolve) => setImmediate(resolve));
	}
}

function ownedDescriptors(): number {
	sys.engineLedger();
	return sys.out[2] as number;
}

/** Descriptors that are owned once what earlier tests have left is gone: what goes later would make up for something that stays. */
async function ownedAtRest(): Promise<number> {
	let owned = Number.POSITIVE_INFINITY;
	for (let i = 0; i < 20 && ownedDescriptors() < owned; i++) {
		owned = ownedDescriptors();
		await collectAll();
	}
	return ownedDescriptors();
}

/** Runs `use` on a fresh pair whose left end nobody holds afterwards. */
function dropLeft<T>(use: (left: Stream) => T): [result: T, right: Stream] {
	const [left, right] = socketpair();
	return [use(left), right];
}

function dropLeftPackets<T>(use: (left: PacketStream) => T): [result: T, right: PacketStream] {
	const [left, right] = socketpair("seqpacket");
	return [use(left), right];
}

test("a pending read survives when nobody holds its stream", async () => {
	let received: string | undefined;
	const [reading, right] = dropLeft((left) =>
		left.read().then((chunk) => {
			received = String(chunk);
		}),
	);
	await collectAll();
	await right.write("still there");
	await reading;
	assert.equal(received, "still there");
	await right.close();
	await collectAll();
});

test("a pending read into the caller's memory survives with that memory", async () => {
	const [reading, right] = dropLeft((left) => {
		const target = new Uint8Array(8);
		return left.readInto(target).then((count) => String.fromCharCode(...target.subarray(0, count)));
	});
	await collectAll();
	await right.write("abc");
	assert.equal(await reading, "abc");
	await right.close();
});

test("a pending receive of a packet stream survives when nobody holds it", async () => {
	const [receiving, right] = dropLeftPackets((left) => left.receive().then(String));
	await collectAll();
	await right.send("still there");
	assert.equal(await receiving, "still there");
	await right.close();
});

test("a pending receive of datagrams survives when nobody holds the socket", async () => {
	const begin = async (): Promise<[Promise<string>, Address]> => {
		const socket = await datagrams("udp://127.0.0.1:0");
		return [socket.receive().then(({ data }) => String(data)), socket.address];
	};
	const [receiving, address] = await begin();
	await collectAll();
	const sender = await datagrams("udp://127.0.0.1:0");
	await sender.send("still there", address);
	assert.equal(await receiving, "still there");
	await sender.close();
	await collectAll();
});

test("datagrams that wait for room arrive although their socket is dropped", async () => {
	const count = 300;
	for (const connected of [true, false]) {
		const receiver = await datagrams({ transport: "unix-dgram" });
		const begin = async (): Promise<Promise<unknown>> => {
			const sender = await datagrams(
				{ transport: "unix-dgram" },
				connected ? { connect: receiver.address } : {},
			);
			const sends = Array.from({ length: count }, (_, i) =>
				sender.send(`${i}`, connected ? undefined : receiver.address),
			);
			return Promise.all(sends);
		};
		const sending = begin();
		await collectAll();
		for (let i = 0; i < count; i++) {
			assert.equal(String((await receiver.receive()).data), `${i}`);
			if (i % 50 === 0) await collectAll();
		}
		await sending;
		await receiver.close();
		await collectAll();
	}
});

test("a pending accept survives when nobody holds its listener", async () => {
	const accept = async (): Promise<[Promise<Stream>, string]> => {
		const listener = await listen({ transport: "unix" });
		const address = listener.address as AbstractAddress<"unix">;
		return [listener.accept(), address.abstract];
	};
	const [accepting, abstract] = await accept();
	await collectAll();
	const client = socket("unix", "stream");
	await client.connect({ family: "unix", abstract });
	const stream = await accepting;
	client.close();
	assert.equal(await stream.read(), null);
	await stream.close();
	await collectAll();
});

test("pending calls of a Socket survive when nobody holds it", async () => {
	const pending = (): [Promise<number>, ReturnType<typeof socket>] => {
		const [left, right] = rawPair();
		return [left.recv(new Uint8Array(8)), right];
	};
	const [receiving, right] = pending();
	await collectAll();
	right.trySend(new Uint8Array(5));
	assert.equal(await receiving, 5);
	right.close();
});

test("a large borrowed write arrives whole although its buffer and its stream are dropped", async () => {
	const bytes = 16 * 1024 * 1024;
	const expected = createHash("sha256");
	const [writing, right] = dropLeft((left) => {
		const data = Buffer.allocUnsafeSlow(bytes);
		for (let i = 0; i < bytes; i += 4) data.writeUInt32LE((i * 2_654_435_761) >>> 0, i);
		expected.update(data);
		return left.write(data).then(() => left.closeWrite());
	});
	await collectAll();
	const received = createHash("sha256");
	let total = 0;
	for await (const chunk of right) {
		total += chunk.length;
		received.update(chunk);
		if (total % (1024 * 1024) < chunk.length) collect();
	}
	await writing;
	assert.equal(total, bytes);
	assert.equal(received.digest("hex"), expected.digest("hex"));
	await right.close();
});

test("small writes that nobody awaits arrive although the stream is dropped", async () => {
	const [, right] = dropLeft((left) => {
		for (let i = 0; i < 10_000; i++) void left.write(`${i};`);
	});
	collect();
	let text = "";
	while (!text.endsWith("9999;")) {
		text += String(await right.read());
		if (text.length % 10 === 0) collect();
	}
	assert.equal(text, Array.from({ length: 10_000 }, (_, i) => `${i};`).join(""));
	await right.close();
	await collectAll();
});

test("packets that wait for room arrive although their connection is dropped", async () => {
	const count = 2_000;
	const [sending, right] = dropLeftPackets((left) =>
		Promise.all(Array.from({ length: count }, (_, i) => left.send(`${i}`))).then(() => "sent"),
	);
	await collectAll();
	for (let i = 0; i < count; i++) assert.equal(String(await right.receive()), `${i}`);
	assert.equal(await sending, "sent");
	await right.close();
	await collectAll();
});

test("a pending close survives, and so do the bytes it waits for", async () => {
	const bytes = 4 * 1024 * 1024;
	const [closing, right] = dropLeft((left) => {
		void left.write(new Uint8Array(bytes));
		return left.close();
	});
	await collectAll();
	let total = 0;
	for await (const chunk of right) total += chunk.length;
	assert.equal(total, bytes);
	await closing;
	await right.close();
});

// A function of its own: a suspended one keeps the latest values of its loops.
async function forgetPairs(i: number): Promise<void> {
	const [left, right] = socketpair();
	if (i % 3 === 0) void left.write("never read");
	if (i % 5 === 0) {
		const reading = right.read();
		void left.write("read");
		await reading;
	}
	const packets = socketpair("seqpacket");
	if (i % 3 === 0) void packets[0].send("never read");
}

test("ten thousand forgotten sockets leave no descriptor", async () => {
	const before = await ownedAtRest();
	for (let round = 0; round < 20; round++) {
		for (let i = 0; i < 125; i++) await forgetPairs(i);
		await collectAll();
	}
	for (let i = 0; i < 20 && ownedDescriptors() > before; i++) await collectAll();
	assert.ok(ownedDescriptors() <= before, `${ownedDescriptors()} owned, ${before} before`);
});

test("a socket is closed that was waited on when others were collected, and was forgotten later", async () => {
	const before = await ownedAtRest();
	const [reading, right] = dropLeft((left) => left.read().then(String));
	await collectAll();
	await right.write("the wait is over");
	assert.equal(await reading, "the wait is over");
	await right.close();
	for (let i = 0; i < 20 && ownedDescriptors() > before; i++) await collectAll();
	assert.ok(ownedDescriptors() <= before, `${ownedDescriptors()} owned, ${before} before`);
});

test("a forgotten socket is closed with one warning in the life of the process", async () => {
	const { code, stderr, stdout } = await runChild(
		new URL("./forgotten.child.js", import.meta.url),
		{ flags: ["--expose-gc"] },
	);
	assert.equal(code, 0, stderr);
	assert.equal(stdout, "5 forgotten, 0 owned, 0 open\n");
	assert.equal(stderr.match(/SOCKETRY_FORGOTTEN/g)?.length, 1, stderr);
});
