/** Ends of a firehose: each writes, or reads, as fast as awaiting each call lets it, and ends without a word when the other side does. */
import type { Address, Datagrams, PacketStream, Stream } from "socketry";
import { turns } from "#src/testing/expectations.ts";

const CHUNK = new Uint8Array(65_536);
const MESSAGE = new Uint8Array(8_192);
const DATAGRAM = new Uint8Array(1_200);

/** How many bytes have come out of a hose so far. */
export function bytesFrom(end: Stream | PacketStream | Datagrams): number {
	if ("bytesRead" in end) return end.bytesRead;
	return end.receivedCount * (end.kind === "packets" ? MESSAGE : DATAGRAM).length;
}

/** Writes to a stream until it fails. */
export async function pour(stream: Stream): Promise<void> {
	await untilItFails(() => stream.write(CHUNK));
}

/** Reads from a stream until its end. */
export async function drink(stream: Stream): Promise<void> {
	await untilItFails(async () => {
		if ((await stream.read()) === null) throw new Error("the end");
	});
}

/** Sends messages until it fails. */
export async function pourPackets(packets: PacketStream): Promise<void> {
	await untilItFails(() => packets.send(MESSAGE));
}

/** Receives messages until the end. */
export async function drinkPackets(packets: PacketStream): Promise<void> {
	await untilItFails(async () => {
		if ((await packets.receive()) === null) throw new Error("the end");
	});
}

/** Sends datagrams until the socket is closed. */
export async function pourDatagrams(socket: Datagrams, to?: Address): Promise<void> {
	await untilItFails(() => socket.send(DATAGRAM, to));
}

/** Receives datagrams until the socket is closed. */
export async function drinkDatagrams(socket: Datagrams): Promise<void> {
	await untilItFails(() => socket.receive());
}

// What follows is a plain loop: whether anybody else has a turn is up to the library.
async function untilItFails(step: () => Promise<unknown>): Promise<void> {
	try {
		for (;;) await step();
	} catch {
		await turns(1);
	}
}
