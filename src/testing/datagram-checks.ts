/** Checks of a datagram channel. None relies on delivery beyond what two ends in one machine give: few and small datagrams, one at a time. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { DatagramChannel } from "../datagram/datagram-contract.ts";
import { type Check, defineCheck } from "./check.ts";
import { arrived, isPending, rejection, settled } from "./expectations.ts";
import { assertPattern, pattern } from "./traffic.ts";

const WAIT_MS = 25_000;
// A Unix socket holds ten datagrams that nobody has received.
const BURST = 8;
const SIZES = [0, 1, 100, 1_472, 1_473, 9_000, 32_768, 60_000];

/** Every check of the suite of datagram channels, to be made a test each. */
export const datagramChannelChecks: readonly Check<DatagramChannel>[] = [
	defineCheck(
		"datagrams arrive",
		"What is sent at one end is received at the other, in both directions, with its sender.",
		async (left, right) => {
			await left.send("to the right");
			await right.send("to the left");
			await expectText(right, "to the right");
			await expectText(left, "to the left");
			await left.send("again");
			const { from, bytes, truncated } = await settled(right.receive(), WAIT_MS, "receive()");
			assert.ok(Object.isFrozen(from), "the sender's address can be changed");
			assert.deepEqual([bytes, truncated], [5, false]);
		},
	),
	defineCheck(
		"boundaries are kept",
		"A datagram of any size, empty ones among them, arrives whole and alone.",
		async (left, right) => {
			for (const size of SIZES) {
				await left.send(pattern(size, size));
				await left.send("\u20ac");
				const { data, bytes } = await settled(right.receive(), WAIT_MS, "receive()");
				assert.deepEqual([data.length, bytes], [size, size]);
				assertPattern(data, size);
				await expectText(right, "\u20ac");
			}
		},
	),
	defineCheck(
		"datagrams of one tick keep their order",
		"Sends that are not awaited leave in the order of their calls.",
		async (left, right) => {
			for (let round = 0; round < 5; round++) {
				const sends = Array.from({ length: BURST }, (_, i) => left.send(`${round}: ${i}`));
				for (let i = 0; i < BURST; i++) await expectText(right, `${round}: ${i}`);
				await Promise.all(sends);
			}
		},
	),
	defineCheck(
		"counters count",
		"sentCount, receivedCount and queuedBytes say what was handed on, handed out and not yet handed on.",
		async (left, right) => {
			for (let i = 0; i < BURST; i++) await left.send("12345");
			await left.flush();
			assert.deepEqual([left.sentCount, left.queuedBytes, left.droppedCount], [BURST, 0, 0]);
			for (let i = 0; i < BURST; i++) await expectText(right, "12345");
			assert.deepEqual([right.receivedCount, right.truncatedCount], [BURST, 0]);
		},
	),
	defineCheck(
		"memory is one's own",
		"A buffer may be changed once its send has resolved, and what was received stays as it was.",
		async (left, right) => {
			const data = Buffer.alloc(1_000);
			const kept: Uint8Array[] = [];
			for (let i = 0; i < 20; i++) {
				data.set(pattern(i * 1_000, 1_000));
				await left.send(data);
				data.fill(0);
				kept.push((await settled(right.receive(), WAIT_MS, "receive()")).data);
			}
			assertPattern(Buffer.concat(kept), 0);
		},
	),
	defineCheck("trySend", "trySend() sends at once and says so.", async (left, right) => {
		assert.equal(left.trySend("now"), true);
		await expectText(right, "now");
		assert.equal(left.sentCount, 1);
	}),
	defineCheck(
		"one receive at a time",
		"While a receive is pending another one rejects with BusyError, and the first goes on unharmed.",
		async (left, right) => {
			const receiving = right.receive();
			await rejection(right.receive(), "ERR_BUSY", "a second receive()");
			await left.send("first");
			assert.equal(String((await receiving).data), "first");
			await left.send("second");
			await expectText(right, "second");
		},
	),
	defineCheck(
		"a receive that ended early took nothing",
		"After a TimeoutError or an AbortError every datagram is still there; timeoutMs 0 takes what is there.",
		async (left, right) => {
			await rejection(right.receive({ timeoutMs: 0 }), "ERR_TIMEOUT", "receive()");
			const late = await rejection(right.receive({ timeoutMs: 5 }), "ERR_TIMEOUT", "receive()");
			assert.equal(late.timeoutMs, 5);
			const controller = new AbortController();
			const { signal } = controller;
			const receiving = right.receive({ signal });
			assert.ok(await isPending(receiving), "receive() did not wait");
			controller.abort("enough");
			assert.equal((await rejection(receiving, "ABORT_ERR", "receive()")).cause, "enough");
			await left.send("kept");
			await left.flush();
			await rejection(right.receive({ signal }), "ABORT_ERR", "receive() with an aborted signal");
			const { data } = await arrived(() => right.receive({ timeoutMs: 0 }));
			assert.equal(String(data), "kept");
		},
	),
	defineCheck(
		"a signal before and afterwards",
		"With an aborted signal nothing is sent; one that aborts later changes nothing, and no listener stays on it.",
		async (left, right) => {
			const gone = AbortSignal.abort();
			await rejection(left.send("never", undefined, { signal: gone }), "ABORT_ERR", "send()");
			await rejection(left.flush({ signal: gone }), "ABORT_ERR", "flush()");
			const controller = new AbortController();
			const { signal } = controller;
			const receiving = right.receive({ signal, timeoutMs: 60_000 });
			await left.send("past", undefined, { signal });
			await left.flush({ signal });
			assert.equal(String((await receiving).data), "past");
			assert.equal(getEventListeners(signal, "abort").length, 0, "a listener was left behind");
			controller.abort();
			await left.send("fine");
			await expectText(right, "fine");
			assert.equal(left.sentCount, 2);
		},
	),
	defineCheck(
		"iteration",
		"for await yields datagram after datagram; leaving the loop leaves the socket open, close() ends the loop.",
		async (left, right) => {
			for (let i = 0; i < BURST; i++) await left.send(String(i));
			let next = 0;
			for await (const { data } of right) {
				assert.equal(String(data), String(next));
				if (++next === BURST) break;
			}
			await left.send("still open");
			await expectText(right, "still open");
			const iterator = right[Symbol.asyncIterator]();
			const last = iterator.next();
			assert.ok(await isPending(last), "the loop did not wait");
			await right.close();
			assert.equal((await last).done, true);
		},
	),
	defineCheck(
		"close lets queued datagrams go",
		"Everything sent before close() leaves; a second close() returns the same promise.",
		async (left, right) => {
			for (let i = 0; i < BURST; i++) void left.send(String(i));
			const closing = left.close();
			assert.equal(left.close(), closing);
			await closing;
			assert.equal(left.sentCount, BURST);
			for (let i = 0; i < BURST; i++) await expectText(right, String(i));
			await left[Symbol.asyncDispose]();
		},
	),
	defineCheck(
		"everything rejects after close",
		"After close() or abort() every call rejects with ClosedError, and so does what was pending.",
		async (left, right) => {
			for (const [end, stop] of [
				[left, () => left.close()],
				[right, async () => right.abort()],
			] as const) {
				const receiving = end.receive();
				const stopping = stop();
				await rejection(receiving, "ERR_CLOSED", "the pending receive");
				await stopping;
				for (let i = 0; i < 2; i++) {
					await rejection(end.receive(), "ERR_CLOSED", "receive()");
					await rejection(end.send("x"), "ERR_CLOSED", "send()");
					await rejection(end.flush(), "ERR_CLOSED", "flush()");
					assert.throws(() => end.trySend("x"), { code: "ERR_CLOSED" });
				}
				end.abort();
				await end.close();
			}
		},
	),
	defineCheck(
		"wrong arguments",
		"A wrong argument rejects with an error that has a code, and does the socket no harm.",
		async (left, right) => {
			for (const wrong of [undefined, null, 5, {}, [1], new ArrayBuffer(4)]) {
				await rejection(left.send(wrong as never), "ERR_INVALID_ARG_TYPE", "send()");
				assert.throws(() => left.trySend(wrong as never), { code: "ERR_INVALID_ARG_TYPE" });
			}
			for (const timeoutMs of [-1, 1.5, Number.NaN]) {
				await rejection(right.receive({ timeoutMs }), "ERR_OUT_OF_RANGE", "receive()");
				await rejection(left.close({ timeoutMs }), "ERR_OUT_OF_RANGE", "close()");
				assert.throws(() => left.trySend("x", undefined, { timeoutMs }), {
					code: "ERR_OUT_OF_RANGE",
				});
			}
			await rejection(left.send("x", "no address at all"), "ERR_INVALID_ADDRESS", "send()");
			const gone = new Uint8Array(100);
			structuredClone(gone.buffer, { transfer: [gone.buffer] });
			await rejection(left.send(gone), "ERR_INVALID_ARG_VALUE", "send()");
			assert.equal(left.sentCount, 0);
			await left.send("unharmed");
			await expectText(right, "unharmed");
		},
	),
];

async function expectText(channel: DatagramChannel, text: string): Promise<void> {
	const { data } = await settled(channel.receive(), WAIT_MS, "receive()");
	assert.equal(Buffer.from(data).toString(), text);
}
