/** Checks of a byte stream: a writer that is faster than its reader. */
import assert from "node:assert/strict";
import type { ByteStream } from "../../stream/contract.ts";
import { type Check, defineCheck } from "../check.ts";
import { isPending, rejection } from "../expectations.ts";
import { clog, expectPattern, expectPatternToEnd, pattern } from "../traffic.ts";

export const backPressureChecks: readonly Check<ByteStream>[] = [
	defineCheck(
		"a write does not wait for the reader",
		"While there is room a write resolves although nobody reads.",
		async (left, right) => {
			for (let i = 0; i < 100; i++) await left.write(pattern(i * 10, 10));
			await left.flush();
			assert.equal(left.queuedBytes, 0);
			await expectPattern(right, 0, 1_000);
		},
	),
	defineCheck(
		"a full stream asks to wait",
		"Without a reader there comes a write that waits, and it resolves once the peer has read.",
		async (left, right) => {
			const { bytes, pending } = await clog(left);
			assert.ok(left.queuedBytes > 0, "a write waits, but queuedBytes is 0");
			assert.ok(left.queuedBytes <= bytes);
			assert.equal(left.bytesWritten, bytes);
			const flushing = left.flush();
			assert.ok(await isPending(flushing), "flush() did not wait");
			await expectPattern(right, 0, bytes);
			await pending;
			await flushing;
			assert.equal(left.queuedBytes, 0);
		},
	),
	defineCheck(
		"small writes ask to wait, too",
		"A loop that awaits small writes to a full stream is held up within 1 MiB.",
		async (left, right) => {
			const { bytes, pending } = await clog(left);
			let position = bytes;
			let writing = pending;
			let held = false;
			for (let i = 0; i < 1_024 && !held; i++) {
				writing = left.write(pattern(position, 1_024));
				position += 1_024;
				held = i % 64 === 63 && (await isPending(writing));
			}
			assert.ok(held || (await isPending(writing)), "1 MiB was queued without a wait");
			await Promise.all([pending, writing, expectPattern(right, 0, position)]);
		},
	),
	defineCheck(
		"a full direction leaves the other free",
		"While one direction is full, the other carries.",
		async (left, right) => {
			const { bytes, pending } = await clog(left);
			for (let i = 0; i < 20; i++) {
				await right.write(pattern(i * 10_000, 10_000));
				await expectPattern(left, i * 10_000, 10_000);
			}
			await Promise.all([pending, expectPattern(right, 0, bytes)]);
		},
	),
	defineCheck(
		"close waits for what is queued",
		"close() lets queued bytes go: all of them arrive, and the end after them.",
		async (left, right) => {
			const { bytes, pending } = await clog(left);
			const closing = left.close();
			assert.ok(await isPending(closing), "close() did not wait for queued bytes");
			assert.equal(await expectPatternToEnd(right), bytes);
			await Promise.all([closing, pending]);
		},
	),
	defineCheck(
		"close gives up in time",
		"When the peer does not read, close() rejects after its timeoutMs and every pending call has settled.",
		async (left, right) => {
			const { pending } = await clog(left);
			const reading = left.read();
			const closing = left.close({ timeoutMs: 10 });
			await rejection(reading, "ERR_CLOSED", "the pending read");
			const error = await rejection(closing, "ERR_TIMEOUT", "close()");
			assert.equal(error.timeoutMs, 10);
			await rejection(pending, ["ERR_CLOSED", "ERR_TIMEOUT"], "the pending write");
			await rejection(left.write("x"), "ERR_CLOSED", "write() after close()");
			assert.equal(left.queuedBytes, 0);
			right.abort();
		},
	),
	defineCheck(
		"abort drops what is queued",
		"abort() settles a pending read, write, flush and close at once with ClosedError, and never throws.",
		async (left, right) => {
			const { pending } = await clog(left);
			const flushing = left.flush();
			const reading = left.read();
			left.abort();
			left.abort();
			await rejection(pending, "ERR_CLOSED", "the pending write");
			await rejection(flushing, "ERR_CLOSED", "the pending flush");
			await rejection(reading, "ERR_CLOSED", "the pending read");
			assert.equal(left.queuedBytes, 0);
			await left.close();
			const other = await clog(right).catch((error: { code?: string }) => error.code);
			assert.ok(
				other === "EPIPE" || other === "ECONNRESET",
				"the peer of an aborted stream can still write",
			);
		},
	),
	defineCheck(
		"abort ends a close that waits",
		"abort() while close() waits for queued bytes settles it.",
		async (left, right) => {
			const { pending } = await clog(left);
			const closing = left.close();
			left.abort();
			await rejection(closing, "ERR_CLOSED", "the pending close");
			await rejection(pending, "ERR_CLOSED", "the pending write");
			right.abort();
		},
	),
];
