import assert from "node:assert/strict";
import { test } from "node:test";
import { datagrams, LIMITS, socketpair } from "socketry";
import { abstractName } from "../support/pairs.ts";

interface Sender {
	readonly queuedBytes: number;
	send(data: Uint8Array): Promise<void>;
	sendBatch?(data: Uint8Array, stride: number): Promise<void>;
	abort(): void;
}

interface Case {
	readonly sender: Sender;
	/** Receives one message, and says how long it is. */
	readonly receive: () => Promise<number | undefined>;
	readonly close: () => Promise<unknown>;
}

const CASES: Readonly<Record<string, () => Promise<Case>>> = {
	"a packet stream": async () => {
		const [sender, receiver] = socketpair("seqpacket");
		return {
			sender,
			receive: async () => (await receiver.receive())?.length,
			close: () => Promise.all([sender.close(), receiver.close()]),
		};
	},
	"a connected datagram socket": async () => {
		const [sender, receiver] = socketpair("dgram");
		return {
			sender,
			receive: async () => (await receiver.receive()).bytes,
			close: () => Promise.all([sender.close(), receiver.close()]),
		};
	},
	"a datagram socket whose peer is full": async () => {
		const receiver = await datagrams(`unix-dgram:${abstractName()}`);
		const socket = await datagrams(`unix-dgram:${abstractName()}`);
		const sender: Sender = {
			get queuedBytes() {
				return socket.queuedBytes;
			},
			send: (data) => socket.send(data, receiver.address),
			abort: () => socket.abort(),
		};
		return {
			sender,
			receive: async () => (await receiver.receive()).bytes,
			close: () => Promise.all([socket.close(), receiver.close()]),
		};
	},
};

/** Sends without awaiting until a send is refused. Returns how many were not, and the refusal. */
async function sendUntilRefused(
	sender: Sender,
	data: Uint8Array,
	most: number,
): Promise<{ sends: Promise<void>[]; refusal: { code?: string; limit?: string } | undefined }> {
	const sends: Promise<void>[] = [];
	let refusal: object | undefined;
	while (sends.length < most) {
		for (let i = 0; i < 1_000; i++) {
			const sent = sender.send(data);
			sent.catch((error: object) => {
				refusal ??= error;
			});
			sends.push(sent);
		}
		await new Promise(setImmediate);
		if (refusal !== undefined) break;
	}
	return { sends, refusal };
}

for (const [name, make] of Object.entries(CASES)) {
	test(`${name} lets only so many bytes wait, and sends them all`, async () => {
		const { sender, receive, close } = await make();
		const message = Buffer.alloc(100_000, 7);
		const { sends, refusal } = await sendUntilRefused(sender, message, 3_000);
		assert.equal(refusal?.code, "ERR_LIMIT");
		assert.equal(refusal?.limit, "writeQueueBytes");
		assert.ok(sender.queuedBytes > LIMITS.writeQueueBytes);
		assert.ok(sender.queuedBytes < LIMITS.writeQueueBytes + 2 * LIMITS.datagramQueueBytes);
		const settled = Promise.allSettled(sends);
		let count = 0;
		for (; sender.queuedBytes > 0; count++) assert.equal(await receive(), message.length);
		const taken = (await settled).filter(({ status }) => status === "fulfilled").length;
		for (; count < taken; count++) assert.equal(await receive(), message.length);
		await sender.send(Buffer.from("it goes on"));
		assert.equal(await receive(), 10);
		await close();
	});

	test(`${name} lets only so many messages wait, however short`, async () => {
		const { sender, close } = await make();
		const { sends, refusal } = await sendUntilRefused(sender, Buffer.alloc(0), 400_000);
		assert.equal(refusal?.limit, "sendQueueCount");
		assert.ok(sends.length < LIMITS.sendQueueCount + 10_000, `${sends.length} were taken`);
		if (sender.sendBatch !== undefined) {
			await assert.rejects(sender.sendBatch(Buffer.alloc(10), 10), { limit: "sendQueueCount" });
		}
		sender.abort();
		await Promise.allSettled(sends);
		await close();
	});
}

test("a wrong option closes nothing, and an aborted signal closes at once", async () => {
	for (const kind of ["seqpacket", "dgram"] as const) {
		const [left, right] = kind === "dgram" ? socketpair("dgram") : socketpair("seqpacket");
		for (const wrong of [5, { timeoutMs: -1 }, { timeoutMs: "1" }, { signal: {} }]) {
			await assert.rejects(left.close(wrong as never), { code: /^ERR_(INVALID_ARG|OUT_OF)/ });
		}
		assert.equal(left.closed, false);
		await left.send("open");
		await right.receive();
		const reason = new Error("enough");
		await assert.rejects(left.close({ signal: AbortSignal.abort(reason) }), { name: "AbortError" });
		assert.equal(left.closed, true);
		await right.close();
	}
});
