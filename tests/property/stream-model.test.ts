/** Whatever is done to a stream, in whatever order: bytes arrive in order or not at all, every call settles, and nothing stays open. */
import { describe, test } from "node:test";
import fc from "fast-check";
import { socketpair } from "socketry";
import { assertNoLeaks, memoryStreams, openResources } from "socketry/testing";
import type { ByteStream } from "#src/stream/contract.ts";
import { connectedStreams } from "../support/pairs.ts";
import { PROMPT_MS } from "../support/patience.ts";
import { type Operation, StreamModel } from "./stream-model.ts";

const KINDS: readonly (readonly [
	name: string,
	makePair: () => Promise<readonly [ByteStream, ByteStream]>,
	runs: number,
])[] = [
	["Unix sockets", async () => socketpair(), 300],
	["TCP", () => connectedStreams("tcp://127.0.0.1:0"), 150],
	["memory", async () => memoryStreams(), 300],
];

/** Finding a shorter example of a failure ends then. */
const TIME_MS = 20_000;

const end = fc.integer({ min: 0, max: 1 });
const small = fc.integer({ min: 0, max: 300 });
const large = fc.integer({ min: 8_000, max: 300_000 });
const bytes = fc.oneof({ weight: 3, arbitrary: small }, { weight: 2, arbitrary: large });

const operation: fc.Arbitrary<Operation> = fc.oneof(
	{ weight: 8, arbitrary: fc.record({ kind: fc.constant("write"), end, bytes }) },
	{ weight: 3, arbitrary: fc.record({ kind: fc.constant("writeBriefly"), end, bytes }) },
	{
		weight: 5,
		arbitrary: fc.record({
			kind: fc.constant("read"),
			end,
			bytes: fc.integer({ min: 1, max: 100_000 }),
		}),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant("readExactly"),
			end,
			bytes: fc.integer({ min: 1, max: 20_000 }),
		}),
	},
	{ weight: 2, arbitrary: fc.record({ kind: fc.constant("cancelledRead"), end }) },
	{ weight: 2, arbitrary: fc.record({ kind: fc.constant("waitingRead"), end }) },
	{ weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("ref", "unref", "flush"), end }) },
	{
		weight: 1,
		arbitrary: fc.record({ kind: fc.constantFrom("closeWrite", "close", "abort"), end }),
	},
	{ weight: 3, arbitrary: fc.record({ kind: fc.constant("turn") }) },
) as fc.Arbitrary<Operation>;

describe("any order of operations leaves a stream in order", () => {
	for (const [name, makePair, numRuns] of KINDS) {
		test(name, async () => {
			// Streams that are unreferenced let the process end.
			const alive = setInterval(() => undefined, 1_000);
			await fc
				.assert(
					fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
						const before = openResources();
						const ends = await makePair();
						try {
							const model = new StreamModel(ends);
							for (const each of operations) await model.perform(each);
							await model.finish();
						} finally {
							for (const each of ends) each.abort();
						}
						await assertNoLeaks(before, { graceMs: PROMPT_MS });
					}),
					{ numRuns, interruptAfterTimeLimit: TIME_MS },
				)
				.finally(() => clearInterval(alive));
		});
	}
});
