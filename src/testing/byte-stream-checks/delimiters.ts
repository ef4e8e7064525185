/** Checks of a byte stream: readUntil. */
import assert from "node:assert/strict";
import type { ByteStream } from "../../stream/contract.ts";
import { type Check, defineCheck } from "../check.ts";
import { rejection, turns } from "../expectations.ts";
import { expectEnd, readText } from "../traffic.ts";

export const delimiterChecks: readonly Check<ByteStream>[] = [
	defineCheck(
		"readUntil finds each delimiter",
		"readUntil returns the bytes up to and with the next delimiter, and leaves what follows.",
		async (left, right) => {
			await left.write("one\ntwo\n\nthree\r\nrest");
			assert.equal(await line(right, "\n"), "one\n");
			assert.equal(await line(right, "\n"), "two\n");
			assert.equal(await line(right, "\n"), "\n");
			assert.equal(await line(right, new Uint8Array([13, 10])), "three\r\n");
			assert.equal(await readText(right, 4), "rest");
			assert.equal(right.bytesRead, left.bytesWritten);
		},
	),
	defineCheck(
		"readUntil sees across chunks",
		"A delimiter is found wherever the bytes were cut, also when its beginning occurs before it.",
		async (left, right) => {
			for (const pieces of [
				["head", "er\r", "\n\r", "\nbody"],
				["a", "-", "-", "-", "b--", "-", "c"],
				["\r\n\r", "\r\n\r", "\nx"],
			]) {
				const text = pieces.join("");
				const delimiter = text.includes("\r") ? "\r\n\r\n" : "---b---c";
				const reading = line(right, delimiter);
				for (const piece of pieces) {
					await left.write(piece);
					await turns(1);
				}
				const end = text.indexOf(delimiter) + delimiter.length;
				assert.equal(await reading, text.slice(0, end));
				if (end < text.length)
					assert.equal(await readText(right, text.length - end), text.slice(end));
			}
		},
	),
	defineCheck(
		"readUntil has a limit",
		"Without a delimiter within maxBytes readUntil rejects with LimitError and nothing is lost; with one at the limit it resolves.",
		async (left, right) => {
			await left.write("1234567\n12345678\n");
			assert.equal(await line(right, "\n", 8), "1234567\n");
			for (let i = 0; i < 2; i++) {
				await rejection(right.readUntil("\n", { maxBytes: 8 }), "ERR_LIMIT", "readUntil()");
			}
			assert.equal(await line(right, "\n", 9), "12345678\n");
			const reading = right.readUntil("\n", { maxBytes: 10 });
			for (let i = 0; i < 10; i++) {
				await left.write(String(i));
				await turns(1);
			}
			await rejection(reading, "ERR_LIMIT", "readUntil() of a stream without delimiter");
			assert.equal(await readText(right, 10), "0123456789");
		},
	),
	defineCheck(
		"readUntil gives back at the end",
		"At the end readUntil resolves to null; in the middle it says how many bytes had come, and they are still there.",
		async (left, right) => {
			await left.write("whole\nhalf");
			await left.closeWrite();
			assert.equal(await line(right, "\n"), "whole\n");
			for (let i = 0; i < 2; i++) {
				const error = await rejection(right.readUntil("\n"), "ERR_END_OF_STREAM", "readUntil()");
				assert.equal(error.bytesRead, 4);
			}
			assert.equal(await readText(right, 4), "half");
			assert.equal(await right.readUntil("\n"), null);
			await expectEnd(right);
		},
	),
];

async function line(
	end: ByteStream,
	delimiter: string | Uint8Array,
	maxBytes?: number,
): Promise<string> {
	return Buffer.from((await end.readUntil(delimiter, { maxBytes })) ?? []).toString();
}
