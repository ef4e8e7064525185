/** Checks of a byte stream: time limits. */
import assert from "node:assert/strict";
import type { ByteStream } from "../../stream/contract.ts";
import { type Check, defineCheck } from "../check.ts";
import { arrived, delay, isPending, rejection, turns } from "../expectations.ts";
import { clog, expectPattern, pattern, readText } from "../traffic.ts";
import { movedBytes } from "./moved-bytes.ts";

const LONG_MS = 60_000;
const LATE_WRITES = [
	[100_000, 5],
	[100, 5],
	[100_000, 0],
	[100, 0],
	[70_000, 0],
] as const;

export const deadlineChecks: readonly Check<ByteStream>[] = [
	defineCheck(
		"a read with no time does not wait",
		"timeoutMs 0 takes what is there, and rejects with TimeoutError when nothing is.",
		async (left, right) => {
			for (const read of [
				() => right.read({ timeoutMs: 0 }),
				() => right.readInto(new Uint8Array(4), { timeoutMs: 0 }),
				() => right.readExactly(4, { timeoutMs: 0 }),
				() => right.readUntil("\n", { timeoutMs: 0 }),
			]) {
				const error = await rejection(read(), "ERR_TIMEOUT", "a read without time");
				assert.equal(error.timeoutMs, 0);
			}
			await left.write("here\n");
			await left.flush();
			await rejection(right.readExactly(6, { timeoutMs: 0 }), "ERR_TIMEOUT", "readExactly()");
			const line = await arrived(() => right.readExactly(5, { timeoutMs: 0 }));
			assert.equal(Buffer.from(line).toString(), "here\n");
			await left.write("more");
			const rest = await arrived(() => right.read({ timeoutMs: 0 }));
			assert.ok(rest !== null && rest.length > 0, "nothing was there");
			if (rest.length < 4) await readText(right, 4 - rest.length);
		},
	),
	defineCheck(
		"a read that ran out of time took nothing",
		"After a TimeoutError every byte is still there, also those that had come for the read.",
		async (left, right) => {
			const error = await rejection(right.read({ timeoutMs: 5 }), "ERR_TIMEOUT", "read()");
			assert.equal(error.timeoutMs, 5);
			await rejection(
				right.readInto(new Uint8Array(9), { timeoutMs: 1 }),
				"ERR_TIMEOUT",
				"readInto()",
			);
			await left.write("half");
			await rejection(right.readExactly(8, { timeoutMs: 5 }), "ERR_TIMEOUT", "readExactly()");
			await rejection(right.readUntil("\n", { timeoutMs: 5 }), "ERR_TIMEOUT", "readUntil()");
			await left.write(" and half");
			assert.equal(await readText(right, 13), "half and half");
		},
	),
	defineCheck(
		"a deadline that is not reached changes nothing",
		"A read or write with time to spare does as one without, and leaves no timer behind.",
		async (left, right) => {
			await turns(1);
			const before = timers();
			const reading = right.readExactly(12, { timeoutMs: LONG_MS });
			await left.write("in ", { timeoutMs: LONG_MS });
			await left.write("good time", { timeoutMs: LONG_MS });
			await left.flush({ timeoutMs: LONG_MS });
			assert.equal(Buffer.from(await reading).toString(), "in good time");
			const { bytes, pending } = await clog(left);
			const writing = left.write(pattern(bytes, 100_000), { timeoutMs: LONG_MS });
			await expectPattern(right, 0, bytes + 100_000);
			await Promise.all([pending, writing]);
			await left.closeWrite({ timeoutMs: LONG_MS });
			assert.equal(await right.read({ timeoutMs: LONG_MS }), null);
			assert.ok(timers() <= before, "a timer was left behind");
		},
	),
	defineCheck(
		"a deadline is for the whole read",
		"A peer that sends a byte now and then cannot stretch the time of one read.",
		async (left, right) => {
			for (const start of [
				() => right.readExactly(100_000, { timeoutMs: 60 }),
				() => right.readUntil("\n", { timeoutMs: 60 }),
			]) {
				let ended = false;
				const reading = start();
				void reading
					.catch(() => undefined)
					.then(() => {
						ended = true;
					});
				// 20 ms apart, so that a limit for each part would never be reached.
				for (let parts = 0; !ended && parts < 50; parts++) {
					await left.write("x");
					await delay(20);
				}
				assert.ok(ended, "the read went on for a second and more");
				await rejection(reading, "ERR_TIMEOUT", "the read");
			}
			assert.equal((await right.readExactly(left.bytesWritten)).length, left.bytesWritten);
		},
	),
	defineCheck(
		"a write that ran out of time moved none or all",
		"After a TimeoutError the peer reads either no byte of that write or all of them, as bytesMoved says.",
		async (left, right) => {
			const { bytes, pending } = await clog(left);
			let total = bytes;
			for (const [size, timeoutMs] of LATE_WRITES) {
				const writing = left.write(pattern(total, size), { timeoutMs });
				total += await movedBytes(writing, size, "ERR_TIMEOUT");
			}
			assert.equal(left.bytesWritten, total, "bytesWritten counts what will not be sent");
			await expectPattern(right, 0, total);
			await pending;
			await left.write("then");
			assert.equal(await readText(right, 4), "then");
		},
	),
	defineCheck(
		"a flush that ran out of time",
		"After a TimeoutError of flush() everything queued still arrives.",
		async (left, right) => {
			const { bytes, pending } = await clog(left);
			await rejection(left.flush({ timeoutMs: 0 }), "ERR_TIMEOUT", "flush()");
			await rejection(left.flush({ timeoutMs: 5 }), "ERR_TIMEOUT", "flush()");
			assert.ok(await isPending(pending));
			await Promise.all([expectPattern(right, 0, bytes), pending, left.flush()]);
		},
	),
];

function timers(): number {
	return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}
