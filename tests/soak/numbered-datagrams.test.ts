import assert from "node:assert/strict";
import { test } from "node:test";
import { type Datagrams, datagrams, formatAddress } from "socketry";
import { startChild } from "../support/children.ts";
import { abstractName } from "../support/pairs.ts";
import { END_MARK, numberOf, readUint32 } from "./numbered.ts";

/**
 * Datagrams of each run. The long one takes minutes, more than the runner allows a file:
 * SOCKETRY_SOAK=10000000 node .build/tests/soak/numbered-datagrams.test.js
 */
const COUNT = Number(process.env["SOCKETRY_SOAK"] ?? 200_000);
/** Datagrams received in one way before it is the turn of the other. */
const TURN = 50_000;

const SENDER = new URL("./numbering.peer.js", import.meta.url);

interface Tally {
	received: number;
	bytes: number;
	/** Those that are not exactly as some datagram was sent. */
	wrong: number;
	/** Those that had come before. */
	repeated: number;
	/** Those that came after one with a higher number. */
	late: number;
	/** What the kernel counted as dropped for want of room, and of these the marks of the end. */
	missed: number;
	missedMarks: number;
}

/** Receives until the end mark, by batches and by single datagrams in turn, and tells the sender how far it is. */
async function receiveAll(socket: Datagrams, count: number): Promise<Tally> {
	const tally = {
		received: 0,
		bytes: 0,
		wrong: 0,
		repeated: 0,
		late: 0,
		missed: 0,
		missedMarks: 0,
	};
	const seen = new Uint8Array(Math.ceil(count / 8));
	let highest = -1;
	let isOver = false;
	const take = (memory: Uint8Array, offset: number, length: number): void => {
		const number = numberOf(memory, offset, length);
		if (number === END_MARK) {
			isOver = true;
			tally.missedMarks = readUint32(memory, offset + 4);
			return;
		}
		tally.received++;
		tally.bytes += length;
		if (number < 0 || number >= count) {
			tally.wrong++;
			return;
		}
		const bit = 1 << (number & 7);
		const place = number >> 3;
		if (((seen[place] as number) & bit) !== 0) tally.repeated++;
		seen[place] = (seen[place] as number) | bit;
		if (number < highest) tally.late++;
		else highest = number;
	};
	while (!isOver) {
		if (tally.received % (2 * TURN) < TURN) {
			const batch = await socket.receiveBatch();
			for (let i = 0; i < batch.count; i++) {
				take(batch.memory, batch.offset(i), batch.length(i));
				tally.missed = batch.details(i)?.missedCount ?? tally.missed;
			}
			confirm(socket, batch.from(0), isOver ? END_MARK : highest);
		} else {
			const { data, from, missedCount, truncated } = await socket.receive();
			take(data, 0, truncated ? 0 : data.length);
			tally.missed = missedCount ?? tally.missed;
			confirm(socket, from, isOver ? END_MARK : highest);
		}
	}
	return tally;
}

const confirmation = new Uint8Array(4);

function confirm(socket: Datagrams, to: Parameters<Datagrams["send"]>[1], number: number): void {
	if (socket.address.transport !== "udp" && number !== END_MARK) return;
	new DataView(confirmation.buffer).setUint32(0, Math.max(number, 0), true);
	socket.trySend(confirmation, to);
}

for (const [name, address, offload] of [
	["UDP", "udp://127.0.0.1:0", true],
	["UDP without segmentation", "udp://127.0.0.1:0", false],
	["Unix datagram sockets", `unix-dgram:${abstractName()}`, true],
] as const) {
	test(`of ${COUNT} numbered datagrams over ${name} none is split, merged, cut or repeated, and every loss is counted`, {
		timeout: 600_000,
	}, async (t) => {
		const isUdp = address.startsWith("udp");
		const socket = await datagrams(address, { offload, details: { missedCount: isUdp } });
		const start = performance.now();
		const sender = startChild(SENDER, {
			args: [formatAddress(socket.address), `${COUNT}`, `${offload}`],
			timeoutMs: 600_000,
		});
		const tally = await receiveAll(socket, COUNT);
		const elapsedMs = performance.now() - start;
		const { code, stderr } = await sender.ended;
		await socket.close();
		assert.equal(code, 0, stderr);
		const lost = COUNT - tally.received;
		const rate = Math.round(tally.received / elapsedMs);
		t.diagnostic(`${name}: ${COUNT} sent, ${lost} lost, ${tally.late} late, ${rate} kpps`);
		assert.deepEqual([tally.wrong, tally.repeated, socket.truncatedCount], [0, 0, 0]);
		if (!isUdp) assert.deepEqual([lost, tally.late], [0, 0]);
		// What the kernel had glued together it drops and counts as one.
		else if (offload) assert.ok(tally.missed - tally.missedMarks <= lost);
		else assert.equal(tally.missed - tally.missedMarks, lost);
		if (lost > 0) assert.ok(tally.missed > 0);
	});
}
