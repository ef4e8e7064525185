/** However bytes are cut, by the writer, by the kernel or by the reader, the reader gets the same. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { socketpair } from "socketry";
import { injectFaults, memoryPackets, memoryStreams } from "socketry/testing";
import type { PacketChannel } from "#src/packet/packet-contract.ts";
import type { ByteStream } from "#src/stream/contract.ts";
import { pattern } from "#src/testing/traffic.ts";

const STREAMS: Readonly<Record<string, () => readonly [ByteStream, ByteStream]>> = {
	"Unix sockets": () => socketpair(),
	memory: () => memoryStreams({ capacityBytes: 10_000 }),
};
const PACKETS: Readonly<Record<string, () => readonly [PacketChannel, PacketChannel]>> = {
	"Unix sockets": () => socketpair("seqpacket"),
	memory: () => memoryPackets(),
};

const size = fc.oneof(
	{ weight: 4, arbitrary: fc.integer({ min: 0, max: 50 }) },
	{ weight: 2, arbitrary: fc.integer({ min: 8_190, max: 8_194 }) },
	{ weight: 1, arbitrary: fc.integer({ min: 60_000, max: 140_000 }) },
);

describe("bytes do not depend on how they are cut", () => {
	for (const [name, makePair] of Object.entries(STREAMS)) {
		test(name, async () => {
			const sizes = fc.array(fc.tuple(size, fc.boolean()), { maxLength: 40 });
			const reads = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 20 });
			const short = fc.option(fc.integer({ min: 100, max: 100_000 }));
			await fc.assert(
				fc.asyncProperty(sizes, reads, short, async (writes, wanted, most) => {
					const ends = makePair();
					const faults = injectFaults(shortTransfers(most));
					try {
						const [total, got] = await Promise.all([
							writeAll(ends[0], writes),
							readAll(ends[1], wanted),
						]);
						assert.ok(got.equals(pattern(0, total)));
					} finally {
						faults.restore();
						for (const end of ends) end.abort();
					}
				}),
				{ numRuns: 150 },
			);
		});
	}
});

describe("lines do not depend on how they are cut", () => {
	for (const [name, makePair] of Object.entries(STREAMS)) {
		test(name, async () => {
			const text = fc.string({ unit: fc.constantFrom("a", "b", "\r", "\n"), maxLength: 60 });
			const delimiter = fc.constantFrom("\n", "\r\n", "aba", "\r\n\r\n", "aa");
			const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });
			await fc.assert(
				fc.asyncProperty(text, delimiter, cuts, async (whole, mark, pieces) => {
					const [left, right] = makePair();
					try {
						const reading = readPieces(right, mark);
						let position = 0;
						for (let i = 0; position < whole.length; i++) {
							const end = position + (pieces[i % pieces.length] as number);
							await left.write(whole.slice(position, end));
							await left.flush();
							position = end;
						}
						await left.closeWrite();
						assert.deepEqual(await reading, split(whole, mark));
					} finally {
						left.abort();
						right.abort();
					}
				}),
				{ numRuns: 300 },
			);
		});
	}
});

describe("messages keep their boundaries whatever their sizes", () => {
	for (const [name, makePair] of Object.entries(PACKETS)) {
		test(name, async () => {
			await fc.assert(
				fc.asyncProperty(
					fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 100 }),
					async (sizes) => {
						const [left, right] = makePair();
						try {
							const sends = sizes.map((bytes, i) => left.send(pattern(i, bytes)));
							const ending = left.closeWrite();
							let next = 0;
							for await (const message of right) {
								assert.ok(pattern(next, sizes[next] as number).equals(message));
								next++;
							}
							assert.equal(next, sizes.length);
							await Promise.all([...sends, ending]);
						} finally {
							left.abort();
							right.abort();
						}
					},
				),
				{ numRuns: 150 },
			);
		});
	}
});

function shortTransfers(most: number | null): Parameters<typeof injectFaults>[0] {
	if (most === null) return [];
	const times = Number.POSITIVE_INFINITY;
	return (["send", "sendmsg", "recv"] as const).map((call) => ({ call, short: most, times }));
}

async function writeAll(
	end: ByteStream,
	writes: readonly (readonly [bytes: number, isAwaited: boolean])[],
): Promise<number> {
	let position = 0;
	const writing: Promise<void>[] = [];
	for (const [bytes, isAwaited] of writes) {
		writing.push(end.write(pattern(position, bytes)));
		position += bytes;
		if (isAwaited) await writing.at(-1);
	}
	await Promise.all(writing);
	await end.closeWrite();
	return position;
}

async function readAll(end: ByteStream, wanted: readonly number[]): Promise<Buffer> {
	const chunks: Buffer[] = [];
	for (let i = 0; ; i++) {
		const most = wanted[i % wanted.length] as number;
		if (most % 3 === 0) {
			const chunk = await end.read();
			if (chunk === null) return Buffer.concat(chunks);
			chunks.push(Buffer.from(chunk));
			continue;
		}
		const target = Buffer.alloc(most);
		const count = await end.readInto(target);
		if (count === 0) return Buffer.concat(chunks);
		chunks.push(target.subarray(0, count));
	}
}

async function readPieces(end: ByteStream, delimiter: string): Promise<string[]> {
	const pieces: string[] = [];
	try {
		for (;;) {
			const piece = await end.readUntil(delimiter);
			if (piece === null) return pieces;
			pieces.push(Buffer.from(piece).toString());
		}
	} catch (error) {
		assert.equal((error as { code?: string }).code, "ERR_END_OF_STREAM");
		return [...pieces, Buffer.from((await end.read()) ?? []).toString()];
	}
}

function split(text: string, delimiter: string): string[] {
	const pieces: string[] = [];
	let rest = text;
	while (rest !== "") {
		const at = rest.indexOf(delimiter);
		const end = at < 0 ? rest.length : at + delimiter.length;
		pieces.push(rest.slice(0, end));
		rest = rest.slice(end);
	}
	return pieces;
}
