/** `socketpair`: two connected ends in one process, to be kept or handed on. */
import { requireOneOf } from "../arguments.ts";
import { Datagrams } from "../datagram/datagrams.ts";
import { PacketStream } from "../packet/packet-stream.ts";
import { socketpair as pairOfSockets } from "../socket/socket.ts";
import { Stream } from "../stream/stream.ts";

/**
 * Makes two Unix sockets that are connected with each other.
 *
 * @param type `"stream"` for bytes (the default), `"seqpacket"` for messages, `"dgram"` for datagrams
 * @throws {SyscallError} EMFILE, ENFILE
 * @see socketpair(2)
 */
export function socketpair(type?: "stream"): [Stream, Stream];
export function socketpair(type: "seqpacket"): [PacketStream, PacketStream];
export function socketpair(type: "dgram"): [Datagrams, Datagrams];
export function socketpair(
	type: "stream" | "seqpacket" | "dgram" = "stream",
): [Stream, Stream] | [PacketStream, PacketStream] | [Datagrams, Datagrams] {
	requireOneOf("type", type, ["stream", "seqpacket", "dgram"]);
	const [left, right] = pairOfSockets(type);
	try {
		switch (type) {
			case "stream":
				return [Stream.over(left, "unix"), Stream.over(right, "unix")];
			case "seqpacket":
				return [
					PacketStream.over(left, "unix-seqpacket"),
					PacketStream.over(right, "unix-seqpacket"),
				];
			default:
				return [Datagrams.over(left, "unix-dgram"), Datagrams.over(right, "unix-dgram")];
		}
	} catch (error) {
		left.close();
		right.close();
		throw error;
	}
}
