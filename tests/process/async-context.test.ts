import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { connect, datagrams, listen, type PacketStream, type Stream, socketpair } from "socketry";
import { socketpair as rawPair, type Socket, socket } from "socketry/socket";
import { injectFaults } from "socketry/testing";
import { refusingUdpPort } from "../support/own-addresses.ts";

const storage = new AsyncLocalStorage<string>();
const big = new Uint8Array(1024 * 1024);

/** Runs `wait` within a context of its own, makes it go on from outside, and looks at the context it finds itself in. */
async function keeps(
	name: string,
	wait: () => Promise<unknown>,
	goOn: () => unknown = () => {},
): Promise<void> {
	const seen = storage.run(name, async () => {
		const settled = wait().then(
			() => storage.getStore(),
			() => storage.getStore(),
		);
		const awaited = (async () => {
			await settled;
			return storage.getStore();
		})();
		return [await settled, await awaited, storage.getStore()];
	});
	await storage.run("another", async () => await goOn());
	setImmediate(() => storage.run("a third", () => {}));
	assert.deepEqual(await seen, [name, name, name]);
}

async function drain(stream: Stream): Promise<void> {
	for await (const chunk of stream) void chunk;
}

test("every wait of a stream goes on in the context that began it", async () => {
	const [left, right] = socketpair();
	await keeps(
		"read",
		() => left.read(),
		() => right.write("x"),
	);
	await keeps(
		"readInto",
		() => left.readInto(new Uint8Array(1)),
		() => right.write("x"),
	);
	await keeps(
		"readExactly",
		() => left.readExactly(2),
		() => right.write("xy"),
	);
	await keeps(
		"readUntil",
		() => left.readUntil("\n"),
		() => right.write("x\n"),
	);
	await keeps("read at once", async () => {
		await right.write("x");
		await right.flush();
		await left.read();
	});
	await keeps("small write", () => left.write("x"));
	await keeps(
		"blocked write",
		() => left.write(big),
		() => right.readExactly(big.length + 1),
	);
	void left.write(big);
	await keeps(
		"flush",
		() => left.flush(),
		() => right.readExactly(big.length),
	);
	const stop = new AbortController();
	await keeps(
		"aborted read",
		() => left.read({ signal: stop.signal }),
		() => stop.abort(),
	);
	await keeps("read whose time is up", () => left.read({ timeoutMs: 5 }));
	void left.write(big);
	await keeps(
		"closeWrite",
		() => left.closeWrite(),
		() => drain(right),
	);
	void right.write(big);
	await keeps(
		"close",
		() => right.close(),
		() => drain(left),
	);
	await left.close();
});

test("a loop over a stream, a listener or packets runs in the context that began it", async () => {
	const listener = await listen({ transport: "unix-seqpacket" });
	const seen: unknown[] = [];
	const serving = storage.run("server", async () => {
		for await (const packets of listener as AsyncIterable<PacketStream>) {
			seen.push(storage.getStore());
			for await (const message of packets) seen.push(`${storage.getStore()} ${message}`);
			await packets.close();
			seen.push(storage.getStore());
		}
		seen.push(storage.getStore());
	});
	await storage.run("client", async () => {
		const client = (await connect(listener.address)) as PacketStream;
		await client.send("one");
		await client.send("two");
		assert.equal(storage.getStore(), "client");
		await client.closeWrite();
		assert.equal(await client.receive(), null);
		await client.close();
		assert.equal(storage.getStore(), "client");
	});
	listener.close();
	await serving;
	assert.deepEqual(seen, ["server", "server one", "server two", "server", "server"]);
});

test("every wait of packets goes on in the context that began it", async () => {
	const [left, right] = socketpair("seqpacket");
	await keeps(
		"receive",
		() => left.receive(),
		() => right.send("x"),
	);
	await keeps(
		"receiveInto",
		() => left.receiveInto(new Uint8Array(1)),
		() => right.send("x"),
	);
	const room = new AbortController();
	while (left.queuedBytes === 0) void left.send("fill");
	await keeps(
		"blocked send",
		() => left.send("x"),
		async () => {
			while (left.queuedBytes > 0) await right.receive();
		},
	);
	await keeps(
		"aborted receive",
		() => left.receive({ signal: room.signal }),
		() => room.abort(),
	);
	await keeps("close", () => left.close());
	await right.close();
});

