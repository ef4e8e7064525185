/** What the tests of `socketry/node` share. */
import { once } from "node:events";
import type { Duplex, Readable } from "node:stream";
import { socketpair } from "socketry";
import type { Stream } from "#src/stream/stream.ts";
import { connectedStreams } from "../support/pairs.ts";

/** Pairs of each kind of stream that Node knows too. */
export const TRANSPORTS: readonly [name: string, makePair: () => Promise<[Stream, Stream]>][] = [
	["TCP", () => connectedStreams("tcp://127.0.0.1:0")],
	["Unix", async () => socketpair()],
];

/** Bytes in which each place can be told from its neighbours. */
export function bytesOf(length: number): Buffer {
	const bytes = Buffer.alloc(length);
	for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 17 + (i >> 16) * 7) & 0xff;
	return bytes;
}

/** Everything up to the end; a loop over the source would destroy it then. */
export async function readAll(source: Readable): Promise<Buffer> {
	const chunks: Buffer[] = [];
	source.on("data", (chunk) => chunks.push(chunk));
	await once(source, "end");
	return Buffer.concat(chunks);
}

/** Waits until a socket is closed, with an error or without. */
export async function closed(socket: Duplex): Promise<void> {
	if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}
