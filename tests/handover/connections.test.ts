import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClosedError, connect, type PacketStream, type Stream, socketpair } from "socketry";
import { drain, type StatefulConnection, type Successor, takeOver } from "socketry/handover";
import { Wire } from "#src/handover/wire.ts";
import { assertNoLeaks, openResources } from "#src/testing/leaks.ts";
import { inFolder } from "../support/folder.ts";
import { PATIENT } from "../support/patience.ts";

/** A connection that has come to the new process. */
interface Come {
	readonly connection: Stream | PacketStream;
	readonly state: string;
}

/** Two connections to an old process, by TCP and by messages, before they are handed over. */
interface Before {
	readonly post: `unix-seqpacket:${string}`;
	readonly clients: { readonly web: Stream; readonly talk: PacketStream };
	readonly servers: { readonly web: Stream; readonly talk: PacketStream };
	/** Connections to hand over; to be set. */
	movable: (Stream | PacketStream | StatefulConnection)[];
	/** Has a new process take over. */
	restart(takes?: boolean): Promise<Come[]>;
	readonly offer: Promise<Successor | undefined>;
}

async function withConnections(
	body: (before: Before) => Promise<void>,
	moveMs = 300,
): Promise<void> {
	await inFolder(async (folder) => {
		const resources = openResources();
		const post = `unix-seqpacket:${folder}/post` as const;
		const sockets = {
			web: "tcp://127.0.0.1:0",
			talk: `unix-seqpacket:${folder}/talk`,
		} as const;
		const first = await takeOver(post, { sockets });
		const { web, talk } = await first.ready();
		const [webClient, talkClient, webServer, talkServer] = await Promise.all([
			connect(web.address),
			connect(`unix-seqpacket:${folder}/talk`),
			web.accept(),
			talk.accept(),
		]);
		const opened: { close(): unknown }[] = [webClient, talkClient, webServer, talkServer];
		const before: Before = {
			post,
			clients: { web: webClient, talk: talkClient },
			servers: { web: webServer, talk: talkServer },
			movable: [],
			offer: first.offer({ connections: () => before.movable, moveMs }),
			restart: async (takes = true) => {
				const come: Come[] = [];
				const next = await takeOver(post, {
					sockets,
					onConnection: takes
						? (connection, state) => come.push({ connection, state: String(state) })
						: undefined,
				});
				const now = await next.ready();
				opened.push(now.web, now.talk, next);
				assert.equal(await next.received, come.length);
				opened.push(...come.map(({ connection }) => connection));
				return come;
			},
		};
		await body(before);
		await before.offer.catch(() => {});
		for (const each of opened) await each.close();
		await first.close();
		web.close();
		talk.close();
		await assertNoLeaks(resources);
	});
}

function isClosedError(error: ClosedError): boolean {
	return error.code === "ERR_CLOSED";
}

test("idle connections go over with what is known of them, and their clients notice nothing", async () => {
	await withConnections(async (before) => {
		const { clients, servers } = before;
		const reading = assert.rejects(servers.web.read(), isClosedError);
		const receiving = assert.rejects(servers.talk.receive(), isClosedError);
		before.movable = [
			{ connection: servers.web, state: () => "the web" },
			{ connection: servers.talk, state: () => Buffer.from([1, 2]) },
		];
		const [web, talk] = await before.restart();
		await Promise.all([reading, receiving]);
		assert.deepEqual(await before.offer, { pid: process.pid, movedCount: 2, lostCount: 0 });
		assert.equal(web?.state, "the web");
		assert.equal(talk?.state, "\x01\x02");
		assert.ok(servers.web.closed && servers.talk.closed);
		// Whatever the program still does to the old objects, the connections are none of theirs.
		servers.web.abort();
		await servers.talk.close();

		const there = web?.connection as Stream;
		assert.deepEqual(there.peer, clients.web.address);
		assert.equal(there.socket.getOption("TCP_NODELAY"), true);
		await clients.web.write("hello");
		assert.equal(String(await there.readExactly(5, PATIENT)), "hello");
		await there.write("and back");
		await there.close();
		assert.equal(String(await clients.web.readExactly(8, PATIENT)), "and back");
		assert.equal(await clients.web.read(PATIENT), null);

		const room = talk?.connection as PacketStream;
		await clients.talk.send("");
		assert.equal((await room.receive(PATIENT))?.length, 0);
		await room.send("answer");
		assert.equal(String(await clients.talk.receive(PATIENT)), "answer");
	});
});

test("bytes that were read ahead come first, then those that wait in the kernel, and none is lost or doubled", async () => {
	await withConnections(async (before) => {
		const { clients, servers } = before;
		await clients.web.write("first line\nsecond, which is not co");
		assert.equal(String(await servers.web.readUntil("\n")), "first line\n");
		const line = assert.rejects(servers.web.readUntil("\n"), isClosedError);
		// Sent when the old process has parted with it, and the new one does not have it yet.
		const state = (): string => {
			void clients.web.write("mplete\nthird\n");
			return "";
		};
		before.movable = [{ connection: servers.web, state }];
		const [come] = await before.restart();
		await line;
		const there = come?.connection as Stream;
		assert.equal(String(await there.readUntil("\n", PATIENT)), "second, which is not complete\n");
		assert.equal(String(await there.readUntil("\n", PATIENT)), "third\n");
		assert.equal(there.bytesRead, 36);
	});
});

