import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Address, connect, datagrams, listen, parseAddress, type Stream } from "socketry";
import { ByteLink } from "#src/cli/compare/byte-link.ts";
import { Conversation } from "#src/cli/compare/conversation.ts";
import type { Kind } from "#src/cli/compare/kinds.ts";
import { PeerError } from "#src/cli/compare/link.ts";
import { makePipe, PipeChannel } from "#src/cli/compare/pipe-channel.ts";
import { decodeControl, encodeControl } from "#src/cli/compare/protocol.ts";
import { Samples } from "#src/cli/compare/samples.ts";
import { type Server, serve } from "#src/cli/compare/serve.ts";
import { converse, SESSIONS_MAX } from "#src/cli/compare/sessions.ts";
import { socketTarget } from "#src/cli/compare/target.ts";
import { PATIENT } from "../../support/patience.ts";

const folder = mkdtempSync(join(tmpdir(), "socketry-test-"));
after(() => rmSync(folder, { recursive: true }));

const PLACES: readonly (readonly [Kind, string])[] = [
	["tcp", "tcp://127.0.0.1:0"],
	["udp", "udp://127.0.0.1:0"],
	["unix", `unix:${folder}/stream`],
	["unix-dgram", `unix-dgram:${folder}/dgram`],
	["unix-seqpacket", `unix-seqpacket:${folder}/seqpacket`],
];

for (const [kind, place] of PLACES) {
	test(`a conversation by ${kind} measures round trips and counts what arrives`, async () => {
		const server = await serve(parseAddress(place));
		try {
			await holdConversation(kind, server);
		} finally {
			server.close();
		}
	});
}

test("a conversation by pipes does so, too", async () => {
	const [requests, answers] = [join(folder, "requests"), join(folder, "answers")];
	makePipe(requests);
	makePipe(answers);
	const link = new ByteLink(new PipeChannel(requests, answers));
	const serving = converse(link).catch(() => undefined);
	const conversation = new Conversation(new ByteLink(new PipeChannel(answers, requests)));
	await checkConversation(conversation);
	link.abort();
	await serving;
});

async function holdConversation(kind: Kind, { address }: Server): Promise<void> {
	const target = socketTarget(kind, address, false);
	const { signal } = new AbortController();
	await target.openAndClose?.(signal);
	await checkConversation(new Conversation(await target.open(signal)));
}

async function checkConversation(conversation: Conversation): Promise<void> {
	await conversation.greet();
	for (const size of [1, 64, 48, 60_000]) {
		const samples = new Samples();
		const repeated = await conversation.roundTrips(size, 1, samples);
		assert.ok(samples.count + repeated >= 10);
		assert.ok((samples.quantiles([0.5])[0] as number) > 0);
		const { perSecond, lost } = await conversation.flow(size, 1);
		assert.ok(perSecond > 0 && Number.isFinite(perSecond));
		assert.ok(lost >= 0 && lost < 1);
	}
	await conversation.close();
}

async function connectTo({ address }: Server): Promise<Stream> {
	return (await connect(address)) as Stream;
}

test("a server of another protocol is recognized at its first byte", async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const stranger = (async () => {
		const stream = await listener.accept();
		await stream.write("SSH-2.0-test\r\n");
		while ((await stream.read()) !== null);
		await stream.close();
	})();
	const { signal } = new AbortController();
	const link = await socketTarget("tcp", listener.address, true).open(signal);
	const conversation = new Conversation(link);
	await assert.rejects(conversation.greet(), (error) => {
		return error instanceof PeerError && /another protocol/.test(error.message);
	});
	await conversation.close();
	await stranger;
	listener.close();
});

test("a server of another version is told from one of ours", async () => {
	const listener = await listen("tcp://127.0.0.1:0");
	const other = (async () => {
		const stream = await listener.accept();
		await stream.readExactly(48);
		const welcome = encodeControl("welcome");
		welcome[8] = 9;
		await stream.write(welcome);
		while ((await stream.read()) !== null);
		await stream.close();
	})();
	const { signal } = new AbortController();
	const link = await socketTarget("tcp", listener.address, true).open(signal);
	const conversation = new Conversation(link);
	await assert.rejects(conversation.greet(), /version 9 .* use the same version/);
	await conversation.close();
	await other;
	listener.close();
});

test("a client of another protocol is sent away, and messages beyond the limit are refused", async () => {
	const reasons: string[] = [];
	const server = await serve(parseAddress("tcp://127.0.0.1:0"), (reason) => reasons.push(reason));
	const stranger = await connectTo(server);
	await stranger.write(`GET / HTTP/1.1\r\nHost: ${"x".repeat(60)}\r\n\r\n`);
	await assert.rejects(async () => {
		if ((await stranger.read()) === null) throw new Error("ended");
	});
	await stranger.close();
	assert.deepEqual(reasons, ["the client is no socketry compare"]);
	const greedy = await connectTo(server);
	await greedy.write(encodeControl("drain", { size: 65_537 }));
	const reply = decodeControl(await greedy.readExactly(48));
	assert.equal(reply?.operation, "refuse");
	await greedy.close();
	server.close();
});

