/**
 * What a datagram socket promises, whoever implements it.
 *
 * 1. A datagram arrives whole or not at all, never merged with another; how many arrive, and in which order, is the transport's affair.
 * 2. At most one receive is pending; a second one rejects with `BusyError`. Sends to one peer leave in the order of their calls.
 *    An aborted receive has consumed no datagram, and an aborted send has not sent its own.
 * 3. What this side drops or cuts is counted, and a datagram that was cut says so.
 * 4. No error of one peer ends the socket. A failure is told to the call that it came with; that of a datagram which had to wait for others
 *    of its tick is told by `flush`, or on a connected socket by the next `send`.
 * 5. After `close` or `abort` no pending call stays pending: each settles, mostly with `ClosedError`.
 */
import type { Address, AddressOf } from "../socket/address.ts";
import type { MessageCredentials } from "../socket/arrived-control.ts";
import type { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import type { WaitOptions } from "../socket/wait.ts";
import type { DatagramDetails } from "./datagram-details.ts";
import type { SendOptions } from "./send-details.ts";

/** Transports of datagrams. */
export type DatagramTransport = "udp" | "unix-dgram" | "vsock-dgram";

/** One datagram as it was received, with the details that were asked for. */
export interface Datagram<T extends DatagramTransport = DatagramTransport> extends DatagramDetails {
	/** A view that is yours. Its memory is shared with other datagrams: copy what you keep for long, or it holds up to 512 KiB. */
	readonly data: Uint8Array;
	/** The sender: a frozen object, shared by its datagrams; unnamed for a Unix socket that is not bound. */
	readonly from: AddressOf<T>;
	/** Its true length, which exceeds that of `data` when it was cut. */
	readonly bytes: number;
	/** Whether it was longer than `maxMessageBytes`, and was cut. */
	readonly truncated: boolean;
	/** Descriptors in the order in which they were sent, each yours to close; absent unless `receiveDescriptors` was asked for. Unix only. */
	readonly descriptors?: OwnedDescriptor[];
	/** Who sent it; absent unless `receiveCredentials` was asked for. Unix only. */
	readonly credentials?: MessageCredentials;
}

/** Datagrams in both directions. */
export interface DatagramChannel {
	/** Datagrams handed out so far. */
	readonly receivedCount: number;
	/** Of these, those that were cut. */
	readonly truncatedCount: number;
	/** Datagrams handed to the kernel so far. */
	readonly sentCount: number;
	/** Datagrams that this side took and could not or would not send: failed, full with `onFull: "drop"`, or given up by `close` or `abort`. */
	readonly droppedCount: number;
	/** Bytes of datagrams that wait for the kernel; see `queueBytes` of the options for the limit. */
	readonly queuedBytes: number;

	/**
	 * Receives one datagram. A time limit that is over does not miss a datagram that is there.
	 *
	 * @param options by default it waits without limit; `timeoutMs: 0` takes what is there
	 * @throws {SyscallError} ECONNREFUSED on a connected socket: an earlier datagram was refused; the socket stays usable
	 * @throws {LimitError} more descriptors came along than were asked for; all of them are closed, the datagram is lost, the next one comes
	 * @throws {DescriptorsLostError} the process has no room for the descriptors that came along; otherwise the same
	 * @throws {BusyError} another receive is pending
	 * @throws {ClosedError} this side was closed, before or meanwhile
	 * @throws {AbortError | TimeoutError} no datagram was consumed
	 * @see recvmmsg(2), recvfrom(2)
	 */
	receive(options?: WaitOptions): Promise<Datagram>;

	/**
	 * Sends one datagram. Resolves when there is room for more: at once, with a shared promise, unless the kernel is full.
	 *
	 * @param data copied unless the promise has to wait, borrowed until it settles then; a string stands for its UTF-8 bytes
	 * @param to where to; names are not resolved, see `lookup`. Default: the peer of a connected socket
	 * @throws {LimitError} longer than any UDP datagram: 65507 bytes, 65527 over IPv6. Or 64 MiB or 262144 datagrams wait because nobody awaited
	 *   their sends
	 * @throws {InvalidAddressError} of another transport or family than this socket, or a name
	 * @throws {SyscallError} EMSGSIZE, ECONNREFUSED, ENETUNREACH and others; the socket stays usable
	 * @throws {ClosedError} this side was closed, before or meanwhile
	 * @throws {AbortError | TimeoutError} it had to wait, and was not sent
	 * @see sendmmsg(2), sendto(2); udp(7) for UDP_SEGMENT
	 */
	send(data: Uint8Array | string, to?: string | Address, options?: SendOptions): Promise<void>;

	/**
	 * Sends one datagram now, before this returns.
	 *
	 * @param data not kept; a string stands for its UTF-8 bytes
	 * @param to as of `send`
	 * @returns false when the kernel or the peer is full, or datagrams wait that were to go before: then it was not sent
	 * @throws as `send` rejects
	 */
	trySend(data: Uint8Array | string, to?: string | Address, options?: SendOptions): boolean;

	/**
	 * Resolves when everything sent so far has been handed to the kernel.
	 *
	 * @throws {SyscallError} the first failure that no call has been told of; the others are only counted
	 * @throws {ClosedError} this side was closed before
	 * @throws {AbortError | TimeoutError} what is queued goes on to be sent
	 */
	flush(options?: WaitOptions): Promise<void>;

	/** Receives datagram after datagram, throwing what `receive` throws; `close` and `abort` end the loop, leaving the loop does not close. */
	[Symbol.asyncIterator](): AsyncIterableIterator<Datagram>;

	/**
	 * Lets queued datagrams go, then closes. Receiving ends at once. A second call returns the same promise.
	 *
	 * @param options.timeoutMs milliseconds after which the rest is dropped and counted. Default 10000
	 * @throws {AbortError | TimeoutError} not all of them went in time; it is closed all the same
	 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an option is wrong, or unknown; nothing is closed
	 */
	close(options?: WaitOptions): Promise<void>;

	/** Closes at once and drops what is queued. Never fails. */
	abort(): void;

	/** As `close()`. */
	[Symbol.asyncDispose](): Promise<void>;
}
