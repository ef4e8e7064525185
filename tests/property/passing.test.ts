/** Whatever is sent, received, aborted and given, in whatever order: each message arrives with its own descriptors, and none is left open. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
	type Datagrams,
	datagrams,
	give,
	type OwnedDescriptor,
	type PacketStream,
	socketpair,
} from "socketry";
import { assertNoLeaks, openResources } from "socketry/testing";
import { marked, markOf, openMarkedCount, takeMarks } from "../support/marked-descriptors.ts";
import { PROMPT_MS } from "../support/patience.ts";

const ALLOWED = 8;

interface Arrived {
	readonly data: Uint8Array;
	readonly descriptors?: readonly OwnedDescriptor[];
}

/** One direction, over whichever kind of socket. */
interface Way {
	send(data: string, options: object): Promise<void>;
	trySend(data: string, options: object): boolean;
	receive(options?: object): Promise<Arrived | null>;
	abort(): void;
}

function overPackets([left, right]: [PacketStream, PacketStream]): Way {
	return {
		send: (data, options) => left.send(data, options),
		trySend: (data, options) => left.trySend(data, options),
		receive: (options) => right.receiveMessage(options),
		abort: () => {
			left.abort();
			right.abort();
		},
	};
}

function overDatagrams([left, right]: [Datagrams, Datagrams], isConnected: boolean): Way {
	const to = isConnected ? undefined : right.address;
	return {
		send: (data, options) => left.send(data, to, options),
		trySend: (data, options) => left.trySend(data, to, options),
		receive: (options) => right.receive(options),
		abort: () => {
			left.abort();
			right.abort();
		},
	};
}

const options = { receiveDescriptors: ALLOWED, receiveCredentials: true } as const;

const WAYS: Readonly<Record<string, () => Promise<Way>>> = {
	packets: async () => overPackets(socketpair("seqpacket", options)),
	datagrams: async () => overDatagrams(socketpair("dgram", options), true),
	"datagrams to an address": async () => {
		const make = (): Promise<Datagrams> => datagrams({ transport: "unix-dgram" }, options);
		return overDatagrams([await make(), await make()], false);
	},
};

type Operation =
	| { kind: "send" | "trySend" | "abort"; bytes: number; count: number; given: boolean }
	| { kind: "receive"; count: number }
	| { kind: "turn" };

const size = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 30_000 }));
const message = {
	bytes: size,
	count: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: ALLOWED + 1 })),
	given: fc.boolean(),
};
const operation: fc.Arbitrary<Operation> = fc.oneof(
	{ weight: 6, arbitrary: fc.record({ kind: fc.constant("send" as const), ...message }) },
	{ weight: 2, arbitrary: fc.record({ kind: fc.constant("trySend" as const), ...message }) },
	{ weight: 1, arbitrary: fc.record({ kind: fc.constant("abort" as const), ...message }) },
	{
		weight: 2,
		arbitrary: fc.record({
			kind: fc.constant("receive" as const),
			count: fc.integer({ min: 1, max: 12 }),
		}),
	},
	{ weight: 1, arbitrary: fc.record({ kind: fc.constant("turn" as const) }) },
);

/** What must arrive, in order; whether it does is known once its send has settled. */
interface Expected {
	readonly text: string;
	readonly marks: readonly bigint[];
	outcome: "sent" | "not sent" | undefined;
}

class Model {
	readonly #way: Way;
	readonly #expected: Expected[] = [];
	readonly #settled: Promise<void>[] = [];
	#number = 0;
	#next = 0;

	constructor(way: Way) {
		this.#way = way;
	}

	async perform(each: Operation): Promise<void> {
		if (each.kind === "turn") await new Promise((resolve) => setImmediate(resolve));
		else if (each.kind === "receive") await this.#receive(each.count);
		else this.#send(each);
	}

	async finish(): Promise<void> {
		// Everything that waits leaves while it is received.
		let waits = true;
		const all = Promise.all(this.#settled).then(() => {
			waits = false;
		});
		while (waits) await this.#receive(50, 20);
		await all;
		await this.#receive(Number.POSITIVE_INFINITY);
		for (const { text, outcome } of this.#expected.slice(this.#next)) {
			assert.equal(outcome, "not sent", text.slice(0, 20));
		}
		this.#way.abort();
		assert.equal(openMarkedCount(), 0);
	}

	#send({ kind, bytes, count, given }: Exclude<Operation, { kind: "turn" | "receive" }>): void {
		const files = Array.from({ length: count }, marked);
		const text = `${this.#number++}:`.padEnd(bytes, ".");
		const expected: Expected = { text, marks: files.map(markOf), outcome: undefined };
		this.#expected.push(expected);
		const descriptors = files.map((each) => (given ? give(each) : each));
		if (kind === "trySend") {
			expected.outcome = this.#way.trySend(text, { descriptors }) ? "sent" : "not sent";
		} else {
			const controller = new AbortController();
			const { signal } = controller;
			this.#settled.push(
				this.#way.send(text, kind === "abort" ? { descriptors, signal } : { descriptors }).then(
					() => {
						expected.outcome = "sent";
					},
					() => {
						expected.outcome = "not sent";
					},
				),
			);
			controller.abort();
		}
		for (const each of files) {
			assert.equal(each.closed, given);
			each.close();
		}
	}

	async #receive(count: number, timeoutMs = 0): Promise<void> {
		for (let i = 0; i < count; i++) {
			let arrived: Arrived | null;
			try {
				arrived = await this.#way.receive({ timeoutMs });
			} catch (error) {
				const { code } = error as { code: string };
				if (code === "ERR_TIMEOUT") return;
				assert.equal(code, "ERR_LIMIT");
				this.#pass(({ marks }) => marks.length > ALLOWED);
				continue;
			}
			assert.ok(arrived !== null);
			const text = String(arrived.data);
			const { marks } = this.#pass((each) => each.text === text);
			assert.deepEqual(takeMarks(arrived.descriptors ?? []), marks);
		}
	}

	// The next that arrives; those before it were not sent.
	#pass(isIt: (expected: Expected) => boolean): Expected {
		for (;;) {
			const expected = this.#expected[this.#next++];
			assert.ok(expected !== undefined, "something arrived that was not sent, or out of order");
			if (isIt(expected)) return expected;
			assert.notEqual(expected.outcome, "sent", `${expected.text.slice(0, 20)} was skipped`);
		}
	}
}

describe("each message arrives with its own descriptors, in order, and none is left open", () => {
	for (const [name, makeWay] of Object.entries(WAYS)) {
		test(name, async () => {
			const property = fc.asyncProperty(
				fc.array(operation, { maxLength: 60 }),
				async (operations) => {
					const before = openResources();
					const way = await makeWay();
					try {
						const model = new Model(way);
						for (const each of operations) await model.perform(each);
						await model.finish();
					} finally {
						way.abort();
					}
					await assertNoLeaks(before, { graceMs: PROMPT_MS });
				},
			);
			await fc.assert(property, { numRuns: 150, interruptAfterTimeLimit: 20_000 });
		});
	}
});
