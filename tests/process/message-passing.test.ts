/** Messages with descriptors when a process has no room for them, is killed, ends a thread, or forgets them. */
import assert from "node:assert/strict";
import { closeSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import {
	datagrams,
	formatAddress,
	give,
	type Listener,
	listen,
	type PacketStream,
	socketpair,
} from "socketry";
import { sys } from "socketry/sys";
import { assertNoLeaks, openResources } from "socketry/testing";
import { randomSource } from "#src/random.ts";
import { needsRoot } from "../identity/callers.ts";
import { runChild, startChild } from "../support/children.ts";
import { marked, openMarkedCount } from "../support/marked-descriptors.ts";
import { abstractName } from "../support/pairs.ts";
import { PATIENCE_MS } from "../support/patience.ts";

const FEW = ["sh", "-c", 'ulimit -n 100 && exec "$@"', "sh"];
const RECEIVER = new URL("./message-receiver.child.js", import.meta.url);
const ROUNDS = 20;
const SEED = 815;
const GONE = /^(EPIPE|ECONNRESET|ECONNREFUSED)$/;

/** Two ends; the second tells when nobody has the first any more. */
function witness(): [given: number, kept: number] {
	const pair = new Int32Array(2);
	assert.equal(sys.socketpair(1, 1, 0, pair), 0);
	return [...pair] as [number, number];
}

function assertGone(kept: number): void {
	assert.equal(sys.read(kept, new Uint8Array(1), 0, 1, PATIENCE_MS), 0);
	closeSync(kept);
}

test("without a free descriptor nothing arrives, everything is told, and nothing leaks", async () => {
	const { code, stderr } = await runChild(
		new URL("./message-exhausted.child.js", import.meta.url),
		{ under: FEW },
	);
	assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});

test("who has no privileges cannot have more descriptors on their way than files open", {
	skip: needsRoot,
}, async () => {
	// A user of its own, for the kernel counts all that a user has on their way.
	const { code, stderr } = await runChild(new URL("./in-flight.child.js", import.meta.url), {
		under: FEW,
		args: [String(100_000 + process.pid)],
	});
	assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});

/** Sends until the receiver is gone, and kills it on the way. */
async function sendUntilGone(
	send: (descriptors: readonly unknown[]) => Promise<void>,
	kill: () => void,
	last: number,
	width: () => number,
	first: unknown,
): Promise<void> {
	const ends = [first];
	let sent = 0;
	try {
		for (;;) {
			if (++sent === last) kill();
			await send([...Array(width()).fill(0), ...ends.splice(0)]);
		}
	} catch (error) {
		assert.match((error as { code: string }).code, GONE);
	}
}

test("receivers of packets are killed at random moments, and no descriptor stays on its way", async (t) => {
	t.diagnostic(`seed ${SEED}`);
	const random = randomSource(SEED);
	const before = openResources();
	const listener = (await listen(`unix-seqpacket:${abstractName()}`)) as Listener<PacketStream>;
	for (let round = 0; round < ROUNDS; round++) {
		const child = startChild(RECEIVER, { args: [formatAddress(listener.address)] });
		const packets = await listener.accept();
		const [given, kept] = witness();
		await sendUntilGone(
			(descriptors) => packets.send("x", { descriptors: descriptors as number[] }),
			() => child.process.kill("SIGKILL"),
			1 + random.below(400),
			() => 1 + random.below(16),
			give(given),
		);
		packets.abort();
		await child.ended;
		assertGone(kept);
	}
	listener.close();
	await assertNoLeaks(before);
});

test("receivers of datagrams are killed at random moments, and no descriptor stays on its way", async (t) => {
	t.diagnostic(`seed ${SEED}`);
	const random = randomSource(SEED);
	const before = openResources();
	const sender = await datagrams(`unix-dgram:${abstractName()}`);
	for (let round = 0; round < ROUNDS; round++) {
		const to = `unix-dgram:${abstractName()}`;
		const child = startChild(RECEIVER, { args: [to, formatAddress(sender.address)] });
		await sender.receive();
		const [given, kept] = witness();
		await sendUntilGone(
			(descriptors) => sender.send("x", to, { descriptors: descriptors as number[] }),
			() => child.process.kill("SIGKILL"),
			1 + random.below(400),
			() => 1 + random.below(16),
			give(given),
		);
		await child.ended;
		assertGone(kept);
	}
	await sender.close();
	await assertNoLeaks(before);
});

test("threads that are terminated while descriptors fly leave none behind", async () => {
	const code = `
		import { give, socketpair } from ${JSON.stringify(import.meta.resolve("socketry"))};
		import { parentPort, workerData } from "node:worker_threads";
		const options = { receiveDescriptors: 20, receiveCredentials: true };
		const held = [];
		async function pass(left, right, receive) {
			for (let i = 0; ; i++) {
				const sends = [];
				// More than fits: some wait, with duplicates.
				for (let j = 0; j < 30; j++) sends.push(left(Array(1 + (i + j) % 7).fill(workerData)));
				for (let j = 0; j < 30; j++) {
					const { descriptors } = await receive();
					if (j % 3 === 0) held.push(...descriptors);
					else for (const each of descriptors) each.close();
				}
				await Promise.all(sends);
				for (const each of held.splice(0, held.length - 50)) each.close();
				parentPort.postMessage(i);
			}
		}
		const packets = socketpair("seqpacket", options);
		const datagrams = socketpair("dgram", options);
		pass((descriptors) => packets[0].send("x", { descriptors }), packets[1], () => packets[1].receiveMessage());
		pass((descriptors) => datagrams[0].send("x", undefined, { descriptors }), datagrams[1], () => datagrams[1].receive());`;
	const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
	const file = marked();
	const random = randomSource(SEED);
	for (let round = 0; round < 15; round++) {
		const worker = new Worker(url, { workerData: file.fd });
		const failed = new Promise<never>((_resolve, reject) => worker.once("error", reject));
		failed.catch(() => undefined);
		for (let turns = 1 + random.below(20); turns > 0; turns--) {
			const message = new Promise((resolve) => worker.once("message", resolve));
			await Promise.race([message, failed]);
		}
		await worker.terminate();
		assert.equal(openMarkedCount(), 1);
	}
	file.close();
});

test("what waits for a peer that goes is given up, with its descriptors", async () => {
	const before = openResources();
	const file = marked();
	for (const kind of ["seqpacket", "dgram"] as const) {
		const [left, right] = kind === "dgram" ? socketpair(kind) : socketpair(kind);
		while (left.trySend("filler"));
		const sending =
			"receiveMessage" in left
				? left.send("x", { descriptors: [file] })
				: left.send("x", undefined, { descriptors: [file] });
		assert.equal(openMarkedCount(), 2);
		right.abort();
		await assert.rejects(sending, ({ code }: { code: string }) => GONE.test(code));
		assert.equal(openMarkedCount(), 1);
		left.abort();
	}
	file.close();
	await assertNoLeaks(before);
});
