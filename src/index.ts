/** `socketry`: connect, listen and exchange bytes or messages over every kind of socket. */

export type { DatagramBatch } from "./datagram/datagram-batch.ts";
export type { Datagram, DatagramChannel, DatagramTransport } from "./datagram/datagram-contract.ts";
export type { DatagramDetails, DetailSwitches } from "./datagram/datagram-details.ts";
export type { DatagramsOptions } from "./datagram/datagram-options.ts";
export type { Datagrams } from "./datagram/datagrams.ts";
export type { DatagramsStats } from "./datagram/datagrams-stats.ts";
export type { NetworkError, NetworkErrorListener } from "./datagram/error-queue.ts";
export type { Membership, MembershipOptions, Multicast } from "./datagram/multicast.ts";
export type { MtuDiscovery } from "./datagram/path-mtu.ts";
export type { ReplyGuardOptions } from "./datagram/reply-guard.ts";
export { ReplyGuard } from "./datagram/reply-guard.ts";
export type { SendDetails, SendOptions } from "./datagram/send-details.ts";
export type { TlsReason } from "./errors.ts";
export {
	AbortError,
	BusyError,
	ClosedError,
	DescriptorsLostError,
	EndOfStreamError,
	FramingError,
	InvalidAddressError,
	InvalidTypeError,
	InvalidValueError,
	LimitError,
	OutOfRangeError,
	PeerError,
	ProxyError,
	SocketError,
	SyscallError,
	SystemdError,
	TimeoutError,
	TlsError,
	TruncatedError,
	UnsafePathError,
	UnsupportedError,
} from "./errors.ts";
export { LIMITS } from "./limits.ts";
export type { Group, User } from "./open/accounts.ts";
export type { AdmissionOptions, RefusedPeer } from "./open/admission.ts";
export type { Adopted, AdoptedKind, AdoptOptions } from "./open/adopt.ts";
export { adopt } from "./open/adopt.ts";
export type { PeerPolicy } from "./open/allow.ts";
export { anyone, groups, sameUser, users } from "./open/allow.ts";
export type { CachedResolver, CachedResolverOptions } from "./open/cached-resolver.ts";
export { cachedResolver } from "./open/cached-resolver.ts";
export type { ConnectOptions } from "./open/connect.ts";
export { connect } from "./open/connect.ts";
export type {
	AcceptedEvent,
	ClosedEvent,
	ConnectedEvent,
	ConnectionSource,
	DroppedEvent,
	ErrorEvent,
	EventSource,
	OpenedEvent,
	SocketryEvents,
	UnconnectedEvent,
} from "./open/events.ts";
export type { ListenOptions } from "./open/listen.ts";
export { listen } from "./open/listen.ts";
export type { Listener, Overload } from "./open/listener.ts";
export type { ListenerStats } from "./open/listener-stats.ts";
export type { LookupOptions } from "./open/lookup.ts";
export { lookup } from "./open/lookup.ts";
export type { OpenDatagramsOptions } from "./open/open-datagrams.ts";
export { datagrams } from "./open/open-datagrams.ts";
export type { SocketOwner } from "./open/owner.ts";
export { socketpair } from "./open/pair.ts";
export type { FailedAttempt, RetryOptions } from "./open/retry.ts";
export type { KeepAlive } from "./open/tcp-settings.ts";
export { whenReachable } from "./open/when-reachable.ts";
export type { PacketChannel, PacketSink, PacketSource } from "./packet/packet-contract.ts";
export type { PacketMessage } from "./packet/packet-intake.ts";
export type {
	PacketSendOptions,
	PacketStream,
	PacketStreamOptions,
	PacketTransport,
} from "./packet/packet-stream.ts";
export type { PacketStreamStats } from "./packet/packet-stream-stats.ts";
export type {
	AbstractAddress,
	ActivationAddress,
	Address,
	Addresses,
	AddressInput,
	AddressOf,
	DescriptorAddress,
	HostAddress,
	IpTransport,
	PathAddress,
	ServiceAddress,
	TcpAddress,
	Transport,
	UdpAddress,
	UnixAddress,
	UnixTransport,
	UnnamedAddress,
	VsockAddress,
	VsockTransport,
} from "./socket/address.ts";
export { formatAddress, parseAddress, sameAddress } from "./socket/address.ts";
export type { ArrivalOptions, MessageCredentials } from "./socket/arrived-control.ts";
export type { DescriptorKind } from "./socket/descriptor-kind.ts";
export type { DroppedThing } from "./socket/diagnostics.ts";
export type { MapOptions, Seals } from "./socket/memfd.ts";
export { Memfd } from "./socket/memfd.ts";
export type { PacketDestination } from "./socket/metadata.ts";
export type { Credentials } from "./socket/option-value.ts";
export { OwnedDescriptor } from "./socket/owned-descriptor.ts";
export type { Given, HasDescriptor, HasSocket, Passable } from "./socket/passable.ts";
export { give } from "./socket/passable.ts";
export type { PassOptions } from "./socket/passage.ts";
export type { PeerCredentials } from "./socket/peer-credentials.ts";
export type { PidfdOptions } from "./socket/peer-pidfd.ts";
export { isAlive } from "./socket/peer-pidfd.ts";
export type { Resolver, ServiceRecord, ServiceResolver } from "./socket/resolve.ts";
export type { Feature, KindFeature } from "./socket/supports.ts";
export { supports } from "./socket/supports.ts";
export type { TcpInfo } from "./socket/tcp-info.ts";
export type { SocketTransport } from "./socket/transport.ts";
export type { WaitOptions } from "./socket/wait.ts";
export type { DescriptorArrival } from "./stream/arrivals.ts";
export type { ByteSink, ByteSource, ByteStream, ReadUntilOptions } from "./stream/contract.ts";
export type { Stream, StreamTransport, WriteOptions } from "./stream/stream.ts";
export type { StreamStats } from "./stream/stream-stats.ts";
