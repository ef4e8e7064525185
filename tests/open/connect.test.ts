import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect, listen, type Stream } from "socketry";
import type { Socket } from "socketry/socket";
import { settled } from "#src/testing/expectations.ts";
import { ownLoopbackHosts, refusingTcpPort } from "../support/own-addresses.ts";
import { PATIENCE_MS } from "../support/patience.ts";

const folder = mkdtempSync(join(tmpdir(), "socketry-connect-"));
after(() => rmSync(folder, { recursive: true }));

const portOf = (address: object): number => (address as { port: number }).port;

test("a name is resolved, and its other address is tried when the first refuses", async () => {
	const [silent, host] = ownLoopbackHosts();
	await using listener = await listen(`tcp://${host}:0`);
	const port = portOf(listener.address);
	const asked: string[] = [];
	const resolver = async (name: string): Promise<string[]> => {
		asked.push(name);
		return [silent, host];
	};
	const [stream, peer] = await Promise.all([
		connect(`tcp://somewhere.test:${port}`, { resolver }),
		listener.accept(),
	]);
	assert.deepEqual(asked, ["somewhere.test"]);
	assert.deepEqual(stream.peer, { transport: "tcp", host, port });
	await Promise.all([stream.close(), peer.close()]);
});

test("when every address of a name fails, all failures are told, with the first one's code", async () => {
	using refusing = refusingTcpPort();
	const { port } = refusing;
	const resolver = async (): Promise<string[]> => ["127.0.0.1", "127.0.0.2"];
	await assert.rejects(connect(`tcp://nowhere.test:${port}`, { resolver }), (error: unknown) => {
		assert.ok(error instanceof AggregateError);
		assert.equal((error as { code?: string }).code, "ECONNREFUSED");
		assert.equal(error.errors.length, 2);
		assert.match(error.message, /all 2 addresses failed: connect ECONNREFUSED 127\.0\.0\.1/);
		return true;
	});
});

test("a connection of a port with itself counts as refused, unless it was asked for", async () => {
	const [host] = ownLoopbackHosts();
	const listener = await listen(`tcp://${host}:0`);
	const { port } = listener.address;
	listener.close();
	const to = `tcp://${host}:${port}` as const;
	// What the kernel chooses by chance, now and then, for a port of this machine on which nobody listens.
	const prepare = (socket: Socket): void => socket.bind({ family: "inet", host, port });
	for (const localAddress of [undefined, `tcp://${host}:0`]) {
		await assert.rejects(connect(to, { localAddress, prepare }), {
			code: "ECONNREFUSED",
			syscall: "connect",
			port,
		});
	}
	const own = await connect(to, { localAddress: to });
	assert.deepEqual(own.address, own.peer);
	await own.close();
});

test("a connection between equal ports of two hosts is one, although it was reset at once", async () => {
	const [host, other] = ownLoopbackHosts();
	await using listener = await listen(`tcp://${host}:0`);
	const { port } = listener.address;
	const prepare = (socket: Socket): void => socket.bind({ family: "inet", host: other, port });
	const connecting = connect(listener.address, { prepare });
	(await listener.accept()).abort();
	const stream = await connecting;
	await assert.rejects(stream.read(), { code: "ECONNRESET" });
	stream.abort();
});

test("an unknown name says so", async () => {
	await assert.rejects(connect("tcp://no-such-name.invalid:1"), (error: { code?: string }) =>
		["ENOTFOUND", "EAI_AGAIN"].includes(error.code ?? ""),
	);
});

test("a connect that takes too long ends with its time limit, and leaves nothing open", async () => {
	const resolver = (): Promise<string[]> => new Promise(() => {});
	await assert.rejects(
		settled(connect("tcp://slow.test:1", { resolver, timeoutMs: 20 }), PATIENCE_MS, "connect()"),
		{ code: "ERR_TIMEOUT", message: /Connecting took longer than 20 ms/ },
	);
});

test("an aborted connect rejects with the reason as its cause", async () => {
	const reason = new Error("changed my mind");
	await assert.rejects(connect("tcp://127.0.0.1:9", { signal: AbortSignal.abort(reason) }), {
		code: "ABORT_ERR",
		cause: reason,
	});
});

test("a dual-stack listener tells an IPv4 peer as IPv4", async () => {
	await using listener = await listen("tcp://*:0");
	const port = portOf(listener.address);
	const [stream, peer] = await Promise.all([connect(`tcp://127.0.0.1:${port}`), listener.accept()]);
	assert.equal(peer.peer.host, "127.0.0.1");
	assert.deepEqual(peer.peer, stream.address);
	await Promise.all([stream.close(), peer.close()]);
});

