/** A million descriptors are passed, and as many messages with descriptors that nobody wants: all of them are accounted for, none is left. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Datagrams, type OwnedDescriptor, type PacketStream, socketpair } from "socketry";
import { assertNoLeaks, openResources } from "socketry/testing";
import { closeAll, marked, markOf, openMarkedCount } from "../support/marked-descriptors.ts";

/** The long run is for those who land changes. */
const TOTAL = Number(process.env["SOCKETRY_DESCRIPTORS"] ?? 1_000_000);
const PER_MESSAGE = 250;
const UNASKED = 100_000;

type Kind = "seqpacket" | "dgram";
type End = PacketStream | Datagrams;

function pair(kind: Kind, options: object): [End, End] {
	return kind === "seqpacket" ? socketpair(kind, options) : socketpair(kind, options);
}

function trySend(end: End, data: string, descriptors: readonly OwnedDescriptor[]): boolean {
	return "receiveMessage" in end
		? end.trySend(data, { descriptors })
		: end.trySend(data, undefined, { descriptors });
}

async function receive(end: End): Promise<OwnedDescriptor[]> {
	const message = await ("receiveMessage" in end ? end.receiveMessage() : end.receive());
	return message?.descriptors ?? [];
}

for (const kind of ["seqpacket", "dgram"] as const) {
	const share = TOTAL / 2;
	test(`${share} descriptors pass over ${kind} sockets, none is mistaken and none is left`, async (t) => {
		const before = openResources();
		const [left, right] = pair(kind, { receiveDescriptors: PER_MESSAGE });
		const files = [marked(), marked()];
		const marks = files.map(markOf);
		const begin = performance.now();
		let sent = 0;
		let received = 0;
		while (received < share) {
			const file = files[(sent / PER_MESSAGE) % 2] as OwnedDescriptor;
			const message = Array.from({ length: PER_MESSAGE }, () => file);
			if (sent < share && trySend(left, "", message)) {
				sent += PER_MESSAGE;
				continue;
			}
			const arrived = await receive(right);
			assert.equal(arrived.length, PER_MESSAGE);
			const expected = marks[(received / PER_MESSAGE) % 2];
			for (const i of [0, PER_MESSAGE - 1]) {
				assert.equal(markOf(arrived[i] as OwnedDescriptor), expected);
			}
			closeAll(arrived);
			received += arrived.length;
		}
		const perSecond = Math.round(share / (performance.now() - begin));
		t.diagnostic(`${perSecond} thousand a second`);
		assert.equal(openMarkedCount(), 2);
		closeAll(files);
		left.abort();
		right.abort();
		await assertNoLeaks(before);
	});

	test(`${UNASKED} messages with descriptors that nobody wants, over ${kind} sockets: all are counted, none is opened`, async () => {
		const before = openResources();
		const [left, right] = pair(kind, {});
		const file = marked();
		let sent = 0;
		let received = 0;
		while (received < UNASKED) {
			if (sent < UNASKED && trySend(left, "x", [file, file])) sent++;
			else {
				await right.receive();
				received++;
				if (received % 10_000 === 0) assert.equal(openMarkedCount(), 1);
			}
		}
		assert.equal(right.refusedDescriptorsCount, UNASKED);
		assert.equal(openMarkedCount(), 1);
		file.close();
		left.abort();
		right.abort();
		await assertNoLeaks(before);
	});
}
