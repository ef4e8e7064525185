/** `adopt`: from a descriptor that came along to an object of its class. */
import { requireOneOf } from "../arguments.ts";
import type { Datagrams } from "../datagram/datagrams.ts";
import { ClosedError, InvalidTypeError, InvalidValueError } from "../errors.ts";
import type { PacketStream } from "../packet/packet-stream.ts";
import { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import type { Stream } from "../stream/stream.ts";
import { type ConnectOptions, connectionOverFd } from "./connect.ts";
import { ACCEPTING_CHECKS, type ListenOptions, listenerOverFd } from "./listen.ts";
import type { Listener } from "./listener.ts";
import { DATAGRAMS_CHECKS, datagramsOverFd, type OpenDatagramsOptions } from "./open-datagrams.ts";
import { CHECKED_LATER, type Checks, checkOpenOptions } from "./open-options.ts";

/** Kinds of descriptor that there is a class for. */
export type AdoptedKind = "stream" | "packets" | "listener" | "datagrams";

/** Options of `adopt`: what the class that it comes to takes of those of `connect`, `listen` and `datagrams`; the others do nothing. */
export interface AdoptOptions
	extends Pick<ConnectOptions, "owner" | "receiveCredentials" | "receiveDescriptors">,
		Pick<ListenOptions, "allow" | "busyPollUs" | "onOverload" | "onRefused" | "signal">,
		Pick<
			OpenDatagramsOptions,
			"details" | "maxMessageBytes" | "offload" | "onFull" | "onNetworkError" | "queueBytes"
		> {
	/** What it has to be. Default: anything. */
	readonly kind?: AdoptedKind | undefined;
}

const CHECKS: Checks<AdoptOptions> = {
	...DATAGRAMS_CHECKS,
	...ACCEPTING_CHECKS,
	kind: CHECKED_LATER,
	owner: CHECKED_LATER,
};

/**
 * Makes an object of the right class of a descriptor, which moves into it: `owned` is closed then. What there is no class for, such as a file, is
 * returned as it is. The descriptor becomes non-blocking, for everybody who has a duplicate of it.
 *
 * Bytes that the former owner had read ahead are not in the descriptor. A socket file stays with whoever made it.
 *
 * @throws {InvalidValueError} it is of another kind than `options.kind`; nothing has happened to it
 * @throws {ClosedError} it is closed or given away
 * @throws {SyscallError} ENOTCONN: a stream that is not connected. `owned` stays as it was
 * @throws {InvalidAddressError} a socket of a family without a transport here. `owned` stays as it was
 * @example for (const { descriptors } of stream.takeDescriptors()) for (const each of descriptors) serve(adopt(each, { kind: "stream" }));
 */
export function adopt(owned: OwnedDescriptor, options: AdoptOptions & { kind: "stream" }): Stream;
export function adopt(
	owned: OwnedDescriptor,
	options: AdoptOptions & { kind: "packets" },
): PacketStream;
export function adopt(
	owned: OwnedDescriptor,
	options: AdoptOptions & { kind: "listener" },
): Listener<Stream> | Listener<PacketStream>;
export function adopt(
	owned: OwnedDescriptor,
	options: AdoptOptions & { kind: "datagrams" },
): Datagrams;
export function adopt(owned: OwnedDescriptor, options?: AdoptOptions): Adopted;
export function adopt(owned: OwnedDescriptor, options: AdoptOptions = {}): Adopted {
	if (!(owned instanceof OwnedDescriptor)) {
		throw new InvalidTypeError("owned", "an OwnedDescriptor", owned);
	}
	checkOpenOptions(options, CHECKS);
	if (owned.closed) throw new ClosedError("The descriptor");
	const found = owned.kind;
	const { kind } = options;
	if (kind !== undefined) {
		requireOneOf("kind", kind, ["stream", "packets", "listener", "datagrams"]);
		if (kind !== found) throw new InvalidValueError("owned", `must be of kind ${kind}`, found);
	}
	// Of listeners and datagram sockets the option of this name is another: whose the file shall be.
	const { owner: _, ...others } = options;
	switch (found) {
		case "stream":
		case "packets":
			return owned.moveInto((fd) => connectionOverFd(fd, options));
		case "listener":
			return owned.moveInto((fd) => listenerOverFd(fd, others));
		case "datagrams":
			return owned.moveInto((fd) => datagramsOverFd(fd, others));
		default:
			return owned;
	}
}

/** What `adopt` makes. */
export type Adopted =
	| Stream
	| PacketStream
	| Listener<Stream>
	| Listener<PacketStream>
	| Datagrams
	| OwnedDescriptor;
