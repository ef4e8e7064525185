/** Checks of a packet channel: messages arrive whole. */
import assert from "node:assert/strict";
import type { PacketChannel } from "../../packet/packet-contract.ts";
import { type Check, defineCheck } from "../check.ts";
import { isPending, rejection } from "../expectations.ts";
import { clogMessages, expectLabels, expectNoMore, expectText, label } from "../message-traffic.ts";
import { assertPattern, pattern } from "../traffic.ts";

const ROUNDS = 100;
const SIZES = [1, 2, 63, 1_000, 4_096, 16_384, 65_535, 65_536, 100_000];

export const messageChecks: readonly Check<PacketChannel>[] = [
	defineCheck(
		"messages arrive",
		"What is sent at one end is received at the other, in both directions, one message for each send.",
		async (left, right) => {
			await left.send("one");
			await left.send("two");
			await right.send("three");
			await expectText(right, "one");
			await expectText(right, "two");
			await expectText(left, "three");
			assert.deepEqual([left.sentCount, right.receivedCount], [2, 2]);
			assert.deepEqual([right.sentCount, left.receivedCount], [1, 1]);
		},
	),
	defineCheck(
		"ping-pong",
		"A question and its answer go to and fro without anything else to push them.",
		async (left, right) => {
			for (let i = 0; i < ROUNDS; i++) {
				const asking = right.receive();
				await left.send(label(i));
				assert.equal(Buffer.from((await asking) ?? []).toString(), label(i));
				await right.send(label(i));
				await expectText(left, label(i));
			}
		},
	),
	defineCheck(
		"boundaries are kept",
		"A message of any size arrives whole and alone, and a string as its UTF-8 bytes.",
		async (left, right) => {
			for (const size of SIZES) {
				const sends = [left.send(pattern(size, size)), left.send("\u20ac")];
				const message = (await right.receive()) ?? new Uint8Array(0);
				assert.equal(message.length, size);
				assertPattern(message, size);
				await expectText(right, "\u20ac");
				await Promise.all(sends);
			}
		},
	),
	defineCheck(
		"an empty message is a message",
		"An empty message arrives as one, wherever it stands, and is never taken for the end.",
		async (left, right) => {
			const waiting = right.receive();
			assert.ok(await isPending(waiting), "receive() did not wait");
			await left.send("");
			assert.equal((await waiting)?.length, 0);
			const texts = ["", "a", "", "", "b", ""];
			for (const text of texts) await left.send(text);
			await left.closeWrite();
			for (const text of texts) await expectText(right, text);
			await expectNoMore(right);
			assert.equal(await right.receiveInto(new Uint8Array(4)), null);
			assert.equal(right.receivedCount, 7);
		},
	),
	defineCheck(
		"sends keep their order",
		"Sends that are not awaited arrive in the order of their calls, also when the channel is full.",
		async (left, right) => {
			const { count, pending } = await clogMessages(left);
			const sends = [pending];
			for (let i = count; i < count + 100; i++) sends.push(left.send(label(i)));
			assert.ok(left.queuedBytes > 0);
			await Promise.all([...sends, expectLabels(right, 0, count + 100)]);
			assert.equal(left.queuedBytes, 0);
			assert.equal(left.sentCount, count + 100);
		},
	),
	defineCheck(
		"receiveInto fills the caller's memory",
		"receiveInto puts a message at the start of its target, and says how long a message that did not fit was.",
		async (left, right) => {
			const target = new Uint8Array(4);
			for (const text of ["abc", "", "abcdef", "wxyz"]) await left.send(text);
			assert.equal(await right.receiveInto(target), 3);
			assert.equal(Buffer.from(target).toString("latin1"), "abc\0");
			assert.equal(await right.receiveInto(target), 0);
			const error = await rejection(right.receiveInto(target), "ERR_TRUNCATED", "receiveInto()");
			assert.deepEqual([error.actual, error.allowed], [6, 4]);
			assert.equal(await right.receiveInto(target), 4);
			assert.equal(Buffer.from(target).toString(), "wxyz");
		},
	),
	defineCheck(
		"a message is the receiver's own",
		"What was received is not changed by later messages, nor by what the sender does with its buffer.",
		async (left, right) => {
			const data = Buffer.alloc(1_000);
			const kept: Uint8Array[] = [];
			for (let i = 0; i < 20; i++) {
				data.set(pattern(i * 1_000, 1_000));
				await left.send(data);
				data.fill(0);
				kept.push((await right.receive()) ?? new Uint8Array(0));
			}
			assertPattern(Buffer.concat(kept), 0);
		},
	),
	defineCheck(
		"a message that is too large",
		"A message larger than the channel takes rejects with EMSGSIZE and does no harm: those around it arrive.",
		async (left, right) => {
			await left.send("before");
			await rejection(left.send(Buffer.alloc(16_777_216)), "EMSGSIZE", "send()");
			await left.send("after");
			await expectText(right, "before");
			await expectText(right, "after");
			assert.equal(left.sentCount, 2);
		},
	),
	defineCheck(
		"iteration",
		"for await yields every message until the end; leaving the loop leaves the channel open.",
		async (left, right) => {
			for (let i = 0; i < 8; i++) await left.send(label(i));
			let next = 0;
			for await (const message of right) {
				assert.equal(Buffer.from(message).toString(), label(next));
				if (++next === 5) break;
			}
			await left.closeWrite();
			for await (const message of right) {
				assert.equal(Buffer.from(message).toString(), label(next++));
			}
			assert.equal(next, 8);
			await right.send("still open");
			await expectText(left, "still open");
		},
	),
];
