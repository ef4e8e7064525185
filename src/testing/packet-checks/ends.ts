/** Checks of a packet channel: each direction ends by itself; close and abort. */
import assert from "node:assert/strict";
import type { PacketChannel } from "../../packet/packet-contract.ts";
import { type Check, defineCheck } from "../check.ts";
import { type CodedError, isPending, rejection } from "../expectations.ts";
import { clogMessages, expectLabels, expectNoMore, expectText } from "../message-traffic.ts";

export const endChecks: readonly Check<PacketChannel>[] = [
	defineCheck(
		"a reply after the end of the question",
		"closeWrite() ends sending only: the peer receives the end, and its replies still arrive.",
		async (left, right) => {
			await left.send("question");
			await left.closeWrite();
			await expectText(right, "question");
			await expectNoMore(right);
			for (let i = 0; i < 8; i++) await right.send(`reply ${i}`);
			await right.close();
			for (let i = 0; i < 8; i++) await expectText(left, `reply ${i}`);
			await expectNoMore(left);
		},
	),
	defineCheck(
		"the end stays the end",
		"A receive that waits resolves to null at the peer's end, and so does every one after it.",
		async (left, right) => {
			const waiting = right.receive();
			assert.ok(await isPending(waiting));
			await left.closeWrite();
			assert.equal(await waiting, null);
			for (let i = 0; i < 3; i++) await expectNoMore(right);
		},
	),
	defineCheck(
		"no send after closeWrite",
		"After closeWrite() a send rejects with ClosedError and sends nothing; closeWrite() again is fine.",
		async (left, right) => {
			await left.send("last");
			const ending = left.closeWrite();
			await rejection(left.send("late"), "ERR_CLOSED", "send() after closeWrite()");
			await Promise.all([ending, left.closeWrite()]);
			await expectText(right, "last");
			await expectNoMore(right);
		},
	),
	defineCheck(
		"closeWrite lets queued messages go",
		"closeWrite() waits for what is queued; after a timeout sending can go on, and end later.",
		async (left, right) => {
			const { count, pending } = await clogMessages(left);
			await rejection(left.closeWrite({ timeoutMs: 5 }), "ERR_TIMEOUT", "closeWrite()");
			const more = left.send("more");
			const ending = left.closeWrite();
			assert.ok(await isPending(ending), "closeWrite() did not wait");
			await expectLabels(right, 0, count);
			await expectText(right, "more");
			await expectNoMore(right);
			await Promise.all([pending, more, ending]);
		},
	),
	defineCheck(
		"close lets queued messages go",
		"close() waits for what is queued: all of it arrives, and the end after it.",
		async (left, right) => {
			const { count, pending } = await clogMessages(left);
			const closing = left.close();
			assert.ok(await isPending(closing), "close() did not wait");
			await expectLabels(right, 0, count);
			await expectNoMore(right);
			await Promise.all([closing, pending]);
		},
	),
	defineCheck(
		"close gives up in time",
		"When the peer does not receive, close() rejects after its timeoutMs and every pending call has settled.",
		async (left) => {
			const { pending } = await clogMessages(left);
			const receiving = left.receive();
			const closing = left.close({ timeoutMs: 10 });
			await rejection(receiving, "ERR_CLOSED", "the pending receive");
			await rejection(closing, "ERR_TIMEOUT", "close()");
			await rejection(pending, "ERR_CLOSED", "the pending send");
			assert.equal(left.queuedBytes, 0);
		},
	),
	defineCheck(
		"unread messages cost no reply",
		"close() with messages unread does not take away what was sent before it.",
		async (left, right) => {
			for (let i = 0; i < 5; i++) await right.send("never received");
			await left.send("the reply");
			await left.close();
			await expectText(right, "the reply");
			await expectNoMore(right);
		},
	),
	defineCheck(
		"everything rejects after close",
		"After close() every call rejects with ClosedError, at once and for ever; a second close() returns the same promise.",
		async (left, right) => {
			await right.send("unread");
			const closing = left.close();
			assert.equal(left.close(), closing);
			await closing;
			for (let i = 0; i < 2; i++) {
				await rejection(left.receive(), "ERR_CLOSED", "receive()");
				await rejection(left.receiveInto(new Uint8Array(5)), "ERR_CLOSED", "receiveInto()");
				await rejection(left.send("x"), "ERR_CLOSED", "send()");
				await rejection(left.closeWrite(), "ERR_CLOSED", "closeWrite()");
			}
			left.abort();
			await right[Symbol.asyncDispose]();
		},
	),
	defineCheck(
		"abort settles everything",
		"abort() settles pending calls at once with ClosedError; the peer's calls come to an end or an error.",
		async (left, right) => {
			const { pending } = await clogMessages(left);
			const receiving = left.receive();
			left.abort();
			left.abort();
			await rejection(pending, "ERR_CLOSED", "the pending send");
			await rejection(receiving, "ERR_CLOSED", "the pending receive");
			assert.equal(left.queuedBytes, 0);
			await drainToEnd(right);
			const code = await failingSend(right);
			await rejection(right.send("x"), code, "send() after a failed one");
			await left.close();
		},
	),
];

async function drainToEnd(channel: PacketChannel): Promise<void> {
	try {
		while ((await channel.receive()) !== null);
	} catch (error) {
		assert.equal((error as CodedError).code, "ECONNRESET");
	}
}

async function failingSend(channel: PacketChannel): Promise<string> {
	for (let i = 0; i < 1_000; i++) {
		try {
			await channel.send("x");
		} catch (error) {
			const { code = String(error) } = error as CodedError;
			assert.ok(code === "ECONNRESET" || code === "EPIPE", `send() rejected with ${code}`);
			return code;
		}
	}
	assert.fail("1,000 sends to an aborted peer succeeded");
}