test("bytes of a read that was not complete go over, in great number too", async () => {
	await withConnections(async (before) => {
		const { clients, servers } = before;
		const sent = Buffer.alloc(1_000_000, "0123456789abcdef!");
		const all = assert.rejects(servers.web.readExactly(2 * sent.length), isClosedError);
		await clients.web.write(sent);
		await clients.web.flush();
		before.movable = [servers.web];
		const [come] = await before.restart();
		await all;
		const there = come?.connection as Stream;
		assert.ok(sent.equals(await there.readExactly(sent.length, PATIENT)));
	});
});

test("a connection whose program is busy stays, and goes on where it is", async () => {
	await withConnections(async (before) => {
		const { clients, servers } = before;
		// Nobody reads: the program may have something in hand.
		before.movable = [servers.web, servers.talk];
		const receiving = servers.talk.receive().catch(() => null);
		// Nobody takes what is sent: it is queued here.
		const sent: Promise<void>[] = [];
		while (servers.talk.queuedBytes === 0) sent.push(servers.talk.send(Buffer.alloc(10_000)));
		assert.deepEqual(await before.restart(), []);
		assert.deepEqual(await before.offer, { pid: process.pid, movedCount: 0, lostCount: 0 });
		await clients.web.write("still here");
		assert.equal(String(await servers.web.read(PATIENT)), "still here");
		for (const _ of sent) assert.equal((await clients.talk.receive(PATIENT))?.length, 10_000);
		await Promise.all(sent);
		assert.equal(await drain([servers.web, servers.talk], { timeoutMs: 10 }), 2);
		assert.equal(await receiving, null);
	}, 20);
});

test("a connection that takes descriptors or credentials stays: what came along would be lost", async () => {
	await inFolder(async (folder) => {
		const post = `unix-seqpacket:${folder}/post` as const;
		const options = { receiveDescriptors: true, receiveCredentials: true };
		const [client, server] = socketpair("stream", options);
		const [talkClient, talkServer] = socketpair("seqpacket", options);
		const first = await takeOver(post, { sockets: {} });
		await first.ready();
		const movable = [server, talkServer];
		const offer = first.offer({ connections: () => movable, moveMs: 20 });
		await client.write("begun, ", { descriptors: [0] });
		const line = server.readUntil("\n", PATIENT);
		const message = talkServer.receiveMessage(PATIENT);
		const next = await takeOver(post, { sockets: {}, onConnection: () => assert.fail() });
		await next.ready();
		assert.deepEqual(await offer, { pid: process.pid, movedCount: 0, lostCount: 0 });
		await client.write("ended\n");
		await talkClient.send("x", { descriptors: [0] });
		assert.equal(String(await line), "begun, ended\n");
		const arrived = server.takeDescriptors().flatMap(({ descriptors }) => descriptors);
		const owned = [...arrived, ...((await message)?.descriptors ?? [])];
		assert.equal(owned.length, 2);
		for (const each of [...owned, client, server, talkClient, talkServer]) await each.close();
		await next.close();
	});
});

test("a connection goes as soon as its program is idle, within its time", async () => {
	await withConnections(async (before) => {
		const { clients, servers } = before;
		before.movable = [servers.web];
		const restarting = before.restart();
		await new Promise((resolve) => setTimeout(resolve, 30));
		assert.ok(!servers.web.closed);
		await servers.web.write("a late answer");
		const reading = assert.rejects(servers.web.read(), isClosedError);
		const come = await restarting;
		await reading;
		assert.equal(come.length, 1);
		assert.equal(String(await clients.web.readExactly(13, PATIENT)), "a late answer");
	}, 10_000);
});

test("connections stay where they are when the new process takes none, and when the client has gone", async () => {
	await withConnections(async (before) => {
		const { servers } = before;
		before.movable = [servers.web];
		const reading = servers.web.read().catch(() => "closed");
		await before.restart(false);
		assert.equal((await before.offer)?.movedCount, 0);
		assert.ok(!servers.web.closed);
		await servers.web.close();
		assert.equal(await reading, "closed");
	});
});

test("a new process that ends while connections go over costs one of them, and the old one is told", async () => {
	await withConnections(async (before) => {
		const { servers, clients } = before;
		const reading = assert.rejects(servers.web.read(), isClosedError);
		before.movable = [{ connection: servers.web, state: () => Buffer.alloc(4_000_000) }];
		const wire = new Wire(await connect(before.post, { receiveDescriptors: true }));
		await wire.send({ kind: "hello", protocols: [1], pid: 4711 });
		(await wire.expect(["welcome"], PATIENT)).descriptor?.close();
		for (let i = 0; i < 2; i++) (await wire.expect(["socket"], PATIENT)).descriptor?.close();
		await wire.send({ kind: "ready" });
		await wire.expect(["yours"], PATIENT);
		await wire.send({ kind: "mine", takesConnections: true });
		(await wire.expect(["connection"], PATIENT)).descriptor?.close();
		wire.close();
		assert.deepEqual(await before.offer, { pid: 4711, movedCount: 0, lostCount: 1 });
		await reading;
		assert.equal(await clients.web.read(PATIENT), null);
	});
});

test("what is no connection cannot be handed over, and the offer says so", async () => {
	await withConnections(async (before) => {
		before.movable = ["web" as never, before.servers.web];
		const refused = assert.rejects(before.offer, { code: "ERR_INVALID_ARG_TYPE" });
		await assert.rejects(before.restart(), { code: "ERR_HANDOVER", reason: "ended" });
		await refused;
		assert.ok(!before.servers.web.closed);
	});
});
