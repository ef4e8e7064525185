/** Figures of one connection of messages. */
import type { PacketTransport } from "./packet-stream.ts";

/** What `PacketStream.stats` tells: counters from the beginning of the connection, and what waits now. */
export interface PacketStreamStats {
	readonly kind: "packets";
	readonly transport: PacketTransport;
	/** Messages handed out to receivers. */
	readonly receivedCount: number;
	/** Messages that the kernel has taken. */
	readonly sentCount: number;
	/** Bytes of the messages received. */
	readonly receivedBytes: number;
	/** Bytes of the messages sent. */
	readonly sentBytes: number;
	/** Bytes of messages that wait for the kernel. */
	readonly queuedBytes: number;
	/** Messages whose descriptors were refused. */
	readonly refusedDescriptorsCount: number;
}
