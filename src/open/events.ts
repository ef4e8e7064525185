/** Messages of the `diagnostics_channel`s. Types only: subscribe by `node:diagnostics_channel`. */
import type { DatagramTransport } from "../datagram/datagram-contract.ts";
import type { Datagrams } from "../datagram/datagrams.ts";
import type { DatagramsStats } from "../datagram/datagrams-stats.ts";
import type { PacketStream, PacketTransport } from "../packet/packet-stream.ts";
import type { PacketStreamStats } from "../packet/packet-stream-stats.ts";
import type { Address } from "../socket/address.ts";
import type { DroppedThing } from "../socket/diagnostics.ts";
import type { SocketTransport } from "../socket/transport.ts";
import type { Stream, StreamTransport } from "../stream/stream.ts";
import type { StreamStats } from "../stream/stream-stats.ts";
import type { Listener } from "./listener.ts";
import type { ListenerStats } from "./listener-stats.ts";

/** The connection that an event tells of. `kind` says which class it is of. */
export type ConnectionSource =
	| { readonly kind: "stream"; readonly transport: StreamTransport; readonly source: Stream }
	| {
			readonly kind: "packets";
			readonly transport: PacketTransport;
			readonly source: PacketStream;
	  };

/** The object that an event tells of, the same in all its events. */
export type EventSource =
	| ConnectionSource
	| {
			readonly kind: "listener";
			readonly transport: SocketTransport;
			readonly source: Listener<Stream> | Listener<PacketStream>;
	  }
	| {
			readonly kind: "datagrams";
			readonly transport: DatagramTransport;
			readonly source: Datagrams;
	  };

/** Of `socketry:opened`: an object was made, in whatever way. */
export type OpenedEvent = EventSource;

/** Of `socketry:connected`: `connect` has made a connection. Follows its `socketry:opened`. */
export type ConnectedEvent = ConnectionSource & {
	/** What was asked for: perhaps a name, or a service. What was found is the `peer` of the source. */
	readonly address: Address;
	/** Time it took, looking up the name included, in milliseconds. */
	readonly durationMs: number;
};

/** Of `socketry:accepted`: a listener has accepted a connection. Follows its `socketry:opened`. */
export type AcceptedEvent = ConnectionSource & {
	readonly listener: Listener<Stream> | Listener<PacketStream>;
};

/** Of `socketry:closed`: once for each object that was opened, unless it is collected while open. */
export type ClosedEvent = EventSource & {
	/** `"detached"`: the socket was given away, open. */
	readonly how: "closed" | "detached";
	/** The last figures. */
	readonly stats: StreamStats | PacketStreamStats | DatagramsStats | ListenerStats;
};

/** Of `socketry:error`: a failure that ends more than the call which met it, or which no call could be told of when it came. */
export type ErrorEvent =
	| (EventSource & {
			readonly operation: "accept" | "read" | "write" | "receive" | "send";
			readonly error: Error;
	  })
	| UnconnectedEvent;

/** Of `socketry:error`: an attempt to connect has failed. With the option `retry` each attempt is told of. */
export interface UnconnectedEvent {
	readonly kind: "stream" | "packets";
	readonly transport: SocketTransport;
	/** There is no object. */
	readonly source: undefined;
	readonly operation: "connect";
	readonly error: Error;
	/** Where it was to connect to. */
	readonly address: Address;
	/** Time it took to fail, in milliseconds. */
	readonly durationMs: number;
}

/** Of `socketry:dropped`: something was dropped or refused, and counted. */
export type DroppedEvent = EventSource & {
	/**
	 * `"connections"`: a listener had no descriptor or memory for them. `"peers"`: the policy `allow` refused them. `"datagrams"`: taken by `send` and not
	 * sent. `"missed"`: datagrams that the kernel dropped on the way in, if `details: { missedCount: true }` was asked for. `"descriptors"`: messages or
	 * reads whose descriptors were refused.
	 */
	readonly what: DroppedThing;
	/** How many, 1 or more. */
	readonly count: number;
	/** Why, of `"connections"`: `"EMFILE"`, `"ENFILE"`, `"ENOBUFS"` or `"ENOMEM"`. */
	readonly code: string | undefined;
};

/** Each channel's message. */
export interface SocketryEvents {
	"socketry:opened": OpenedEvent;
	"socketry:connected": ConnectedEvent;
	"socketry:accepted": AcceptedEvent;
	"socketry:closed": ClosedEvent;
	"socketry:error": ErrorEvent;
	"socketry:dropped": DroppedEvent;
}
