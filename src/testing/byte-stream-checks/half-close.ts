/** Checks of a byte stream: each direction ends by itself. */
import assert from "node:assert/strict";
import type { ByteStream } from "../../stream/contract.ts";
import { type Check, defineCheck } from "../check.ts";
import { isPending, rejection } from "../expectations.ts";
import {
	clog,
	expectEnd,
	expectPattern,
	expectPatternToEnd,
	pattern,
	readText,
} from "../traffic.ts";

const REPLY_BYTES = 1_000_000;

export const halfCloseChecks: readonly Check<ByteStream>[] = [
	defineCheck(
		"a reply after the end of the question",
		"closeWrite() ends writing only: the peer reads the end, and its whole reply still arrives.",
		async (left, right) => {
			await left.write("question");
			await left.closeWrite();
			assert.equal(await readText(right, 8), "question");
			await expectEnd(right);
			const [bytes] = await Promise.all([
				expectPatternToEnd(left),
				right.write(pattern(0, REPLY_BYTES)).then(() => right.close()),
			]);
			assert.equal(bytes, REPLY_BYTES);
		},
	),
	defineCheck(
		"a question after the end of the reply",
		"The end of the peer's bytes does not end ours, in whichever order the two directions end.",
		async (left, right) => {
			await right.closeWrite();
			await expectEnd(left);
			const [bytes] = await Promise.all([
				expectPatternToEnd(right),
				left.write(pattern(0, REPLY_BYTES)).then(() => left.closeWrite()),
			]);
			assert.equal(bytes, REPLY_BYTES);
			await Promise.all([left.close(), right.close()]);
		},
	),
	defineCheck(
		"both directions end at once",
		"Both ends can closeWrite() at the same time, and each reads what the other wrote before.",
		async (left, right) => {
			await Promise.all([left.write("from the left"), right.write("from the right")]);
			await Promise.all([left.closeWrite(), right.closeWrite()]);
			assert.equal(await readText(right, 13), "from the left");
			assert.equal(await readText(left, 14), "from the right");
			await Promise.all([expectEnd(left), expectEnd(right)]);
		},
	),
	defineCheck(
		"a reader learns of the end",
		"A read that waits resolves to null when the peer ends.",
		async (left, right) => {
			const reading = right.read();
			assert.ok(await isPending(reading));
			await left.closeWrite();
			assert.equal(await reading, null);
		},
	),
	defineCheck(
		"closeWrite lets queued bytes go",
		"closeWrite() waits for what is queued; all of it arrives, and the end after it.",
		async (left, right) => {
			const { bytes, pending } = await clog(left);
			const ending = left.closeWrite();
			assert.ok(await isPending(ending), "closeWrite() did not wait");
			assert.equal(await expectPatternToEnd(right), bytes);
			await Promise.all([pending, ending]);
			await right.write("and back");
			assert.equal(await readText(left, 8), "and back");
		},
	),
	defineCheck(
		"no write after closeWrite",
		"After closeWrite() a write rejects with ClosedError and moves nothing; closeWrite() again is fine.",
		async (left, right) => {
			await left.write(pattern(0, 10));
			const ending = left.closeWrite();
			await rejection(left.write("late"), "ERR_CLOSED", "write() after closeWrite()");
			await rejection(left.flush(), "ERR_CLOSED", "flush() after closeWrite()");
			await Promise.all([ending, left.closeWrite()]);
			assert.equal(await expectPatternToEnd(right), 10);
			assert.equal(left.bytesWritten, 10);
		},
	),
	defineCheck(
		"a closeWrite that timed out can be repeated",
		"When closeWrite() ends early the stream is as before: it can be written to, and ended later.",
		async (left, right) => {
			const { bytes, pending } = await clog(left);
			await rejection(left.closeWrite({ timeoutMs: 0 }), "ERR_TIMEOUT", "closeWrite()");
			await rejection(left.closeWrite({ timeoutMs: 5 }), "ERR_TIMEOUT", "closeWrite()");
			const controller = new AbortController();
			const ending = left.closeWrite({ signal: controller.signal });
			controller.abort();
			await rejection(ending, "ABORT_ERR", "closeWrite()");
			const more = left.write(pattern(bytes, 100_000));
			await expectPattern(right, 0, bytes + 100_000);
			await Promise.all([pending, more]);
			await left.closeWrite();
			await expectEnd(right);
		},
	),
];