test("localAddress is where a connection comes from, and prepare sees the socket before", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	const port = portOf(listener.address);
	let prepared = false;
	const [stream, peer] = await Promise.all([
		connect(`tcp://127.0.0.1:${port}`, {
			localAddress: "tcp://127.0.0.3:0",
			prepare: (socket) => {
				prepared = true;
				socket.setOption("SO_RCVBUF", 65_536);
			},
		}),
		listener.accept(),
	]);
	assert.ok(prepared);
	assert.equal(peer.peer.host, "127.0.0.3");
	assert.equal(stream.socket.getOption("SO_RCVBUF"), 131_072);
	await Promise.all([stream.close(), peer.close()]);
});

test("TCP_NODELAY is on at both ends, and keep-alive takes all three figures", async () => {
	const keepAlive = { idleSeconds: 30, intervalSeconds: 5, count: 3 };
	await using listener = await listen("tcp://127.0.0.1:0", { keepAlive });
	const port = portOf(listener.address);
	const [stream, peer] = await Promise.all([
		connect(`tcp://127.0.0.1:${port}`, { noDelay: false }),
		listener.accept(),
	]);
	assert.equal(stream.socket.getOption("TCP_NODELAY"), false);
	assert.equal(stream.socket.getOption("SO_KEEPALIVE"), false);
	assert.equal(peer.socket.getOption("TCP_NODELAY"), true);
	assert.equal(peer.socket.getOption("SO_KEEPALIVE"), true);
	assert.equal(peer.socket.getOption("TCP_KEEPIDLE"), 30);
	assert.equal(peer.socket.getOption("TCP_KEEPINTVL"), 5);
	assert.equal(peer.socket.getOption("TCP_KEEPCNT"), 3);
	await Promise.all([stream.close(), peer.close()]);
});

test("keepAlive figures out of range are refused, and nothing stays open", async () => {
	await assert.rejects(connect("tcp://127.0.0.1:9", { keepAlive: { count: 0 } }), {
		code: "ERR_OUT_OF_RANGE",
		message: /keepAlive\.count/,
	});
});

test("datagram addresses have no connections", async () => {
	for (const address of ["udp://127.0.0.1:9", "unix-dgram:/tmp/x"]) {
		await assert.rejects(connect(address), {
			code: "ERR_INVALID_ADDRESS",
			message: /datagrams\(\)/,
		});
		await assert.rejects(listen(address), {
			code: "ERR_INVALID_ADDRESS",
			message: /datagrams\(\)/,
		});
	}
});

test("a listener whose socket somebody closes behind its back keeps no descriptor", async () => {
	const count = (): number => readdirSync("/proc/self/fd").length;
	const before = count();
	const closed = { code: "ERR_CLOSED" };
	const [waiting, idle] = [await listen("tcp://127.0.0.1:0"), await listen("tcp://127.0.0.1:0")];
	const rejected = assert.rejects(waiting.accept(), closed);
	for (const each of [waiting, idle]) each.socket.close();
	await Promise.all([rejected, assert.rejects(idle.accept(), closed)]);
	assert.equal(count(), before);
});

test("a listener's signal closes it, and its loop ends", async () => {
	const stop = new AbortController();
	const listener = await listen(`unix:${join(folder, "signal")}`, { signal: stop.signal });
	const served: Stream[] = [];
	const loop = (async () => {
		for await (const stream of listener) served.push(stream);
	})();
	const client = await connect(listener.address);
	while (served.length === 0) await new Promise(setImmediate);
	stop.abort();
	await loop;
	assert.equal(listener.closed, true);
	await Promise.all([client.close(), ...served.map((stream) => stream.close())]);
});

test("an adopted descriptor connects and listens by fd:N", async () => {
	await using listener = await listen("tcp://127.0.0.1:0");
	const port = portOf(listener.address);
	const [stream, peer] = await Promise.all([connect(`tcp://127.0.0.1:${port}`), listener.accept()]);
	const fd = stream.detach().detachFd();
	const adopted = (await connect(`fd:${fd}`)) as Stream;
	await adopted.write("by number");
	assert.equal(Buffer.from(await peer.readExactly(9)).toString(), "by number");
	const same = await listen(`fd:${listener.socket.detachFd()}`);
	assert.deepEqual(same.address, { transport: "tcp", host: "127.0.0.1", port });
	same.close();
	await Promise.all([adopted.close(), peer.close()]);
});
