/** Whatever the kernel, a driver or a path cannot do, the same datagrams arrive: each hindrance with each way of sending and receiving. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import fc from "fast-check";
import type { Datagrams } from "#src/datagram/datagrams.ts";
import { datagrams } from "#src/open/open-datagrams.ts";
import { IPPROTO_UDP, UDP_GRO } from "#src/sys/constants.ts";
import { BATCH_COLUMNS, BATCH_CONTROL_LENGTH, BATCH_DATA_LENGTH } from "#src/sys/contract.ts";
import { sys } from "#src/sys/current.ts";
import { EAGAIN, EINVAL, EIO, EMSGSIZE, ENOBUFS, ENOPROTOOPT, EOPNOTSUPP } from "#src/sys/errno.ts";
import { PATIENT } from "../support/patience.ts";

const original = { ...sys };
afterEach(() => {
	Object.assign(sys, original);
});

type Message = readonly [table: Int32Array, row: number];

function isSegmented([table, row]: Message): boolean {
	return table[row * BATCH_COLUMNS + BATCH_CONTROL_LENGTH] !== 0;
}

function bytesOf([table, row]: Message): number {
	return table[row * BATCH_COLUMNS + BATCH_DATA_LENGTH] as number;
}

/** The first message of a call that `isRefused` fails with `rc`, if it is the first; else those before it are sent. */
function refuse(rc: number, isRefused: (message: Message) => boolean): void {
	sys.sendmmsg = (fd, table, first, count, ...rest) => {
		for (let row = first; row < first + count; row++) {
			if (!isRefused([table, row])) continue;
			return row === first ? rc : original.sendmmsg(fd, table, first, row - first, ...rest);
		}
		return original.sendmmsg(fd, table, first, count, ...rest);
	};
}

/** Every third call fails with `rc`, by turns the first one too. */
function stumble(rc: number): void {
	let calls = 0;
	sys.sendmmsg = (...call) => (++calls % 3 === 1 ? rc : original.sendmmsg(...call));
}

const HINDRANCES: Readonly<Record<string, () => void>> = {
	nothing: () => {},
	"a driver that fails with EIO": () => refuse(EIO, isSegmented),
	"a driver that fails with EINVAL": () => refuse(EINVAL, isSegmented),
	"a route that fails with EOPNOTSUPP": () => refuse(EOPNOTSUPP, isSegmented),
	"segments that exceed the path": () =>
		refuse(EMSGSIZE, (message) => isSegmented(message) && bytesOf(message) > 3_000),
	"a kernel that takes 16 segments at most": () =>
		refuse(EINVAL, (message) => isSegmented(message) && bytesOf(message) > 16 * 64),
	"a kernel that takes one message a call": () => {
		sys.sendmmsg = (fd, table, first, _count, ...rest) =>
			original.sendmmsg(fd, table, first, 1, ...rest);
	},
	"a full socket": () => stumble(EAGAIN),
	"a full network card": () => stumble(ENOBUFS),
	"a kernel without UDP_GRO": () => {
		sys.setsockopt = (fd, level, name, value) =>
			level === IPPROTO_UDP && name === UDP_GRO
				? ENOPROTOOPT
				: original.setsockopt(fd, level, name, value);
	},
};

interface Run {
	readonly peer: number;
	readonly stride: number;
	readonly count: number;
	/** Bytes of the last datagram, of a stride. */
	readonly rest: number;
}

const PEERS = 2;

const runs: fc.Arbitrary<Run[]> = fc.array(
	fc
		.record({
			peer: fc.integer({ min: 0, max: PEERS - 1 }),
			stride: fc.oneof(fc.constantFrom(1, 64, 1_200), fc.integer({ min: 1, max: 2_000 })),
			count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 140 })),
			part: fc.double({ min: 0, max: 1, noNaN: true }),
		})
		.map(({ part, ...run }) => ({
			...run,
			rest: Math.ceil(part * (run.stride - 1)) || run.stride,
		})),
	{ maxLength: 6, size: "max" },
);

