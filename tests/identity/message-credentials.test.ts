/** Who has sent each message: by the kernel's word, by the sender's claim where that is allowed, and never confused with the end. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import {
	anyone,
	connect,
	datagrams,
	isAlive,
	listen,
	type MessageCredentials,
	type OwnedDescriptor,
	type PacketStream,
	socketpair,
	supports,
} from "socketry";
import { socketpair as rawPair } from "socketry/socket";
import { ENOPROTOOPT, sys } from "socketry/sys";
import { Datagrams } from "#src/datagram/datagrams.ts";
import { PacketStream as PacketStreamClass } from "#src/packet/packet-stream.ts";
import { SO_PASSPIDFD } from "#src/sys/constants.ts";
import { startChild } from "../support/children.ts";
import { abstractName } from "../support/pairs.ts";
import { NOBODY, needsNamespaces, needsRoot } from "./callers.ts";
import type { ClaimOrder } from "./claimant.child.ts";

const CLAIMANT = new URL("./claimant.child.js", import.meta.url);
const ASKED = { receiveCredentials: true } as const;
const WITH_PIDFD = { receiveCredentials: "pidfd" } as const;
const lacksPidfd = supports("SO_PASSPIDFD") ? false : "needs Linux 6.5";

const mine = {
	pid: process.pid,
	uid: process.geteuid?.() ?? -1,
	gid: process.getegid?.() ?? -1,
};

function plain(credentials: MessageCredentials | undefined): object | undefined {
	if (credentials === undefined) return undefined;
	const { pid, uid, gid } = credentials;
	return { pid, uid, gid };
}

function pidOf({ fd }: OwnedDescriptor): number {
	const info = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
	return Number(/^Pid:\s(-?\d+)$/m.exec(info)?.[1]);
}

async function withPair(
	options: Parameters<typeof socketpair>[1],
	body: (left: PacketStream, right: PacketStream) => Promise<void>,
): Promise<void> {
	const [left, right] = socketpair("seqpacket", options);
	try {
		await body(left, right);
	} finally {
		left.abort();
		right.abort();
	}
}

/** What became of the child's claims, and the credentials that arrived. */
async function claims(
	kind: "packets" | "datagrams",
	order: Pick<ClaimOrder, "uid" | "claims">,
): Promise<{ results: string[]; arrived: (object | undefined)[]; pid: number }> {
	const isPackets = kind === "packets";
	const address = `${isPackets ? "unix-seqpacket" : "unix-dgram"}:${abstractName()}`;
	const listener = isPackets
		? await listen(address as "unix-seqpacket:", { ...ASKED, allow: anyone() })
		: undefined;
	const socket = isPackets ? undefined : await datagrams(address, ASKED);
	const args = [JSON.stringify({ ...order, action: "send", address })];
	const child = startChild(CLAIMANT, { args });
	const { code, stdout, stderr } = await child.ended;
	assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
	const results = JSON.parse(stdout) as string[];
	const arrived: (object | undefined)[] = [];
	// The child has gone: who it was is told all the same.
	const packets = await listener?.accept();
	for (const _ of results.filter((result) => result === "sent")) {
		const { credentials } = (await (packets?.receiveMessage() ?? socket?.receive())) ?? {};
		arrived.push(plain(credentials));
	}
	packets?.abort();
	listener?.close();
	socket?.abort();
	return { results, arrived, pid: child.pid };
}

test("every message tells who has sent it, also an empty one; the end does not", async () => {
	await withPair(ASKED, async (left, right) => {
		for (let round = 0; round < 30; round++) {
			const text = round % 2 === 0 ? "" : `message ${round}`;
			await left.send(text);
			const message = await right.receiveMessage();
			assert.equal(String(message?.data), text);
			assert.deepEqual(message?.credentials, mine);
			assert.deepEqual(message?.descriptors, []);
		}
		// Several at once, which are received together.
		for (let i = 0; i < 8; i++) await left.send("");
		for (let i = 0; i < 8; i++) {
			assert.deepEqual((await right.receiveMessage())?.credentials, mine);
		}
		await left.closeWrite();
		assert.equal(await right.receiveMessage(), null);
		assert.equal(right.refusedDescriptorsCount, 0);
	});
});

test("receive() leaves the credentials out, and they are told only to who asked", async () => {
	await withPair(ASKED, async (left, right) => {
		await left.send("one");
		await left.send("two");
		assert.equal(String(await right.receive()), "one");
		assert.deepEqual((await right.receiveMessage())?.credentials, mine);
	});
	await withPair({}, async (left, right) => {
		await left.send("one", { credentials: mine });
		const message = await right.receiveMessage();
		assert.deepEqual(message, { data: Buffer.from("one"), descriptors: [] });
	});
});

