/** Checks of a byte stream: wrong arguments. */
import assert from "node:assert/strict";
import type { ByteStream } from "../../stream/contract.ts";
import { type Check, defineCheck } from "../check.ts";
import { rejection } from "../expectations.ts";
import { clog, readText } from "../traffic.ts";

const TYPE = "ERR_INVALID_ARG_TYPE";
const VALUE = "ERR_INVALID_ARG_VALUE";
const RANGE = "ERR_OUT_OF_RANGE";

export const argumentChecks: readonly Check<ByteStream>[] = [
	defineCheck(
		"wrong arguments",
		"A wrong argument rejects with a TypeError or RangeError that has a code, and does the stream no harm.",
		async (left, right) => {
			for (const wrong of [undefined, null, 5, {}, [1, 2], new ArrayBuffer(4)]) {
				await rejection(left.write(wrong as never), TYPE, `write(${String(wrong)})`);
				await rejection(right.readInto(wrong as never), TYPE, `readInto(${String(wrong)})`);
				await rejection(right.readUntil(wrong as never), TYPE, `readUntil(${String(wrong)})`);
			}
			await rejection(right.readUntil(""), VALUE, 'readUntil("")');
			await rejection(right.readUntil("\n", { maxBytes: 0 }), RANGE, "readUntil() of 0 bytes");
			for (const wrong of [-1, 1.5, Number.NaN, 2 ** 40]) {
				await rejection(right.readExactly(wrong), RANGE, `readExactly(${wrong})`);
				await rejection(right.read({ timeoutMs: wrong }), RANGE, `read() for ${wrong} ms`);
				await rejection(left.write("x", { timeoutMs: wrong }), RANGE, `write() for ${wrong} ms`);
				await rejection(left.close({ timeoutMs: wrong }), RANGE, `close() within ${wrong} ms`);
			}
			await rejection(right.readExactly("5" as never), TYPE, 'readExactly("5")');
			await rejection(right.read({ signal: {} as never }), TYPE, "read() with a false signal");
			assert.equal(left.bytesWritten, 0);
			await left.write("unharmed");
			assert.equal(await readText(right, 8), "unharmed");
		},
	),
	defineCheck(
		"any view of bytes",
		"Every view of an ArrayBuffer is written and read into as the bytes that it shows.",
		async (left, right) => {
			const memory = new Uint8Array([9, 1, 0, 2, 0, 9]).buffer;
			await left.write(new DataView(memory, 1, 4) as never);
			await left.write(new Uint16Array(new Uint8Array(memory.slice(1, 5)).buffer) as never);
			await left.flush();
			const target = new Uint16Array(2);
			await right.readExactly(4);
			let filled = 0;
			while (filled < 4)
				filled += await right.readInto(new DataView(target.buffer, filled) as never);
			assert.deepEqual([...new Uint8Array(target.buffer)], [1, 0, 2, 0]);
			assert.equal(left.bytesWritten, 8);
		},
	),
	defineCheck(
		"detached buffers",
		"A buffer that was transferred elsewhere is refused by its write or read, and moves nothing.",
		async (left, right) => {
			await rejection(left.write(detach(new Uint8Array(10))), VALUE, "write()");
			await rejection(left.write(detach(new Uint8Array(100_000))), VALUE, "write()");
			await rejection(right.readInto(detach(new Uint8Array(10))), VALUE, "readInto()");
			assert.equal(left.bytesWritten, 0);
			await left.write("fine");
			assert.equal(await readText(right, 4), "fine");
		},
	),
	defineCheck(
		"a buffer detached meanwhile",
		"A buffer that is transferred while its call is pending brings down that stream at most: nothing hangs or crashes.",
		async (left, right) => {
			const target = new Uint8Array(10);
			const reading = right.readInto(target);
			detach(target);
			await left.write("0123456789");
			await reading.catch((error: unknown) => assert.ok(error instanceof Error));
			const { pending } = await clog(left);
			const data = new Uint8Array(100_000);
			const writing = left.write(data);
			detach(data);
			const reader = (async () => {
				while ((await right.read()) !== null);
			})();
			await Promise.allSettled([pending, writing]);
			left.abort();
			await Promise.allSettled([reader]);
		},
	),
];

function detach(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
	structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
	return bytes;
}