type Send = (socket: Datagrams, data: Buffer, stride: number, to: Datagrams) => Promise<void>;

const SENDING: Readonly<Record<string, Send>> = {
	send: async (socket, data, stride, to) => {
		for (let start = 0; start < data.length; start += stride) {
			await socket.send(data.subarray(start, start + stride), to.address);
		}
	},
	sendBatch: (socket, data, stride, to) => socket.sendBatch(data, stride, to.address),
};

type Receive = (socket: Datagrams, count: number) => Promise<Buffer[]>;

const RECEIVING: Readonly<Record<string, Receive>> = {
	receive: async (socket, count) => {
		const all: Buffer[] = [];
		while (all.length < count) {
			all.push(Buffer.from((await socket.receive(PATIENT)).data));
		}
		return all;
	},
	receiveBatch: async (socket, count) => {
		const all: Buffer[] = [];
		while (all.length < count) {
			const batch = await socket.receiveBatch(PATIENT);
			for (let i = 0; i < batch.count; i++) all.push(Buffer.from(batch.data(i)));
		}
		return all;
	},
};

async function exchange(all: readonly Run[], send: Send, receive: Receive): Promise<void> {
	const peers: Datagrams[] = [];
	for (let i = 0; i < PEERS; i++) {
		peers.push(await datagrams("udp://127.0.0.1:0", { receiveBufferBytes: 4_194_304 }));
	}
	const sender = await datagrams("udp://127.0.0.1:0");
	const expected: Buffer[][] = peers.map(() => []);
	try {
		for (const [i, { peer, stride, count, rest }] of all.entries()) {
			const data = Buffer.alloc(stride * (count - 1) + rest, i + 1);
			for (let j = 0; j < count; j++) data[j * stride] = j;
			for (let start = 0; start < data.length; start += stride) {
				expected[peer]?.push(data.subarray(start, start + stride));
			}
			await send(sender, data, stride, peers[peer] as Datagrams);
		}
		await sender.flush();
		assert.equal(sender.droppedCount, 0);
		for (const [i, peer] of peers.entries()) {
			const arrived = await receive(peer, (expected[i] as Buffer[]).length);
			assert.deepEqual(arrived, expected[i]);
			await assert.rejects(peer.receive({ timeoutMs: 0 }), { code: "ERR_TIMEOUT" });
		}
	} finally {
		sender.abort();
		for (const peer of peers) peer.abort();
	}
}

for (const [hindrance, hinder] of Object.entries(HINDRANCES)) {
	for (const [sending, send] of Object.entries(SENDING)) {
		for (const [receiving, receive] of Object.entries(RECEIVING)) {
			test(`with ${hindrance}, ${sending} and ${receiving} lose, merge and cut nothing`, async () => {
				hinder();
				await fc.assert(
					fc.asyncProperty(runs, (all) => exchange(all, send, receive)),
					{ numRuns: 15 },
				);
			});
		}
	}
}

test("a socket without checksums, which the kernel itself does not segment for, sends everything", async () => {
	const server = await datagrams("udp://127.0.0.1:0", { receiveBufferBytes: 4_194_304 });
	const client = await datagrams(undefined, { connect: server.address });
	client.socket.setOption("SO_NO_CHECK", true);
	const codes: number[] = [];
	sys.sendmmsg = (...call) => {
		const rc = original.sendmmsg(...call);
		if (rc < 0) codes.push(rc);
		return rc;
	};
	const data = Buffer.from(Array.from({ length: 1_000 }, (_, i) => i));
	await client.sendBatch(data, 10);
	for (let i = 0; i < 1_000; i += 10) await client.send(data.subarray(i, i + 10));
	await client.flush();
	const arrived = await RECEIVING["receive"]?.(server, 200);
	assert.ok(Buffer.concat([data, data]).equals(Buffer.concat(arrived ?? [])));
	// Asked once for each way of sending, at most.
	assert.deepEqual([...new Set(codes)], [EINVAL]);
	assert.ok(codes.length <= 2);
	await Promise.all([server.close(), client.close()]);
});
