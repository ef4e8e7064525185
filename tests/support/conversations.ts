/** Whole conversations, from `listen` to the last `close`, in which any system call may be made to fail. */
import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import {
	type ArrivalOptions,
	connect,
	datagrams,
	give,
	type Listener,
	listen,
	OwnedDescriptor,
} from "socketry";
import type { Datagrams } from "#src/datagram/datagrams.ts";
import type { PacketStream } from "#src/packet/packet-stream.ts";
import type { Stream } from "#src/stream/stream.ts";
import { settled } from "#src/testing/expectations.ts";
import { assertPattern, expectEnd, expectPatternToEnd, pattern } from "#src/testing/traffic.ts";
import { abstractName, withSocketPath } from "./pairs.ts";
import { PROMPT_MS } from "./patience.ts";

/** Bytes of the answer: more than any socket buffer of these tests holds, so that a writer has to wait. */
const ANSWER_BYTES = 1_000_000;
/** Kinds of conversation. */
export type ConversationKind =
	| "tcp"
	| "unix"
	| "passing"
	| "seqpacket"
	| "passing by seqpacket"
	| "udp"
	| "unix-dgram"
	| "passing by unix-dgram";

/** What both ends of any kind have. */
interface End {
	readonly closed: boolean;
	readonly socket: { readonly fd: number };
	close(options?: { timeoutMs?: number }): Promise<void>;
	abort(): void;
}

/** Holds a conversation. Rejects with the first error; afterwards everything is closed, and was found in order. */
export async function converse(kind: ConversationKind): Promise<void> {
	const opened: End[] = [];
	const listeners: { close(): void; readonly closed: boolean }[] = [];
	try {
		await CONVERSATIONS[kind]({
			open: (end) => {
				opened.push(end);
				return end;
			},
			listening: (listener) => {
				listeners.push(listener);
				return listener;
			},
		});
	} finally {
		for (const listener of listeners) {
			listener.close();
			assert.ok(listener.closed);
		}
		for (const end of opened) await assertCloses(end);
	}
}

interface Stage {
	open<T extends End>(end: T): T;
	listening<T extends Stream | PacketStream>(listener: Listener<T>): Listener<T>;
}

const CONVERSATIONS: Readonly<Record<ConversationKind, (stage: Stage) => Promise<void>>> = {
	tcp: (stage) => overStreams(stage, "tcp://127.0.0.1:0"),
	unix: (stage) => withSocketPath((path) => overStreams(stage, `unix:${path}`)),
	passing: (stage) => withSocketPath((path) => passing(stage, `unix:${path}`)),
	// A path, for whoever connects to an abstract name is refused when a call fails by which its user is looked up.
	seqpacket: (stage) => withSocketPath((path) => overPackets(stage, `unix-seqpacket:${path}`)),
	udp: (stage) => overDatagrams(stage, "udp://127.0.0.1:0"),
	"unix-dgram": (stage) => overDatagrams(stage, `unix-dgram:${abstractName()}`),
	"passing by seqpacket": (stage) =>
		withSocketPath((path) => passingPackets(stage, `unix-seqpacket:${path}`)),
	"passing by unix-dgram": (stage) => passingDatagrams(stage, `unix-dgram:${abstractName()}`),
};

const PASSING = { receiveDescriptors: true, receiveCredentials: true } as const;

async function overStreams(
	stage: Stage,
	address: `tcp:${string}` | `unix:${string}`,
): Promise<void> {
	const listener = stage.listening(await step(listen(address)));
	const [client, server] = await meet(stage, listener);
	await step(client.write("question"));
	await step(client.flush());
	assert.equal(String(await step(server.readExactly(8))), "question");
	await step(
		Promise.all([
			answer(server),
			expectPatternToEnd(client).then((got) => assert.equal(got, ANSWER_BYTES)),
		]),
	);
	await step(client.closeWrite());
	await step(expectEnd(server));
	await step(Promise.all([client.close(), server.close()]));
}

