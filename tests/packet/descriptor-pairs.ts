/** What tests of descriptors along with messages have in common. */
import assert from "node:assert/strict";
import { type PacketStream, socketpair } from "socketry";
import { takeMarks, withEnds } from "../support/marked-descriptors.ts";

type Options = Parameters<typeof socketpair>[1];

export const SOME = { receiveDescriptors: true };

/** Runs `body` with two ends, which are aborted after it. */
export function withPair(
	options: Options,
	body: (left: PacketStream, right: PacketStream) => Promise<void>,
): Promise<void> {
	return withEnds(socketpair("seqpacket", options), body);
}

/** The text of the next message, and the marks of its descriptors, which are closed. */
export async function received(packets: PacketStream): Promise<[text: string, marks: bigint[]]> {
	const message = await packets.receiveMessage();
	assert.ok(message !== null);
	return [String(message.data), takeMarks(message.descriptors)];
}

/** Sends until the kernel takes no more. Returns the promise that waits, and how many messages there are. */
export function fill(packets: PacketStream): { waiting: Promise<void>; count: number } {
	let count = 0;
	while (packets.trySend(`filler ${count}`)) count++;
	return { waiting: packets.send(`filler ${count}`), count: count + 1 };
}

/** Receives what `fill` has sent. */
export async function drain(packets: PacketStream, count: number): Promise<void> {
	for (let i = 0; i < count; i++) assert.deepEqual(await received(packets), [`filler ${i}`, []]);
}
