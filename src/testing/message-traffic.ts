/** Messages that say which one they are, and the loops that send and expect them. */
import assert from "node:assert/strict";
import type { PacketSink, PacketSource } from "../packet/packet-contract.ts";
import { delay, isPending, settled } from "./expectations.ts";

const CLOG_MAX = 100_000;
const CLOG_SETTLE_MS = 25;
const WAIT_MS = 25_000;

/** The text of the `index`-th message. */
export function label(index: number): string {
	return `message ${index} ${"x".repeat(index % 50)}`;
}

/** Expects the next message to be this text. */
export async function expectText(source: PacketSource, text: string): Promise<void> {
	const message = await settled(source.receive(), WAIT_MS, "receive()");
	assert.ok(message !== null, `the end came in place of ${JSON.stringify(text)}`);
	assert.equal(Buffer.from(message).toString(), text);
}

/** Expects the messages with the labels from `first` to `end - 1`. */
export async function expectLabels(
	source: PacketSource,
	first: number,
	end: number,
): Promise<void> {
	for (let i = first; i < end; i++) await expectText(source, label(i));
}

/** Expects the end, and no message before it. */
export async function expectNoMore(source: PacketSource): Promise<void> {
	const message = await settled(source.receive(), WAIT_MS, "receive() at the end");
	assert.equal(message, null, `a message of ${message?.length} bytes came in place of the end`);
}

/** What `clogMessages` has done. */
export interface CloggedMessages {
	/** Messages sent, with the labels from 0 on. */
	readonly count: number;
	/** The send that waits for room. */
	readonly pending: Promise<void>;
}

/** Sends labelled messages until a send waits for the peer to receive. */
export async function clogMessages(sink: PacketSink): Promise<CloggedMessages> {
	for (let i = 0; i < CLOG_MAX; i++) {
		const pending = sink.send(label(i));
		if (sink.queuedBytes > 0 && (await isPending(pending))) {
			await delay(CLOG_SETTLE_MS);
			if (await isPending(pending)) return { count: i + 1, pending };
		}
		await pending;
	}
	assert.fail(
		`the channel took ${CLOG_MAX} messages that nobody received, and never asked to wait`,
	);
}