test("every wait of datagrams goes on in the context that began it", async () => {
	const server = await datagrams("udp://127.0.0.1:0");
	const client = await datagrams(undefined, { connect: server.address });
	await keeps(
		"receive",
		() => server.receive(),
		() => client.send("x"),
	);
	await keeps("send", () => client.send("x"));
	await keeps("receive whose time is up", () => client.receive({ timeoutMs: 5 }));
	const receiver = await datagrams({ transport: "unix-dgram" });
	const sender = await datagrams(undefined, { connect: receiver.address });
	const sends = Array.from({ length: 1_000 }, () => sender.send("fill").catch(() => {}));
	await keeps(
		"flush",
		() => sender.flush(),
		async () => {
			for (const _ of sends) await receiver.receive();
		},
	);
	await Promise.all([...sends, server.close(), client.close(), receiver.close(), sender.close()]);
});

test("accept and connect go on in the contexts that began them", async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const opened: Stream[] = [];
	await keeps(
		"accept",
		async () => opened.push(await listener.accept()),
		async () => opened.push((await connect(listener.address)) as Stream),
	);
	await keeps(
		"connect",
		async () => opened.push((await connect(listener.address)) as Stream),
		async () => opened.push(await listener.accept()),
	);
	const { port } = listener.address;
	await keeps("connect by name", async () => {
		const resolver = async (): Promise<string[]> => ["127.0.0.1"];
		opened.push((await connect(`tcp://somewhere:${port}`, { resolver })) as Stream);
	});
	await keeps("accept at once", async () => opened.push(await listener.accept()));
	await keeps(
		"accept until it is closed",
		() => listener.accept(),
		() => listener.close(),
	);
	for (const stream of opened) stream.abort();
});

test("callbacks of options run in the context of the call they were given to", async () => {
	const seen: Record<string, unknown> = {};
	const note = (name: string) => (): void => {
		seen[name] = storage.getStore();
	};
	const stop = new AbortController();
	const listener = await storage.run("listen", () =>
		listen("tcp://127.0.0.1:0", {
			prepare: note("prepare of listen"),
			onOverload: note("onOverload"),
			signal: stop.signal,
		}),
	);
	const faults = injectFaults([{ call: "accept4", fail: "EMFILE", nth: 2 }]);
	const accepting = listener.accept();
	// It is reset, before it has noticed that it was connected or afterwards.
	const refused = await storage
		.run("connect", () => connect(listener.address, { prepare: note("prepare of connect") }))
		.catch(() => undefined);
	assert.equal((await refused?.read().catch(() => null)) ?? null, null);
	faults.restore();
	assert.equal(listener.refusedCount, 1);
	const client = await connect(listener.address);
	(await accepting).abort();
	client.abort();
	refused?.abort();
	stop.abort();
	assert.ok(listener.closed);
	assert.deepEqual(seen, {
		"prepare of listen": "listen",
		"prepare of connect": "connect",
		onOverload: "listen",
	});
});

test("calls of a Socket go on in the context that began them", async () => {
	const [left, right] = rawPair() as [Socket, Socket];
	await keeps(
		"recv",
		() => left.recv(new Uint8Array(1)),
		() => right.trySend(new Uint8Array(1)),
	);
	await keeps(
		"read",
		() => left.read(new Uint8Array(1)),
		() => right.tryWrite(new Uint8Array(1)),
	);
	while (left.trySend(big) !== undefined);
	await keeps(
		"send",
		() => left.send(big),
		() => {
			while (right.tryRecv(big) !== undefined);
		},
	);
	await keeps(
		"closed meanwhile",
		() => left.recv(big),
		() => left.close(),
	);
	right.close();
	const server = socket("unix", "stream");
	server.bind({ family: "unix" });
	server.listen(0);
	const clients = [0, 1].map(() => socket("unix", "stream"));
	await clients[0]?.connect(server.getsockname());
	await keeps(
		"connect to a full queue",
		async () => await clients[1]?.connect(server.getsockname()),
		() => server.tryAccept()?.close(),
	);
	server.tryAccept()?.close();
	await keeps("accept", async () => (await server.accept({ timeoutMs: 20 })).close());
	for (const each of [...clients, server]) each.close();
});

test("onNetworkError runs in the context of the call it was given to", async () => {
	using refusing = refusingUdpPort();
	const address = `udp://127.0.0.1:${refusing.port}`;
	let tell!: (store: unknown) => void;
	const told = new Promise((resolve) => {
		tell = resolve;
	});
	const socket = await storage.run("datagrams", () =>
		datagrams("udp://127.0.0.1:0", { onNetworkError: () => tell(storage.getStore()) }),
	);
	const receiving = storage.run("receive", () => socket.receive().catch(() => {}));
	await socket.send("x", address);
	assert.equal(await told, "datagrams");
	await socket.close();
	await receiving;
});
