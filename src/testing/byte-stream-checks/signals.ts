/** Checks of a byte stream: AbortSignal. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { WaitOptions } from "../../socket/wait.ts";
import type { ByteStream } from "../../stream/contract.ts";
import { type Check, defineCheck } from "../check.ts";
import { isPending, rejection, turns } from "../expectations.ts";
import { clog, expectPattern, pattern, readText } from "../traffic.ts";
import { movedBytes } from "./moved-bytes.ts";

const READS: readonly [
	name: string,
	read: (end: ByteStream, options: WaitOptions) => Promise<unknown>,
][] = [
	["read()", (end, options) => end.read(options)],
	["readInto()", (end, options) => end.readInto(new Uint8Array(4), options)],
	["readExactly()", (end, options) => end.readExactly(4, options)],
	["readUntil()", (end, options) => end.readUntil("\n", options)],
];

export const signalChecks: readonly Check<ByteStream>[] = [
	defineCheck(
		"a signal aborted before",
		"With a signal that is aborted already every call rejects with AbortError and does nothing, although it could.",
		async (left, right) => {
			const signal = AbortSignal.abort("long ago");
			await left.write("1234\n");
			// Once bytes have come in, and once an earlier read has given them back.
			for (let i = 0; i < 2; i++) {
				for (const [name, read] of READS) {
					const error = await rejection(read(right, { signal }), "ABORT_ERR", name);
					assert.equal(error.cause, "long ago");
					assert.equal(error.name, "AbortError");
				}
				await rejection(right.readUntil("\n", { maxBytes: 2 }), "ERR_LIMIT", "readUntil()");
			}
			assert.equal(await readText(right, 5), "1234\n");
			await rejection(left.write("no", { signal }), "ABORT_ERR", "write()");
			await rejection(left.write(pattern(0, 50_000), { signal }), "ABORT_ERR", "write()");
			await rejection(left.flush({ signal }), "ABORT_ERR", "flush()");
			await rejection(left.closeWrite({ signal }), "ABORT_ERR", "closeWrite()");
			assert.equal(left.bytesWritten, 5);
			await left.write("yes");
			assert.equal(await readText(right, 3), "yes");
		},
	),
	defineCheck(
		"an aborted read took nothing",
		"A read that is aborted while it waits rejects with AbortError, and every byte is still there.",
		async (left, right) => {
			for (const [name, read] of READS) {
				const controller = new AbortController();
				const reading = read(right, { signal: controller.signal });
				assert.ok(await isPending(reading), `${name} did not wait`);
				controller.abort(name);
				const error = await rejection(reading, "ABORT_ERR", name);
				assert.equal(error.cause, name);
				await left.write("next");
				assert.equal(await readText(right, 4), "next");
			}
			for (const [name, read] of READS.slice(2)) {
				const controller = new AbortController();
				const reading = read(right, { signal: controller.signal });
				await left.write("abc");
				assert.ok(await isPending(reading), `${name} did not wait`);
				controller.abort();
				await rejection(reading, "ABORT_ERR", name);
				assert.equal(await readText(right, 3), "abc");
			}
		},
	),
	defineCheck(
		"an aborted write moved none or all",
		"A write that is aborted while it waits rejects with AbortError; the peer reads none of it or all, as bytesMoved says.",
		async (left, right) => {
			const { bytes, pending } = await clog(left);
			let total = bytes;
			for (const size of [100_000, 100, 70_000]) {
				const controller = new AbortController();
				const writing = left.write(pattern(total, size), { signal: controller.signal });
				assert.ok(size === 100 || (await isPending(writing)), "write() did not wait");
				controller.abort("enough");
				total += await movedBytes(writing, size, "ABORT_ERR");
			}
			assert.equal(left.bytesWritten, total);
			await Promise.all([expectPattern(right, 0, total), pending]);
			await left.write("then");
			assert.equal(await readText(right, 4), "then");
		},
	),
	defineCheck(
		"an aborted write frees its buffer",
		"Once an aborted write has rejected, its buffer may be changed, also when half of it was sent.",
		async (left, right) => {
			const controller = new AbortController();
			const size = 16_777_216;
			const data = pattern(0, size);
			const writing = left.write(data, { signal: controller.signal });
			await isPending(writing);
			controller.abort();
			const moved = await movedBytes(writing, size, "ABORT_ERR");
			data.fill(0);
			await expectPattern(right, 0, moved);
			await left.write("then");
			assert.equal(await readText(right, 4), "then");
		},
	),
	defineCheck(
		"one of several writes is aborted",
		"When one of several waiting writes is aborted, the others arrive in the order of their calls, also when they share a buffer.",
		async (left, right) => {
			const { bytes, pending } = await clog(left);
			const same = Buffer.alloc(20_000, "s");
			const other = Buffer.alloc(20_000, "o");
			const controller = new AbortController();
			const { signal } = controller;
			const writes = [left.write(same), left.write(other)];
			const aborted = left.write(same, { signal });
			writes.push(left.write(other));
			controller.abort();
			const moved = await movedBytes(aborted, same.length, "ABORT_ERR");
			await expectPattern(right, 0, bytes);
			const expected = moved > 0 ? [same, other, same, other] : [same, other, other];
			const total = expected.length * 20_000;
			assert.ok(
				Buffer.concat(expected).equals(await right.readExactly(total)),
				"the order changed",
			);
			await Promise.all([pending, ...writes]);
		},
	),
	defineCheck(
		"a signal afterwards",
		"A signal that aborts once a call has settled changes nothing, and no listener stays on it.",
		async (left, right) => {
			const controller = new AbortController();
			const { signal } = controller;
			const reading = right.readExactly(4, { signal });
			await left.write("past", { signal });
			await left.flush({ signal });
			assert.equal(Buffer.from(await reading).toString(), "past");
			const { bytes, pending } = await clog(left);
			const writing = left.write(pattern(bytes, 100_000), { signal });
			await Promise.all([expectPattern(right, 0, bytes + 100_000), pending, writing]);
			await left.closeWrite({ signal });
			assert.equal(await right.read({ signal }), null);
			assert.equal(getEventListeners(signal, "abort").length, 0, "a listener was left behind");
			controller.abort();
			await turns();
			await right.write("fine");
			assert.equal(await readText(left, 4), "fine");
		},
	),
];