test("every datagram tells who has sent it, alone and in a batch", async () => {
	const [left, right] = socketpair("dgram", { ...ASKED, details: { timestamp: true } });
	for (let i = 0; i < 30; i++) {
		await left.send(i % 2 === 0 ? "" : `datagram ${i}`);
		const datagram = await right.receive();
		assert.deepEqual(datagram.credentials, mine);
		assert.equal(typeof datagram.timestampNs, "bigint");
		assert.equal("descriptors" in datagram, false);
	}
	for (let i = 0; i < 5; i++) left.trySend(`batch ${i}`);
	let count = 0;
	while (count < 5) {
		const batch = await right.receiveBatch();
		for (let i = 0; i < batch.count; i++) assert.deepEqual(batch.credentials(i), mine);
		for (const { credentials } of batch) assert.deepEqual(credentials, mine);
		count += batch.count;
	}
	left.abort();
	right.abort();
	const [quiet, other] = socketpair("dgram");
	await quiet.send("x", undefined, { credentials: mine });
	assert.equal("credentials" in (await other.receive()), false);
	quiet.trySend("y");
	assert.equal((await other.receiveBatch()).credentials(0), undefined);
	quiet.abort();
	other.abort();
});

test("descriptors that were not asked for do not get in with credentials", async () => {
	for (const options of [ASKED, ...(lacksPidfd === false ? [WITH_PIDFD] : [])]) {
		await withPair(options, async (left, right) => {
			await left.send("x", { descriptors: [0, 1, 2] });
			const message = await right.receiveMessage();
			assert.deepEqual(message?.descriptors, []);
			assert.deepEqual(plain(message?.credentials), mine);
			message?.credentials?.pidfd?.close();
			assert.equal(right.refusedDescriptorsCount, 1);
		});
	}
});

test("a server knows the sender of what came before it accepted", async () => {
	const address = `unix-seqpacket:${abstractName()}` as const;
	const listener = await listen(address, ASKED);
	const client = await connect(address);
	await client.send("early");
	const server = await listener.accept();
	await client.send("late");
	for (const text of ["early", "late"]) {
		const message = await server.receiveMessage();
		assert.deepEqual([String(message?.data), message?.credentials], [text, mine]);
	}
	client.abort();
	server.abort();
	listener.close();
});

test("of what was sent before anybody asked, the kernel knows nothing", async () => {
	const unknown = { pid: 0, uid: 65_534, gid: 65_534 };
	const [left, right] = rawPair("seqpacket");
	left.trySend(new Uint8Array(1));
	const packets = PacketStreamClass.over(right, "unix-seqpacket", ASKED);
	assert.deepEqual((await packets.receiveMessage())?.credentials, unknown);
	left.close();
	packets.abort();
	const [from, to] = rawPair("dgram");
	from.trySend(new Uint8Array(1));
	const socket = Datagrams.over(to, "unix-dgram", ASKED);
	assert.deepEqual((await socket.receive()).credentials, unknown);
	from.close();
	socket.abort();
});

test("a socket that asks gets a name when it sends without one, and others do not", async () => {
	const [asking, silent] = rawPair("seqpacket");
	const packets = PacketStreamClass.over(asking, "unix-seqpacket", ASKED);
	assert.deepEqual(packets.socket.getsockname(), { family: "unix" });
	await packets.send("x");
	silent.trySend(new Uint8Array(1));
	assert.match((asking.getsockname() as { abstract: string }).abstract, /^[0-9a-f]{5}$/);
	assert.deepEqual(silent.getsockname(), { family: "unix" });
	packets.abort();
	silent.close();
});

test("credentials that are none are refused before anything is sent", async () => {
	await withPair(ASKED, async (left) => {
		const [datagram, sink] = socketpair("dgram");
		for (const [credentials, code] of [
			["root", "ERR_INVALID_ARG_TYPE"],
			[null, "ERR_INVALID_ARG_TYPE"],
			[{ ...mine, pid: -1 }, "ERR_OUT_OF_RANGE"],
			[{ ...mine, uid: 2 ** 32 }, "ERR_OUT_OF_RANGE"],
			[{ pid: 1, uid: 0 }, "ERR_INVALID_ARG_TYPE"],
		] as const) {
			const options = { credentials } as never;
			await assert.rejects(left.send("x", options), { code });
			await assert.rejects(datagram.send("x", undefined, options), { code });
		}
		assert.deepEqual([left.sentCount, datagram.sentCount], [0, 0]);
		datagram.abort();
		sink.abort();
	});
});

