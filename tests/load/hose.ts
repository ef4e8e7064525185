/** Ends of a firehose: each writes, or reads, as fast as awaiting each call lets it, and ends without a word when the other side does. */
import type { Address, Datagrams, PacketStream, Stream } from "socketry";
import { turns } from "#src/testing/expectations.ts";

const CHUNK = new Uint8Array(65_536);
const MESSAGE = new Uint8Array(8_192);
const DATAGRAM = new Uint8Array(1_200);

/** Writes to a stream until it fails. */
export async function pour(stream: Stream): Promise<void> {
	await untilItFails(() => stream.write(CHUNK));
}

/** Reads from a stream until its end. Resolves to the bytes. */
export async function drink(stream: Stream): Promise<number> {
	await untilItFails(async () => {
		if ((await stream.read()) === null) throw new Error("the end");
	});
	return stream.bytesRead;
}

/** Sends messages until it fails. */
export async function pourPackets(packets: PacketStream): Promise<void> {
	await untilItFails(() => packets.send(MESSAGE));
}

/** Receives messages until the end. Resolves to the bytes. */
export async function drinkPackets(packets: PacketStream): Promise<number> {
	await untilItFails(async () => {
		if ((await packets.receive()) === null) throw new Error("the end");
	});
	return packets.messagesReceived * MESSAGE.length;
}

/** Sends datagrams until the socket is closed. */
export async function pourDatagrams(socket: Datagrams, to?: Address): Promise<void> {
	await untilItFails(() => socket.send(DATAGRAM, to));
}

/** Receives datagrams until the socket is closed. Resolves to the bytes. */
export async function drinkDatagrams(socket: Datagrams): Promise<number> {
	await untilItFails(() => socket.receive());
	return socket.receivedCount * DATAGRAM.length;
}

// What follows is a plain loop: whether anybody else has a turn is up to the library.
async function untilItFails(step: () => Promise<unknown>): Promise<void> {
	try {
		for (;;) await step();
	} catch {
		await turns(1);
	}
}
