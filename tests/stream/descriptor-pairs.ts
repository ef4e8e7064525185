/** What tests of descriptors along with bytes have in common. */
import assert from "node:assert/strict";
import { fstatSync, openSync } from "node:fs";
import { type ArrivalOptions, type OwnedDescriptor, type Stream, socketpair } from "socketry";
import { openResources } from "socketry/testing";

export const SOME = { receiveDescriptors: true };
export const MANY = { receiveDescriptors: 253 };
const LOOP = /^anon_inode:\[(eventpoll|timerfd)\]$/;

/** How many descriptors are open, without those that the event loop opens for itself when it is first needed. */
export function openCount(): number {
	return [...openResources().descriptors.values()].filter((kind) => !LOOP.test(kind)).length;
}

/** Whether two descriptors are of one file. */
export function sameFile(fd: number, other: number): boolean {
	const [a, b] = [fstatSync(fd, { bigint: true }), fstatSync(other, { bigint: true })];
	return a.ino === b.ino && a.dev === b.dev;
}

/** Opens a file, whichever. */
export function openFile(): number {
	return openSync("/proc/self/status", "r");
}

/** Runs `body` with two ends, which are aborted after it. */
export async function withPair(
	options: ArrivalOptions,
	body: (left: Stream, right: Stream) => Promise<void>,
): Promise<void> {
	const [left, right] = socketpair("stream", options);
	try {
		await body(left, right);
	} finally {
		left.abort();
		right.abort();
	}
}

/** The descriptors that have come so far. */
export function taken(stream: Stream): OwnedDescriptor[] {
	return stream.takeDescriptors().flatMap(({ descriptors }) => [...descriptors]);
}

/** The credentials that came last, as an object of its own. */
export function plain({ lastCredentials }: Stream): object {
	return { ...lastCredentials };
}

/** Closes them. */
export function closeAll(descriptors: readonly OwnedDescriptor[]): void {
	for (const each of descriptors) each.close();
}

/** Writes until the kernel takes no more, and returns how many bytes there are. */
export function fill(stream: Stream): number {
	void stream.write(new Uint8Array(4 * 1_048_576));
	assert.ok(stream.queuedBytes > 0);
	return stream.bytesWritten;
}

/** How many bytes a pair holds. */
export async function room(): Promise<number> {
	let bytes = 0;
	await withPair({}, async (left) => {
		bytes = fill(left) - left.queuedBytes;
	});
	return bytes;
}

/** Reads until so many bytes have come. */
export async function drain(stream: Stream, bytes: number): Promise<void> {
	while (stream.bytesRead < bytes) {
		assert.notEqual(await stream.read(), null);
	}
}
