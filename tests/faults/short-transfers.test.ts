/** The kernel takes and gives as few bytes as it likes: 64 MiB in all arrive as they were sent, by their hash. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { socketpair } from "socketry";
import { injectFaults } from "socketry/testing";
import { randomSource } from "#src/random.ts";
import type { Stream } from "#src/stream/stream.ts";
import { pattern } from "#src/testing/traffic.ts";
import { connectedStreams } from "../support/pairs.ts";

const MIB = 1_048_576;

/** Most bytes of one call, and bytes to transfer with that: 32 MiB a kind of socket. */
const TRANSFERS: readonly (readonly [most: number, bytes: number])[] = [
	[1, 16_384],
	[3, 65_536],
	[20, 262_144],
	[500, MIB],
	[5_000, 2 * MIB],
	[30_000, 8 * MIB],
	[70_000, 10 * MIB],
	[300_000, 11 * MIB - 344_064],
];

/** Each time with another seed. */
const SEEDS = 3;

const KINDS: Readonly<Record<string, () => Promise<[Stream, Stream]>>> = {
	"a Unix socket": async () => socketpair(),
	TCP: () => connectedStreams("tcp://127.0.0.1:0"),
};

for (const [kind, makePair] of Object.entries(KINDS)) {
	describe(`bytes over ${kind} arrive unharmed`, () => {
		for (const [most, bytes] of TRANSFERS) {
			test(`${bytes} of them when every call moves ${most} at most`, async () => {
				for (let i = 0; i < SEEDS; i++) {
					const ends = await makePair();
					await transfer(ends, most, bytes);
					for (const end of ends) end.abort();
				}
			});
		}
	});
}

async function transfer(
	[left, right]: [Stream, Stream],
	most: number,
	bytes: number,
): Promise<void> {
	const times = Number.POSITIVE_INFINITY;
	const faults = injectFaults([
		{ call: "send", short: most, times },
		{ call: "sendmsg", short: most, times },
		{ call: "recv", short: most, times },
	]);
	try {
		const [sent, received] = await Promise.all([
			writeAll(left, bytes, faults.seed),
			readAll(right, faults.seed),
		]);
		assert.equal(received, sent, `seed ${faults.seed}`);
		assert.equal(right.bytesRead, bytes);
	} finally {
		faults.restore();
	}
}

async function writeAll(end: Stream, bytes: number, seed: number): Promise<string> {
	const random = randomSource(seed);
	const hash = createHash("sha256");
	for (let position = 0; position < bytes; ) {
		const most = random.below(2) === 0 ? 2_000 : 150_000;
		const data = pattern(position, Math.min(1 + random.below(most), bytes - position));
		hash.update(data);
		position += data.length;
		const writing = end.write(data);
		if (random.below(3) > 0 || end.queuedBytes > MIB) await writing;
	}
	await end.closeWrite();
	return hash.digest("hex");
}

async function readAll(end: Stream, seed: number): Promise<string> {
	const random = randomSource(seed + 1);
	const hash = createHash("sha256");
	for (;;) {
		if (random.below(2) === 0) {
			const chunk = await end.read();
			if (chunk === null) break;
			hash.update(chunk);
		} else {
			const target = new Uint8Array(1 + random.below(100_000));
			const count = await end.readInto(target);
			if (count === 0) break;
			hash.update(target.subarray(0, count));
		}
	}
	return hash.digest("hex");
}