// Descriptors and credentials go along: at once, and after bytes that have to wait.
async function passing(stage: Stage, address: `unix:${string}`): Promise<void> {
	const options = { receiveDescriptors: true, receiveCredentials: true };
	const given = ownedFile();
	const file = openSync("/proc/self/status", "r");
	const arrived: OwnedDescriptor[] = [];
	const take = (end: Stream): void => {
		for (const { descriptors } of end.takeDescriptors()) arrived.push(...descriptors);
	};
	try {
		const listener = stage.listening(await step(listen(address, options)));
		const [client, server] = await meet(stage, listener, options);
		await step(client.write("question", { descriptors: [file, give(given)] }));
		assert.equal(String(await step(server.readExactly(8))), "question");
		take(server);
		assert.equal(arrived.length, 2);
		assert.equal(server.lastCredentials?.pid, process.pid);
		const received = expectPatternToEnd(client);
		const before = server.write(pattern(0, 700_000));
		const along = server.write(pattern(700_000, 10), { descriptors: [file] });
		const after = server.write(pattern(700_010, 299_990));
		await step(Promise.all([before, along, after, server.closeWrite(), received]));
		assert.equal(await received, ANSWER_BYTES);
		take(client);
		assert.deepEqual(
			arrived.map(({ kind }) => kind),
			["file", "file", "file"],
		);
		await step(client.closeWrite());
		await step(expectEnd(server));
		await step(Promise.all([client.close(), server.close()]));
	} finally {
		for (const each of [...arrived, given]) each.close();
		closeSync(file);
	}
}

function ownedFile(): OwnedDescriptor {
	const fd = openSync("/proc/self/status", "r");
	try {
		return OwnedDescriptor.fromFd(fd);
	} catch (error) {
		closeSync(fd);
		throw error;
	}
}

// Messages with descriptors: some leave at once, some have to wait, and one is empty.
async function passingPackets(stage: Stage, address: `unix-seqpacket:${string}`): Promise<void> {
	await withFiles(async (file, given, arrived) => {
		const listener = stage.listening(await step(listen(address, PASSING)));
		const [client, server] = await meet(stage, listener, PASSING);
		await step(client.send("", { descriptors: [file, give(given)] }));
		const first = await step(server.receiveMessage());
		arrived.push(...(first?.descriptors ?? []));
		assert.deepEqual([first?.data.length, arrived.length], [0, 2]);
		assert.equal(first?.credentials?.pid, process.pid);
		const sends: Promise<void>[] = [];
		for (let i = 0; i < 40; i++) {
			const descriptors = i % 10 === 9 ? [file] : [];
			sends.push(server.send(pattern(i * 20_000, 20_000), { descriptors }));
		}
		const sending = Promise.all(sends).then(() => server.closeWrite());
		await step(both(sending, receiveWith(client, arrived), server));
		await step(client.closeWrite());
		assert.equal(await step(server.receiveMessage()), null);
		await step(Promise.all([client.close(), server.close()]));
	});
}

async function receiveWith(client: PacketStream, arrived: OwnedDescriptor[]): Promise<void> {
	for (let i = 0; i < 40; i++) {
		const message = await client.receiveMessage();
		assert.ok(message !== null);
		arrived.push(...message.descriptors);
		assertPattern(message.data, 20_000 * i);
		assert.equal(message.descriptors.length, i % 10 === 9 ? 1 : 0);
	}
	assert.equal(await client.receiveMessage(), null);
}

// The same with datagrams, at last more than the peer takes at once.
async function passingDatagrams(stage: Stage, address: string): Promise<void> {
	await withFiles(async (file, given, arrived) => {
		const server = stage.open(await step(datagrams(address, PASSING)));
		const client = stage.open(await step(datagrams({ transport: "unix-dgram" }, PASSING)));
		await step(client.send("", server.address, { descriptors: [file, give(given)] }));
		const { data, descriptors = [], credentials } = await step(server.receive());
		arrived.push(...descriptors);
		assert.deepEqual([data.length, arrived.length, credentials?.pid], [0, 2, process.pid]);
		const sends: Promise<void>[] = [];
		for (let i = 0; i < 30; i++) {
			const options = { descriptors: i % 10 === 9 ? [file] : [] };
			sends.push(client.send(`datagram ${i}`, server.address, options));
		}
		const sending = allSent(sends, () => client.flush());
		const receiving = (async () => {
			for (let i = 0; i < 30; i++) {
				const datagram = await server.receive();
				arrived.push(...(datagram.descriptors ?? []));
				assert.equal(String(datagram.data), `datagram ${i}`);
				assert.equal(datagram.descriptors?.length, i % 10 === 9 ? 1 : 0);
			}
		})();
		await step(both(sending, receiving, server));
		await step(Promise.all([client.close(), server.close()]));
	});
}

// What could not be told to a call is told by flush(). That nobody receives any more is a consequence.
async function allSent(sends: Promise<void>[], flush: () => Promise<void>): Promise<void> {
	const outcomes = await Promise.allSettled(sends);
	outcomes.push(...(await Promise.allSettled([flush()])));
	const errors = outcomes.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
	const cause = errors.find(({ code }) => code !== "ECONNREFUSED") ?? errors[0];
	if (cause !== undefined) throw cause;
}

