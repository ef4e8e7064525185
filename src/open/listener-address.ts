/** The type of a listener's address, by what it accepts. */

import type { PacketStream } from "../packet/packet-stream.ts";
import type { Address } from "../socket/address.ts";
import type { Stream } from "../stream/stream.ts";
import type { PacketAddress, StreamAddress } from "./connect.ts";

/** Where a listener of `T` can be: what `connect` makes a `T` of. */
export type ListenerAddress<T> = T extends Stream
	? StreamAddress
	: T extends PacketStream
		? PacketAddress
		: Address;
