/**
 * What a datagram socket promises, whoever implements it.
 *
 * 1. A datagram arrives whole or not at all, never merged with another; how many arrive, and in which order, is the transport's affair.
 * 2. At most one receive is pending; a second one rejects with `BusyError`. Sends to one peer leave in the order of their calls.
 * 3. What this side drops or cuts is counted, and a datagram that was cut says so.
 * 4. No error of one peer ends the socket. A failure is told to the call that it came with; that of a datagram which had to wait for others
 *    of its tick is told by `flush`, or on a connected socket by the next `send`.
 * 5. After `close` or `abort` no pending call stays pending: each settles, mostly with `ClosedError`.
 */
import type { Address } from "../socket/address.ts";
import type { WaitOptions } from "../socket/wait.ts";
import type { DatagramDetails } from "./datagram-details.ts";
import type { SendOptions } from "./send-details.ts";

/** Transports of datagrams. */
export type DatagramTransport = "udp" | "unix-dgram" | "vsock-dgram";

/** One datagram as it was received, with the details that were asked for. */
export interface Datagram extends DatagramDetails {
	/** A view that is yours. Its memory is shared with other datagrams: copy what you keep for long. */
	readonly data: Uint8Array;
	/** The sender: a frozen object, shared by its datagrams; unnamed for a Unix socket that is not bound. */
	readonly from: Address;
	/** Its true length, which exceeds that of `data` when it was cut. */
	readonly bytes: number;
	/** Whether it was longer than `maxMessageBytes`, and was cut. */
	readonly truncated: boolean;
}

/** Datagrams in both directions. */
export interface DatagramChannel {
	/** Datagrams handed out so far. */
	readonly receivedCount: number;
	/** Of these, those that were cut. */
	readonly truncatedCount: number;
	/** Datagrams handed to the kernel so far. */
	readonly sentCount: number;
	/** Datagrams that this side took and could not or would not send. */
	readonly droppedCount: number;
	/** Bytes of datagrams that wait for the kernel. */
	readonly queuedBytes: number;

	/**
	 * Receives one datagram.
	 *
	 * @throws {SyscallError} ECONNREFUSED on a connected socket: an earlier datagram was refused; the socket stays usable
	 * @throws {BusyError} another receive is pending
	 * @throws {ClosedError} this side was closed, before or meanwhile
	 */
	receive(options?: WaitOptions): Promise<Datagram>;

	/**
	 * Sends one datagram. Resolves when there is room for more: at once, with a shared promise, unless the kernel is full.
	 *
	 * @param data copied unless the promise has to wait, borrowed until it settles then; a string stands for its UTF-8 bytes
	 * @param to where to; names are not resolved. Default: the peer of a connected socket
	 * @throws {LimitError} longer than any UDP datagram: 65507 bytes, 65527 over IPv6
	 * @throws {InvalidAddressError} of another transport or family than this socket, or a name
	 * @throws {SyscallError} EMSGSIZE, ECONNREFUSED, ENETUNREACH and others; the socket stays usable
	 * @throws {ClosedError} this side was closed, before or meanwhile
	 */
	send(data: Uint8Array | string, to?: string | Address, options?: SendOptions): Promise<void>;

	/** Sends one datagram now, or returns false when the kernel is full or others wait. Throws as `send` rejects. */
	trySend(data: Uint8Array | string, to?: string | Address, options?: SendOptions): boolean;

	/** Resolves when everything sent so far has been handed on; rejects with the first failure that no call has been told of. */
	flush(options?: WaitOptions): Promise<void>;

	/** Receives datagram after datagram; `close` ends the loop, leaving the loop does not close. */
	[Symbol.asyncIterator](): AsyncIterableIterator<Datagram>;

	/**
	 * Lets queued datagrams go, then closes. Receiving ends at once. A second call returns the same promise.
	 *
	 * @param options.timeoutMs after which the rest is dropped. Default 10000
	 * @throws {TimeoutError} not all of them went in time
	 */
	close(options?: WaitOptions): Promise<void>;

	/** Closes at once and drops what is queued. Never fails. */
	abort(): void;

	/** As `close()`. */
	[Symbol.asyncDispose](): Promise<void>;
}
