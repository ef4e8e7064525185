/** Checks of a byte stream: the ways to read. */
import assert from "node:assert/strict";
import type { ByteStream } from "../../stream/contract.ts";
import { type Check, defineCheck } from "../check.ts";
import { isPending, rejection, turns } from "../expectations.ts";
import { assertPattern, expectEnd, expectPattern, pattern, readText } from "../traffic.ts";

export const readingChecks: readonly Check<ByteStream>[] = [
	defineCheck(
		"one read at a time",
		"While a read is pending every other one rejects with BusyError, and the first goes on unharmed.",
		async (left, right) => {
			const reading = right.read();
			await rejection(right.read(), "ERR_BUSY", "a second read()");
			await rejection(right.readInto(new Uint8Array(9)), "ERR_BUSY", "a second readInto()");
			await rejection(right.readExactly(9), "ERR_BUSY", "a second readExactly()");
			await rejection(right.readUntil("\n"), "ERR_BUSY", "a second readUntil()");
			await left.write("first");
			assert.equal(Buffer.from((await reading) ?? []).toString(), "first");
			await left.write("second");
			assert.equal(await readText(right, 6), "second");
		},
	),
	defineCheck(
		"no read cuts into another",
		"A read of many parts is one read: none can take bytes from its middle.",
		async (left, right) => {
			await left.write(pattern(0, 10));
			await left.flush();
			await turns();
			// The first bytes are there: what matters is who comes before the reader has looked for more.
			const exactly = right.readExactly(20);
			await rejection(right.read(), "ERR_BUSY", "read() within readExactly()");
			await left.write(pattern(10, 10));
			assertPattern(await exactly, 0);
			await left.write("a li");
			await left.flush();
			await turns();
			const until = right.readUntil("\n");
			const intruders = [
				right.readInto(new Uint8Array(4)),
				right.readExactly(1),
				right.readUntil("l"),
				right.read(),
			];
			for (const intruder of intruders)
				await rejection(intruder, "ERR_BUSY", "a read within readUntil()");
			await left.write("ne\n");
			assert.equal(Buffer.from((await until) ?? []).toString(), "a line\n");
		},
	),
	defineCheck(
		"readInto fills from the start",
		"readInto writes into its target from offset 0, no more than it says, and never more than fits.",
		async (left, right) => {
			await left.write(pattern(0, 100));
			await left.flush();
			const memory = new Uint8Array(40).fill(7);
			let position = 0;
			while (position < 100) {
				const target = memory.subarray(10, 30);
				const count = await right.readInto(target);
				assert.ok(count >= 1 && count <= 20, `readInto() says ${count} bytes`);
				assertPattern(target.subarray(0, count), position);
				position += count;
				memory.fill(7, 10, 30);
				assert.ok(
					memory.every((byte) => byte === 7),
					"bytes outside the target were written",
				);
			}
		},
	),
	defineCheck(
		"readExactly is exact",
		"readExactly resolves to just so many bytes, however they come in, and leaves the rest.",
		async (left, right) => {
			const reading = right.readExactly(1_000);
			for (let i = 0; i < 11; i++) {
				assert.ok(i === 10 || (await isPending(reading)), "readExactly() did not wait for all");
				await left.write(pattern(i * 100, 100));
			}
			const bytes = await reading;
			assert.equal(bytes.length, 1_000);
			assertPattern(bytes, 0);
			await expectPattern(right, 1_000, 100);
		},
	),
	defineCheck(
		"readExactly gives back at the end",
		"When the stream ends too soon readExactly says how many bytes had come, and they are still there.",
		async (left, right) => {
			await left.write(pattern(0, 60));
			await left.closeWrite();
			const error = await rejection(right.readExactly(100), "ERR_END_OF_STREAM", "readExactly()");
			assert.equal(error.bytesRead, 60);
			const again = await rejection(right.readExactly(61), "ERR_END_OF_STREAM", "readExactly()");
			assert.equal(again.bytesRead, 60);
			await expectPattern(right, 0, 60);
			await expectEnd(right);
			await rejection(right.readExactly(1), "ERR_END_OF_STREAM", "readExactly() at the end");
		},
	),
	defineCheck(
		"the end stays the end",
		"Every read after the end resolves to the end again.",
		async (left, right) => {
			await left.write("last");
			await left.closeWrite();
			assert.equal(await readText(right, 4), "last");
			for (let i = 0; i < 3; i++) {
				assert.equal(await right.read(), null);
				assert.equal(await right.readInto(new Uint8Array(5)), 0);
				assert.equal(await right.readUntil("\n"), null);
				assert.equal((await right.readExactly(0)).length, 0);
			}
			assert.equal(right.bytesRead, 4);
		},
	),
	defineCheck(
		"iteration",
		"for await yields every byte until the end; leaving the loop leaves the stream open.",
		async (left, right) => {
			await left.write(pattern(0, 10));
			let position = 0;
			for await (const chunk of right) {
				assertPattern(chunk, position);
				position += chunk.length;
				if (position === 10) break;
			}
			const writing = left.write(pattern(10, 100_000));
			const ending = left.closeWrite();
			for await (const chunk of right) {
				assertPattern(chunk, position);
				position += chunk.length;
			}
			assert.equal(position, 100_010);
			await Promise.all([writing, ending]);
			for await (const chunk of right) assert.fail(`${chunk.length} bytes came after the end`);
			await right.write("still open");
			assert.equal(await readText(left, 10), "still open");
		},
	),
];
