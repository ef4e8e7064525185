/** `socketpair`: two connected ends in one process, to be kept or handed on. */
import { requireOneOf } from "../arguments.ts";
import { socketpair as pairOfSockets } from "../socket/socket.ts";
import { PacketStream } from "./packet-stream.ts";
import { Stream } from "./stream.ts";

/**
 * Makes two Unix sockets that are connected with each other.
 *
 * @param type `"stream"` for bytes (the default), `"seqpacket"` for messages
 * @throws {SyscallError} EMFILE, ENFILE
 * @see socketpair(2)
 */
export function socketpair(type?: "stream"): [Stream, Stream];
export function socketpair(type: "seqpacket"): [PacketStream, PacketStream];
export function socketpair(
	type: "stream" | "seqpacket" = "stream",
): [Stream, Stream] | [PacketStream, PacketStream] {
	requireOneOf("type", type, ["stream", "seqpacket"]);
	const [left, right] = pairOfSockets(type);
	return type === "stream"
		? [Stream.over(left, "unix"), Stream.over(right, "unix")]
		: [PacketStream.over(left, "unix-seqpacket"), PacketStream.over(right, "unix-seqpacket")];
}