test("a server holds so many conversations and no more", async () => {
	const reasons: string[] = [];
	const server = await serve(parseAddress("tcp://127.0.0.1:0"), (reason) => reasons.push(reason));
	const clients = [];
	for (let i = 0; i <= SESSIONS_MAX; i++) {
		const client = await connectTo(server);
		clients.push(client);
		await client.write(encodeControl("hello"));
		if (i < SESSIONS_MAX) await client.readExactly(48);
		else await assert.rejects(client.readExactly(48));
	}
	assert.deepEqual(reasons, ["there are 256 conversations already"]);
	for (const client of clients) client.abort();
	server.close();
});

test("UDP answers are as long as their question, and none come without a proof", async () => {
	const server = await serve(parseAddress("udp://127.0.0.1:0"));
	const client = await datagrams(undefined, { connect: server.address });
	const sizes: number[] = [];
	const ask = async (data: Uint8Array): Promise<string | undefined> => {
		await client.send(data);
		const { data: reply } = await client.receive(PATIENT);
		assert.equal(reply.length, data.length);
		sizes.push(reply.length);
		return decodeControl(reply)?.operation;
	};
	// Before the proof nothing but a hello is answered: had these been, their answers would come first.
	await client.send(encodeControl("echo", { run: 1, size: 10 }));
	await client.send(encodeControl("report"));
	await client.send(new Uint8Array(10));
	await client.send("anything else");
	await client.send(encodeControl("hello"));
	const prove = decodeControl((await client.receive(PATIENT)).data);
	assert.equal(prove?.operation, "prove");
	assert.equal(await ask(encodeControl("hello", { proof: new Uint8Array(8).fill(1) })), "prove");
	assert.equal(await ask(encodeControl("hello", { proof: prove.proof })), "welcome");
	assert.equal(await ask(encodeControl("echo", { run: 1, size: 70_000 })), "refuse");
	assert.equal(await ask(encodeControl("echo", { run: 1, size: 10 })), "ready");
	assert.equal(await ask(new Uint8Array(10)), undefined);
	await client.close();
	server.close();
});

test("a request that is repeated does not begin the run again", async () => {
	const server = await serve(parseAddress("udp://127.0.0.1:0"));
	const client = await datagrams(undefined, { connect: server.address });
	const ask = async (data: Uint8Array) => {
		await client.send(data);
		return decodeControl((await client.receive(PATIENT)).data);
	};
	const proof = (await ask(encodeControl("hello")))?.proof ?? new Uint8Array(8);
	await ask(encodeControl("hello", { proof }));
	await ask(encodeControl("drain", { run: 7, size: 10 }));
	await client.send(new Uint8Array(10));
	await ask(encodeControl("drain", { run: 7, size: 10 }));
	await client.send(new Uint8Array(10));
	const report = await ask(encodeControl("report", { run: 7 }));
	assert.deepEqual([report?.run, report?.tally.messages], [7, 2]);
	await client.close();
	server.close();
});

test("lost datagrams are sent again, left out of the round trips, and counted in one direction", async () => {
	const server = await serve(parseAddress("udp://127.0.0.1:0"));
	const outside = await datagrams("udp://127.0.0.1:0");
	const inside = await datagrams(undefined, { connect: server.address });
	let passed = 0;
	let client: Address | undefined;
	// Of what the client sends every fifth is lost, the greeting included.
	const forth = (async () => {
		for await (const { data, from } of outside) {
			client = from;
			if (++passed % 5 !== 1) await inside.send(data);
		}
	})();
	const back = (async () => {
		for await (const { data } of inside) await outside.send(data, client);
	})();
	const { signal } = new AbortController();
	const link = await socketTarget("udp", outside.address, true).open(signal);
	const conversation = new Conversation(link);
	await conversation.greet();
	// A message that was sent again would have taken 100 ms; on a busy machine another may take as long, but not each time.
	let longestUs = Number.POSITIVE_INFINITY;
	for (let attempt = 0; attempt < 10 && longestUs >= 100_000; attempt++) {
		const samples = new Samples();
		const repeated = await conversation.roundTrips(64, 1, samples);
		assert.ok(repeated >= 1, `${repeated} repeated`);
		assert.ok(samples.count + repeated >= 10);
		longestUs = samples.quantiles([1])[0] ?? longestUs;
	}
	assert.ok(longestUs < 100_000, `${longestUs} us`);
	const { lost } = await conversation.flow(64, 1);
	assert.ok(lost >= 0.15 && lost < 1, `${lost} lost`);
	await conversation.close();
	outside.abort();
	inside.abort();
	await Promise.all([forth, back]);
	server.close();
});
