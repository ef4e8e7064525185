/** `socketry`: connect, listen and exchange bytes or messages over every kind of socket. */
export {
	AbortError,
	BusyError,
	ClosedError,
	EndOfStreamError,
	InvalidAddressError,
	InvalidTypeError,
	InvalidValueError,
	LimitError,
	OutOfRangeError,
	SocketError,
	SyscallError,
	TimeoutError,
	TruncatedError,
	UnsupportedError,
} from "./errors.ts";
export { LIMITS } from "./limits.ts";
export type { Address } from "./socket/address.ts";
export { formatAddress, parseAddress, sameAddress } from "./socket/address.ts";
export type { Resolver } from "./socket/resolve.ts";
export type { Feature, KindFeature } from "./socket/supports.ts";
export { supports } from "./socket/supports.ts";
export type { WaitOptions } from "./socket/wait.ts";
export type { ConnectOptions } from "./stream/connect.ts";
export { connect } from "./stream/connect.ts";
export type { ByteSink, ByteSource, ByteStream, ReadUntilOptions } from "./stream/contract.ts";
export type { DatagramBatch } from "./stream/datagram-batch.ts";
export type { Datagram, DatagramChannel, DatagramTransport } from "./stream/datagram-contract.ts";
export type { DatagramDetails, DetailSwitches } from "./stream/datagram-details.ts";
export type { DatagramsOptions } from "./stream/datagram-options.ts";
export type { Datagrams } from "./stream/datagrams.ts";
export type { NetworkError, NetworkErrorListener } from "./stream/error-queue.ts";
export type { ListenOptions } from "./stream/listen.ts";
export { listen } from "./stream/listen.ts";
export type { Listener, Overload } from "./stream/listener.ts";
export type { Membership, MembershipOptions, Multicast } from "./stream/multicast.ts";
export type { OpenDatagramsOptions } from "./stream/open-datagrams.ts";
export { datagrams } from "./stream/open-datagrams.ts";
export type { PacketChannel, PacketSink, PacketSource } from "./stream/packet-contract.ts";
export type { PacketStream } from "./stream/packet-stream.ts";
export { socketpair } from "./stream/pair.ts";
export type { ReplyGuardOptions } from "./stream/reply-guard.ts";
export { ReplyGuard } from "./stream/reply-guard.ts";
export type { SendOptions } from "./stream/send-details.ts";
export type { Stream, StreamTransport } from "./stream/stream.ts";
export type { KeepAlive } from "./stream/tcp-settings.ts";
