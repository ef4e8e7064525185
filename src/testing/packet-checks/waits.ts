/** Checks of a packet channel: one receive at a time, time limits, signals, wrong arguments. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { PacketChannel } from "../../packet/packet-contract.ts";
import { type Check, defineCheck } from "../check.ts";
import { arrived, isPending, rejection, turns } from "../expectations.ts";
import { clogMessages, expectLabels, expectText } from "../message-traffic.ts";

export const waitChecks: readonly Check<PacketChannel>[] = [
	defineCheck(
		"one receive at a time",
		"While a receive is pending another one rejects with BusyError, and the first goes on unharmed.",
		async (left, right) => {
			const receiving = right.receive();
			await rejection(right.receive(), "ERR_BUSY", "a second receive()");
			await rejection(right.receiveInto(new Uint8Array(4)), "ERR_BUSY", "a second receiveInto()");
			await left.send("first");
			assert.equal(Buffer.from((await receiving) ?? []).toString(), "first");
			await left.send("second");
			await expectText(right, "second");
		},
	),
	defineCheck(
		"a receive with no time does not wait",
		"timeoutMs 0 takes a message that is there, and rejects with TimeoutError when none is.",
		async (left, right) => {
			for (let i = 0; i < 3; i++) {
				await rejection(right.receive({ timeoutMs: 0 }), "ERR_TIMEOUT", "receive()");
				await left.send("here");
				const message = await arrived(() => right.receive({ timeoutMs: 0 }));
				assert.equal(Buffer.from(message ?? []).toString(), "here");
			}
		},
	),
	defineCheck(
		"a receive that ended early took nothing",
		"After a TimeoutError or an AbortError every message is still there.",
		async (left, right) => {
			const late = await rejection(right.receive({ timeoutMs: 5 }), "ERR_TIMEOUT", "receive()");
			assert.equal(late.timeoutMs, 5);
			const controller = new AbortController();
			const { signal } = controller;
			const receiving = right.receive({ signal });
			assert.ok(await isPending(receiving));
			controller.abort("enough");
			const error = await rejection(receiving, "ABORT_ERR", "receive()");
			assert.equal(error.cause, "enough");
			await left.send("kept");
			await rejection(right.receive({ signal }), "ABORT_ERR", "receive() with an aborted signal");
			await expectText(right, "kept");
		},
	),
	defineCheck(
		"a send that ended early was not sent",
		"A send that is aborted or runs out of time while it waits is withdrawn, and those around it arrive in order.",
		async (left, right) => {
			const { count, pending } = await clogMessages(left);
			const controller = new AbortController();
			const { signal } = controller;
			const first = left.send("first");
			const aborted = left.send("aborted", { signal });
			const late = left.send("late", { timeoutMs: 5 });
			const second = left.send("second");
			controller.abort();
			await rejection(aborted, "ABORT_ERR", "send()");
			await rejection(late, "ERR_TIMEOUT", "send()");
			await rejection(left.send("now", { timeoutMs: 0 }), "ERR_TIMEOUT", "send()");
			await rejection(left.send("never", { signal }), "ABORT_ERR", "send()");
			await expectLabels(right, 0, count);
			await expectText(right, "first");
			await expectText(right, "second");
			await Promise.all([pending, first, second]);
			assert.equal(left.sentCount, count + 2);
			assert.equal(left.queuedBytes, 0);
		},
	),
	defineCheck(
		"a signal afterwards",
		"A signal that aborts once a call has settled changes nothing, and no listener stays on it.",
		async (left, right) => {
			const controller = new AbortController();
			const { signal } = controller;
			const receiving = right.receive({ signal, timeoutMs: 60_000 });
			await left.send("past", { signal, timeoutMs: 60_000 });
			assert.equal((await receiving)?.length, 4);
			const { count, pending } = await clogMessages(left);
			const sending = left.send("more", { signal });
			await expectLabels(right, 0, count);
			await expectText(right, "more");
			await Promise.all([pending, sending]);
			assert.equal(getEventListeners(signal, "abort").length, 0, "a listener was left behind");
			controller.abort();
			await turns();
			await left.send("fine");
			await expectText(right, "fine");
		},
	),
	defineCheck(
		"wrong arguments",
		"A wrong argument rejects with a TypeError or RangeError that has a code, and does the channel no harm.",
		async (left, right) => {
			for (const wrong of [undefined, null, 5, {}, [1], new ArrayBuffer(4)]) {
				await rejection(left.send(wrong as never), "ERR_INVALID_ARG_TYPE", "send()");
				const into = right.receiveInto(wrong as never);
				await rejection(into, "ERR_INVALID_ARG_TYPE", "receiveInto()");
			}
			for (const timeoutMs of [-1, 1.5, Number.NaN]) {
				await rejection(left.send("x", { timeoutMs }), "ERR_OUT_OF_RANGE", "send()");
				await rejection(right.receive({ timeoutMs }), "ERR_OUT_OF_RANGE", "receive()");
				await rejection(left.close({ timeoutMs }), "ERR_OUT_OF_RANGE", "close()");
			}
			const gone = new Uint8Array(100);
			structuredClone(gone.buffer, { transfer: [gone.buffer] });
			await rejection(left.send(gone), "ERR_INVALID_ARG_VALUE", "send()");
			assert.equal(left.sentCount, 0);
			await left.send("unharmed");
			await expectText(right, "unharmed");
		},
	),
	defineCheck(
		"a buffer detached meanwhile",
		"A message whose buffer is transferred while it waits is never sent as another one.",
		async (left, right) => {
			const { count, pending } = await clogMessages(left);
			const data = new Uint8Array(500);
			const sending = left.send(data);
			structuredClone(data.buffer, { transfer: [data.buffer] });
			await expectLabels(right, 0, count);
			await pending;
			await rejection(sending, "ERR_INVALID_ARG_VALUE", "send()");
			const next = right.receive({ timeoutMs: 20 });
			await rejection(next, ["ERR_TIMEOUT", "ECONNRESET"], "receive()");
		},
	),
];