describe("claimed credentials", { skip: needsRoot }, () => {
	for (const kind of ["packets", "datagrams"] as const) {
		test(`of root are told as they are, unless there is no such process: ${kind}`, async () => {
			const { results, arrived, pid } = await claims(kind, {
				claims: [
					null,
					{ pid: -1, uid: 0, gid: 0 },
					{ pid: 1, uid: 1_234, gid: 567 },
					{ pid: 2 ** 30, uid: 0, gid: 0 },
					{ pid: 0, uid: 0, gid: 0 },
					{ pid: -1, uid: 2 ** 32 - 1, gid: 0 },
					{ pid: process.pid, uid: NOBODY, gid: 0 },
				],
			});
			assert.deepEqual(results, ["sent", "sent", "sent", "ESRCH", "ESRCH", "EINVAL", "sent"]);
			assert.deepEqual(arrived, [
				{ pid, uid: 0, gid: 0 },
				{ pid, uid: 0, gid: 0 },
				{ pid: 1, uid: 1_234, gid: 567 },
				{ pid: process.pid, uid: NOBODY, gid: 0 },
			]);
		});

		test(`of nobody are refused unless they are true, and harm nothing: ${kind}`, async () => {
			const { results, arrived, pid } = await claims(kind, {
				uid: NOBODY,
				claims: [
					{ pid: -1, uid: 0, gid: 0 },
					{ pid: -1, uid: NOBODY, gid: 0 },
					{ pid: 1, uid: NOBODY, gid: NOBODY },
					{ pid: -1, uid: NOBODY, gid: NOBODY },
					null,
				],
			});
			assert.deepEqual(results, ["EPERM", "EPERM", "EPERM", "sent", "sent"]);
			const own = { pid, uid: NOBODY, gid: NOBODY };
			assert.deepEqual(arrived, [own, own]);
		});
	}
});

describe("credentials across namespaces", { skip: needsNamespaces }, () => {
	async function seenUnder(under: readonly string[]): Promise<object> {
		const address = `unix-dgram:${abstractName()}`;
		const args = [JSON.stringify({ action: "receive", address })];
		const child = startChild(CLAIMANT, { args, under });
		assert.equal(await child.line(), "ready");
		const socket = await datagrams({ transport: "unix-dgram" });
		await socket.send("who am I?", address);
		const seen = JSON.parse(await child.line());
		await socket.close();
		assert.equal((await child.ended).code, 0);
		return seen;
	}

	test("a user who is not in the receiver's user namespace is 65534", async () => {
		assert.deepEqual(await seenUnder(["unshare", "-U"]), { ...mine, uid: 65_534, gid: 65_534 });
	});

	test("a process that is not in the receiver's PID namespace is 0", async () => {
		const under = ["unshare", "-p", "-f", "--kill-child=KILL"];
		assert.deepEqual(await seenUnder(under), { ...mine, pid: 0 });
	});
});

describe("a pidfd with each message", { skip: lacksPidfd }, () => {
	test("is of the process that has sent it, and closed by receive()", async () => {
		await withPair(WITH_PIDFD, async (left, right) => {
			await left.send("");
			const { credentials } = (await right.receiveMessage()) ?? {};
			assert.deepEqual(plain(credentials), mine);
			const pidfd = credentials?.pidfd as OwnedDescriptor;
			assert.equal(pidfd.kind, "pidfd");
			assert.equal(pidOf(pidfd), process.pid);
			assert.ok(isAlive(pidfd));
			pidfd.close();
			await left.send("no place for it");
			assert.equal(String(await right.receive()), "no place for it");
			assert.equal(right.refusedDescriptorsCount, 0);
		});
		const [left, right] = socketpair("dgram", { ...WITH_PIDFD, receiveDescriptors: 1 });
		await left.send("", undefined, { descriptors: [0] });
		const { credentials, descriptors = [] } = await right.receive();
		assert.deepEqual([plain(credentials), descriptors.length], [mine, 1]);
		assert.equal(pidOf(credentials?.pidfd as OwnedDescriptor), process.pid);
		credentials?.pidfd?.close();
		descriptors[0]?.close();
		left.abort();
		right.abort();
	});

	test("of a process that has ended is dead or absent, and its number is told all the same", async () => {
		const address = `unix-dgram:${abstractName()}`;
		const socket = await datagrams(address, WITH_PIDFD);
		const args = [JSON.stringify({ action: "send", address, claims: [null] })];
		const child = startChild(CLAIMANT, { args });
		await child.ended;
		const { credentials } = await socket.receive();
		assert.equal(credentials?.pid, child.pid);
		assert.ok(credentials.pidfd === undefined || !isAlive(credentials.pidfd));
		credentials.pidfd?.close();
		await socket.close();
	});

	test("a receiver that closes before it asks for its messages leaves nothing open", async () => {
		await withPair(WITH_PIDFD, async (left, right) => {
			for (let i = 0; i < 20; i++) await left.send("x", { descriptors: [0] });
			const message = await right.receiveMessage();
			message?.credentials?.pidfd?.close();
			await right.close();
		});
	});
});

test("a kernel without pidfds for messages says so, and nothing stays open", async () => {
	const real = sys.setsockopt;
	sys.setsockopt = (fd, level, name, value) =>
		name === SO_PASSPIDFD ? ENOPROTOOPT : real(fd, level, name, value);
	try {
		const unsupported = { code: "ERR_UNSUPPORTED", feature: "SO_PASSPIDFD", message: /6\.5/ };
		assert.throws(() => socketpair("seqpacket", WITH_PIDFD), unsupported);
		assert.throws(() => socketpair("dgram", WITH_PIDFD), unsupported);
		await assert.rejects(datagrams({ transport: "unix-dgram" }, WITH_PIDFD), unsupported);
		await assert.rejects(listen(`unix-seqpacket:${abstractName()}`, WITH_PIDFD), unsupported);
	} finally {
		sys.setsockopt = real;
	}
});
