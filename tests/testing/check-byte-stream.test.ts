/** The suites are there to find broken implementations: each of these breaks one promise, and the check of that promise must say so. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	byteStreamChecks,
	CheckError,
	checkByteStream,
	checkPacketChannel,
	datagramChannelChecks,
	type MemoryPackets,
	type MemoryStream,
	memoryPackets,
	memoryStreams,
	packetChannelChecks,
} from "socketry/testing";

// Most find what is wrong at once; some have to wait for what never comes.
const BROKEN_MS = 500;

const BROKEN_STREAMS: Readonly<
	Record<string, readonly [find: string, sabotage: (end: MemoryStream) => void]>
> = {
	"loses the last byte of a large write": [
		"writes keep their order",
		(end) => {
			const write = end.write.bind(end);
			end.write = (data, options) =>
				write(data.length > 60_000 ? data.slice(0, -1) : data, options);
		},
	],
	"closes both directions at closeWrite": [
		"a reply after the end of the question",
		(end) => {
			const { closeWrite } = end;
			end.closeWrite = async (options) => {
				await closeWrite.call(end, options);
				await end.close();
			};
		},
	],
	"lets two reads in at once": [
		"one read at a time",
		(end) => {
			let last: Promise<unknown> = Promise.resolve();
			const read = end.read.bind(end);
			end.read = (options) => {
				const next = last.then(() => read(options));
				last = next.catch(() => undefined);
				return next;
			};
		},
	],
	"never asks a writer to wait": [
		"a full stream asks to wait",
		(end) => {
			const write = end.write.bind(end);
			end.write = async (data, options) => {
				void write(data, options).catch(() => undefined);
			};
		},
	],
	"loses what it had read when a read is aborted": [
		"an aborted read took nothing",
		(end) => {
			const readExactly = end.readExactly.bind(end);
			end.readExactly = async (count, options) => {
				try {
					return await readExactly(count, options);
				} catch (error) {
					await end.read({ timeoutMs: 0 }).catch(() => undefined);
					throw error;
				}
			};
		},
	],
	"hands out memory that it uses again": [
		"a chunk is the reader's own",
		(end) => {
			const shared = Buffer.alloc(1_048_576);
			const read = end.read.bind(end);
			end.read = async (options) => {
				const chunk = await read(options);
				if (chunk === null) return null;
				shared.set(chunk);
				return shared.subarray(0, chunk.length);
			};
		},
	],
	"drops what is queued at close": [
		"close waits for what is queued",
		(end) => {
			end.close = async () => end.abort();
		},
	],
	"leaves its listener on a signal": [
		"a signal afterwards",
		(end) => {
			const read = end.read.bind(end);
			end.read = (options) => {
				options?.signal?.addEventListener("abort", () => undefined);
				return read(options);
			};
		},
	],
	"starts the clock anew for each part of a read": [
		"a deadline is for the whole read",
		(end) => {
			end.readUntil = async (_, options) => {
				for (;;) {
					const chunk = await end.read(options);
					if (chunk?.includes(10)) return chunk;
				}
			};
		},
	],
};

const BROKEN_PACKETS: Readonly<
	Record<string, readonly [find: string, sabotage: (end: MemoryPackets) => void]>
> = {
	"takes an empty message for the end": [
		"an empty message is a message",
		(end) => {
			const receive = end.receive.bind(end);
			end.receive = async (options) => {
				const message = await receive(options);
				return message?.length === 0 ? null : message;
			};
		},
	],
	"cuts long messages": [
		"boundaries are kept",
		(end) => {
			const receive = end.receive.bind(end);
			end.receive = async (options) => (await receive(options))?.subarray(0, 65_536) ?? null;
		},
	],
};

describe("a byte stream that breaks a promise is found by its check: one that", () => {
	for (const [fault, [name, sabotage]] of Object.entries(BROKEN_STREAMS)) {
		test(`${fault}: "${name}"`, async () => {
			const check = byteStreamChecks.find((each) => each.name === name);
			assert.ok(check !== undefined);
			const sabotaged = check.run(() => {
				const ends = memoryStreams();
				ends.forEach(sabotage);
				return ends;
			}, BROKEN_MS);
			await assert.rejects(sabotaged, { name: "CheckError", check: name });
		});
	}
});

describe("a packet channel that breaks a promise is found by its check: one that", () => {
	for (const [fault, [name, sabotage]] of Object.entries(BROKEN_PACKETS)) {
		test(`${fault}: "${name}"`, async () => {
			const check = packetChannelChecks.find((each) => each.name === name);
			assert.ok(check !== undefined);
			const sabotaged = check.run(() => {
				const ends = memoryPackets();
				ends.forEach(sabotage);
				return ends;
			}, BROKEN_MS);
			await assert.rejects(sabotaged, { name: "CheckError", check: name });
		});
	}
});

test("a whole suite runs as one call, and names every broken promise", async () => {
	await checkByteStream(() => memoryStreams());
	await checkPacketChannel(() => memoryPackets());
	const noIteration = (): [MemoryPackets, MemoryPackets] => {
		const ends = memoryPackets();
		for (const end of ends) end[Symbol.asyncDispose] = () => Promise.reject(new Error("broken"));
		for (const end of ends) end.receiveInto = () => Promise.reject(new Error("broken, too"));
		return ends;
	};
	await assert.rejects(checkPacketChannel(noIteration), (error) => {
		assert.ok(error instanceof AggregateError);
		assert.match(error.message, /^\d checks failed:\n- .*everything rejects after close/s);
		assert.ok(error.errors.every((each) => each instanceof CheckError));
		return true;
	});
});

test("checks can be left out by name, but not by a name that does not exist", async () => {
	const broken = (): [MemoryStream, MemoryStream] => {
		const ends = memoryStreams();
		for (const end of ends) end[Symbol.asyncDispose] = () => Promise.reject(new Error("broken"));
		return ends;
	};
	await assert.rejects(checkByteStream(broken), {
		name: "CheckError",
		check: "await using closes",
	});
	await checkByteStream(broken, { skip: ["await using closes"] });
	await assert.rejects(checkByteStream(broken, { skip: ["no such check"] }), TypeError);
});

test("names are unique and contracts are sentences", () => {
	for (const checks of [byteStreamChecks, packetChannelChecks, datagramChannelChecks]) {
		assert.equal(new Set(checks.map(({ name }) => name)).size, checks.length);
		for (const { contract } of checks) assert.match(contract, /^[A-Za-z"].* .*\.$/);
	}
});