// A message that was not sent is missed by its receiver, who is not to blame.
async function both(
	sending: Promise<unknown>,
	receiving: Promise<void>,
	end: { abort(): void },
): Promise<void> {
	const giveUp = (error: unknown): never => {
		end.abort();
		throw error;
	};
	const [sent, received] = await Promise.allSettled([
		sending.catch(giveUp),
		receiving.catch(giveUp),
	]);
	if (received.status === "rejected" && isOfKernel(received.reason)) throw received.reason;
	if (sent.status === "rejected") throw sent.reason;
	if (received.status === "rejected") throw received.reason;
}

function isOfKernel(error: unknown): boolean {
	return typeof (error as { syscall?: unknown }).syscall === "string";
}

async function withFiles(
	body: (file: number, given: OwnedDescriptor, arrived: OwnedDescriptor[]) => Promise<void>,
): Promise<void> {
	const given = ownedFile();
	const file = openSync("/proc/self/status", "r");
	const arrived: OwnedDescriptor[] = [];
	try {
		await body(file, given, arrived);
		assert.ok(arrived.every(({ kind }) => kind === "file"));
	} finally {
		for (const each of [...arrived, given]) each.close();
		closeSync(file);
	}
}

async function answer(server: Stream): Promise<void> {
	let position = 0;
	for (const size of [10, 300_000, 5_000, 5_000, 389_990, 300_000]) {
		await server.write(pattern(position, size));
		position += size;
	}
	await server.closeWrite();
}

async function overPackets(stage: Stage, address: `unix-seqpacket:${string}`): Promise<void> {
	const listener = stage.listening(await step(listen(address)));
	const [client, server] = await meet(stage, listener);
	await step(client.send("question"));
	assert.equal(String(await step(server.receive())), "question");
	await step(Promise.all([sendMany(server), receiveMany(client)]));
	await step(client.closeWrite());
	assert.equal(await step(server.receive()), null);
	await step(Promise.all([client.close(), server.close()]));
}

async function sendMany(server: PacketStream): Promise<void> {
	const sends: Promise<void>[] = [];
	for (let i = 0; i < 40; i++) sends.push(server.send(pattern(i * 20_000, 20_000)));
	await Promise.all(sends);
	await server.closeWrite();
}

async function receiveMany(client: PacketStream): Promise<void> {
	let count = 0;
	for await (const message of client) assertPattern(message, 20_000 * count++);
	assert.equal(count, 40);
}

async function overDatagrams(stage: Stage, address: string): Promise<void> {
	const server = stage.open((await step(datagrams(address))) as Datagrams);
	const unix = address.startsWith("unix");
	const client = stage.open(
		(await step(
			datagrams(unix ? `unix-dgram:${abstractName()}` : "udp://127.0.0.1:0", {
				connect: server.address,
			}),
		)) as Datagrams,
	);
	for (let i = 0; i < 5; i++) {
		// The first leaves at once, the second with those of its tick.
		await step(Promise.all([client.send(`question ${i}`), client.send(`doubt ${i}`)]));
		await step(client.flush());
		const { data, from } = await step(server.receive());
		assert.equal(String(data), `question ${i}`);
		assert.equal(String((await step(server.receive())).data), `doubt ${i}`);
		await step(server.send(`answer ${i}`, from));
		await step(server.flush());
		assert.equal(String((await step(client.receive())).data), `answer ${i}`);
	}
	await step(Promise.all([client.close(), server.close()]));
}

async function meet<T extends Stream | PacketStream>(
	stage: Stage,
	listener: Listener<T>,
	options: ArrivalOptions = {},
): Promise<[T, T]> {
	const accepting = listener.accept().then((end) => stage.open(end));
	accepting.catch(() => undefined);
	const client = stage.open((await step(connect(listener.address, options))) as T);
	return [client, await step(accepting)];
}

function step<T>(promise: Promise<T>): Promise<T> {
	return settled(promise, PROMPT_MS, "a step of the conversation");
}

// Whatever has happened to it: an end closes, settles what is asked of it, and has no descriptor afterwards.
async function assertCloses(end: End): Promise<void> {
	await step(end.close({ timeoutMs: 100 }).catch(() => undefined));
	end.abort();
	assert.ok(end.closed);
	assert.equal(end.socket.fd, -1);
}
