import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { Channel, channel } from "node:diagnostics_channel";
import { type TestContext, test } from "node:test";
import { connect, datagrams, listen, socketpair } from "socketry";
import { sys } from "socketry/sys";
import { Stream } from "#src/stream/stream.ts";
import { runChild } from "../support/children.ts";
import { refusingTcpPort } from "../support/own-addresses.ts";
import { listenTo } from "./recording.ts";

const EVENTS = ["opened", "connected", "accepted", "closed", "error", "dropped"] as const;

/** Opens, uses, breaks and closes one of each. */
async function live(): Promise<void> {
	const listener = await listen("tcp://127.0.0.1:0");
	const address = listener.address;
	const accepting = listener.accept();
	const [client, server] = await Promise.all([connect(address), accepting]);
	const reading = server.read();
	client.abort();
	await assert.rejects(reading, { code: "ECONNRESET" });
	await server.close();
	listener.close();
	using refusing = refusingTcpPort();
	await assert.rejects(connect(`tcp://127.0.0.1:${refusing.port}`), { code: "ECONNREFUSED" });
	for (const [left, right] of [socketpair(), socketpair("seqpacket")]) {
		left.abort();
		await right.close();
	}
	const [left, right] = socketpair("dgram", { onFull: "drop", queueBytes: 1 });
	while (left.droppedCount === 0) await left.send("x");
	left.abort();
	right.abort();
	const lone = await datagrams("udp://127.0.0.1:0");
	await lone.close();
}

interface Costs {
	readonly published: number;
	readonly contexts: number;
	readonly figures: number;
}

/** What observing costs. */
async function costs(t: TestContext): Promise<Costs> {
	const counts = { published: 0, contexts: 0, figures: 0 };
	const { publish } = Channel.prototype;
	const { stats } = Stream.prototype;
	const hook = createHook({
		init: (_id, type) => {
			if (type.startsWith("Socketry")) counts.contexts++;
		},
	}).enable();
	t.mock.method(Channel.prototype, "publish", function (this: Channel, message: unknown) {
		counts.published++;
		publish.call(this, message);
	});
	t.mock.method(Stream.prototype, "stats", function (this: Stream) {
		counts.figures++;
		return stats.call(this);
	});
	await live();
	hook.disable();
	t.mock.restoreAll();
	return counts;
}

test("while nobody listens no message is made, no context noted and the kernel asked for nothing", async (t) => {
	assert.deepEqual(await costs(t), { published: 0, contexts: 0, figures: 0 });
	// The same is counted when somebody listens, so that the count above means something.
	for (const event of EVENTS) listenTo(t, `socketry:${event}`, () => {});
	const { contexts, figures } = await costs(t);
	assert(contexts > 0 && figures > 0);
});

test("once nobody listens any more, it is as before", async (t) => {
	const note = (): void => {};
	for (const event of EVENTS) channel(`socketry:${event}`).subscribe(note);
	await live();
	for (const event of EVENTS) channel(`socketry:${event}`).unsubscribe(note);
	assert.deepEqual(await costs(t), { published: 0, contexts: 0, figures: 0 });
});

test("closing asks nothing of the kernel that it would not ask otherwise, while nobody listens", async (t) => {
	const [left, right] = socketpair();
	const getsockopt = t.mock.method(sys, "getsockopt");
	left.abort();
	right.abort();
	assert.equal(getsockopt.mock.callCount(), 0);
});

test("a subscriber that throws harms no socket, and is reported as an uncaught exception", async () => {
	const child = new URL("./throwing.child.js", import.meta.url);
	const { code, stdout, stderr } = await runChild(child);
	// listener, client and server are opened and closed, one connected, one accepted, one refused.
	assert.deepEqual([stdout, stderr, code], ["hello 9\n", "", 0]);
});
