/** `socketpair`: two connected ends in one process, to be kept or handed on. */
import { requireOneOf } from "../arguments.ts";
import type { DatagramsOptions } from "../datagram/datagram-options.ts";
import { Datagrams } from "../datagram/datagrams.ts";
import { PacketStream, type PacketStreamOptions } from "../packet/packet-stream.ts";
import type { ArrivalOptions } from "../socket/arrived-control.ts";
import { socketpair as pairOfSockets } from "../socket/socket.ts";
import { Stream } from "../stream/stream.ts";
import { DATAGRAMS_CHECKS } from "./open-datagrams.ts";
import { ARRIVAL_CHECKS, CHECKED_LATER, type Checks, checkOpenOptions } from "./open-options.ts";

const CHECKS = {
	stream: ARRIVAL_CHECKS,
	seqpacket: {
		...ARRIVAL_CHECKS,
		maxMessageBytes: CHECKED_LATER,
	} satisfies Checks<PacketStreamOptions>,
	dgram: DATAGRAMS_CHECKS,
};

/**
 * Makes two Unix sockets that are connected with each other.
 *
 * @param type `"stream"` for bytes (the default), `"seqpacket"` for messages, `"dgram"` for datagrams
 * @param options for both ends
 * @throws {InvalidTypeError | OutOfRangeError} an option is wrong
 * @throws {SyscallError} EMFILE, ENFILE
 * @see socketpair(2)
 */
export function socketpair(type?: "stream", options?: ArrivalOptions): [Stream, Stream];
export function socketpair(
	type: "seqpacket",
	options?: PacketStreamOptions,
): [PacketStream, PacketStream];
export function socketpair(type: "dgram", options?: DatagramsOptions): [Datagrams, Datagrams];
export function socketpair(
	type: "stream" | "seqpacket" | "dgram" = "stream",
	options: ArrivalOptions & PacketStreamOptions & DatagramsOptions = {},
): [Stream, Stream] | [PacketStream, PacketStream] | [Datagrams, Datagrams] {
	requireOneOf("type", type, ["stream", "seqpacket", "dgram"]);
	checkOpenOptions<object>(options, CHECKS[type]);
	const [left, right] = pairOfSockets(type);
	try {
		switch (type) {
			case "stream":
				return [Stream.over(left, "unix", options), Stream.over(right, "unix", options)];
			case "seqpacket":
				return [
					PacketStream.over(left, "unix-seqpacket", options),
					PacketStream.over(right, "unix-seqpacket", options),
				];
			default:
				return [
					Datagrams.over(left, "unix-dgram", options),
					Datagrams.over(right, "unix-dgram", options),
				];
		}
	} catch (error) {
		left.close();
		right.close();
		throw error;
	}
}
