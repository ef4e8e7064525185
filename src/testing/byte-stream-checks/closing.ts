/** Checks of a byte stream: close, abort, and what a lost peer looks like. */
import assert from "node:assert/strict";
import type { ByteStream } from "../../stream/contract.ts";
import { type Check, defineCheck } from "../check.ts";
import { type CodedError, isPending, rejection } from "../expectations.ts";
import { expectEnd, expectPattern, expectPatternToEnd, pattern, readText } from "../traffic.ts";

const REPLY_BYTES = 200_000;

export const closingChecks: readonly Check<ByteStream>[] = [
	defineCheck(
		"the peer reads what came before close",
		"Everything written before close() arrives, and then the end.",
		async (left, right) => {
			await left.write(pattern(0, 1_000));
			void left.write(pattern(1_000, 20_000));
			await left.close();
			assert.equal(await expectPatternToEnd(right), 21_000);
			await expectEnd(right);
		},
	),
	defineCheck(
		"unread bytes cost no reply",
		"close() with bytes unread does not take away what was written before it.",
		async (left, right) => {
			await right.write(pattern(0, 20_000));
			await left.write("the reply");
			await left.close();
			assert.equal(await readText(right, 9), "the reply");
		},
	),
	defineCheck(
		"a peer that goes on sending gets the reply",
		"What the peer sends before, during and after close() does not take away what was written before it.",
		async (left, right) => {
			const early = right.write(pattern(0, 20_000));
			const reply = left.write(pattern(0, REPLY_BYTES));
			const closing = left.close();
			const late = right.write("late");
			await expectPattern(right, 0, REPLY_BYTES);
			await Promise.all([reply, closing]);
			await Promise.allSettled([early, late]);
		},
	),
	defineCheck(
		"close while a read is pending",
		"close() settles a pending read with ClosedError, whichever read it is.",
		async (left, right) => {
			const reading = left.readUntil("\n");
			await right.write("half a line");
			assert.ok(await isPending(reading));
			const closing = left.close();
			await rejection(reading, "ERR_CLOSED", "the pending readUntil()");
			await closing;
			const other = right.readExactly(5);
			right.abort();
			await rejection(other, ["ERR_CLOSED", "ERR_END_OF_STREAM"], "the pending readExactly()");
		},
	),
	defineCheck(
		"everything rejects after close",
		"After close() every call rejects with ClosedError, at once and for ever.",
		async (left, right) => {
			await right.write("unread");
			await left.close();
			for (let i = 0; i < 2; i++) {
				await rejection(left.read(), "ERR_CLOSED", "read()");
				await rejection(left.readInto(new Uint8Array(5)), "ERR_CLOSED", "readInto()");
				await rejection(left.readExactly(5), "ERR_CLOSED", "readExactly()");
				await rejection(left.readUntil("\n"), "ERR_CLOSED", "readUntil()");
				await rejection(left.write("x"), "ERR_CLOSED", "write()");
				await rejection(left.write(pattern(0, 50_000)), "ERR_CLOSED", "a large write()");
				await rejection(left.flush(), "ERR_CLOSED", "flush()");
				await rejection(left.closeWrite(), "ERR_CLOSED", "closeWrite()");
			}
			assert.equal(left.bytesWritten, 0);
		},
	),
	defineCheck(
		"leftovers end with close",
		"Bytes that an earlier read gave back cannot be read after close() either.",
		async (left, right) => {
			await right.write("no delimiter");
			await rejection(left.readUntil("\n", { maxBytes: 5 }), "ERR_LIMIT", "readUntil()");
			await left.close();
			await rejection(left.read(), "ERR_CLOSED", "read()");
			await rejection(left.readInto(new Uint8Array(5)), "ERR_CLOSED", "readInto()");
		},
	),
	defineCheck(
		"close and abort are harmless twice",
		"A second close() returns the same promise; close() after abort() and abort() after close() do nothing.",
		async (left, right) => {
			const closing = left.close();
			assert.equal(left.close(), closing);
			await closing;
			assert.equal(left.close(), closing);
			left.abort();
			right.abort();
			right.abort();
			await right.close();
		},
	),
	defineCheck(
		"await using closes",
		"Symbol.asyncDispose closes as close() does.",
		async (left, right) => {
			await left.write("bye");
			await left[Symbol.asyncDispose]();
			await rejection(left.write("x"), "ERR_CLOSED", "write()");
			assert.equal(await readText(right, 3), "bye");
			await expectEnd(right);
			await right[Symbol.asyncDispose]();
			await right[Symbol.asyncDispose]();
		},
	),
	defineCheck(
		"the peer learns of an abort",
		"After abort() the peer's reads come to an end or an error, and its writes to an error.",
		async (left, right) => {
			const reading = right.read();
			left.abort();
			await endOrError(reading);
			await failingWrite(right);
		},
	),
	defineCheck(
		"errors stay the same",
		"A direction that has failed keeps failing with the same code.",
		async (left, right) => {
			left.abort();
			const code = await failingWrite(right);
			for (let i = 0; i < 3; i++) {
				await rejection(right.write("x"), code, "write() after a failed one");
				await rejection(right.flush(), code, "flush() after a failed write");
			}
			const first = await endOrError(right.read());
			for (let i = 0; i < 3; i++) assert.equal(await endOrError(right.read()), first);
			await right.close();
			await rejection(right.write("x"), "ERR_CLOSED", "write() after close()");
		},
	),
];

/** The end as "end", or the code of the error. */
async function endOrError(reading: Promise<Uint8Array | null>): Promise<string> {
	try {
		const chunk = await reading;
		assert.equal(chunk, null, `${chunk?.length} bytes came from an aborted peer`);
		return "end";
	} catch (error) {
		const { code = String(error) } = error as CodedError;
		assert.ok(code === "ECONNRESET" || code === "EPIPE", `the read rejected with ${code}`);
		return code;
	}
}

async function failingWrite(end: ByteStream): Promise<string> {
	for (let i = 0; i < 1_000; i++) {
		try {
			await end.write(pattern(0, 1_000));
			await end.flush();
		} catch (error) {
			const { code = String(error) } = error as CodedError;
			assert.ok(code === "ECONNRESET" || code === "EPIPE", `the write rejected with ${code}`);
			return code;
		}
	}
	assert.fail("1,000 writes to an aborted peer succeeded");
}
