/**
 * What a connection that keeps message boundaries promises, whoever implements it. `checkPacketChannel` in socketry/testing holds any
 * implementation to this page.
 *
 * 1. Messages arrive whole, in the order they were sent, none twice; an empty message is a message.
 * 2. The two directions are independent: the peer's end ends receiving only, `closeWrite` ends sending only.
 * 3. At most one receive is pending; a second one rejects with `BusyError`. Sends queue in the order of their calls.
 * 4. An aborted receive has consumed no message. An aborted send has not sent its message.
 * 5. After `close` or `abort` no pending call stays pending: each settles, mostly with `ClosedError`.
 * 6. A message that is too large is its sender's error alone; a connection that failed keeps failing with the same error.
 */
import type { WaitOptions } from "../socket/wait.ts";

/** The receiving half. */
export interface PacketSource {
	/** Messages handed out so far. */
	readonly receivedCount: number;

	/**
	 * Receives one message; null at the end. A time limit that is over does not miss a message that is there.
	 *
	 * @param options by default it waits without limit; `timeoutMs: 0` takes what is there
	 * @returns a view that is yours. Its memory is shared with other messages: copy what you keep for long, or it holds up to 512 KiB
	 * @throws {TruncatedError} the message has more than `maxMessageBytes` bytes; it is lost, the next one comes
	 * @throws {SyscallError} the connection failed: ECONNRESET
	 * @throws {BusyError} another receive is pending
	 * @throws {ClosedError} this side was closed, before or meanwhile
	 * @throws {AbortError | TimeoutError} no message was consumed
	 * @see recv(2), recvmmsg(2); unix(7) for SOCK_SEQPACKET
	 */
	receive(options?: WaitOptions): Promise<Uint8Array | null>;

	/**
	 * Receives one message into memory of the caller; null at the end, 0 for an empty message.
	 *
	 * @param target filled from offset 0; borrowed until the promise settles
	 * @throws {TruncatedError} the message is longer than `target`, which has its beginning; the rest is lost
	 * @throws as `receive`
	 */
	receiveInto(target: Uint8Array, options?: WaitOptions): Promise<number | null>;

	/** Receives message after message until the end, throwing what `receive` throws. Leaving the loop early leaves the connection open. */
	[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array>;
}

/** The sending half. */
export interface PacketSink {
	/** Messages handed on so far. */
	readonly sentCount: number;
	/** Bytes of messages that wait to be handed on. */
	readonly queuedBytes: number;

	/**
	 * Sends one message, whole. Resolves when it has been handed on: to the kernel, for a socket.
	 *
	 * @param data borrowed until the promise settles; a string stands for its UTF-8 bytes
	 * @throws {SyscallError} EMSGSIZE: too large for the socket, which stays usable. EPIPE, ECONNRESET: the peer is gone
	 * @throws {LimitError} 64 MiB or 262144 messages wait because nobody awaited their sends; this one is not sent
	 * @throws {ClosedError} this side was closed, before or meanwhile
	 * @throws {AbortError | TimeoutError} it had to wait, and was not sent
	 * @see send(2)
	 */
	send(data: Uint8Array | string, options?: WaitOptions): Promise<void>;

	/**
	 * Ends sending after what is queued; the peer receives its end. Receiving goes on. Errors as `send`; after an abort or a timeout sending
	 * has not ended: it can go on, and be ended later.
	 */
	closeWrite(options?: WaitOptions): Promise<void>;
}

/** Messages in both directions. */
export interface PacketChannel extends PacketSource, PacketSink {
	/**
	 * Lets queued messages go, then closes both directions. Receiving ends at once. A second call returns the same promise.
	 *
	 * @param options.timeoutMs milliseconds after which the rest is given up. Default 10000
	 * @throws {AbortError | TimeoutError} the peer did not take the queued messages in time; it is closed all the same
	 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an option is wrong, or unknown; nothing is closed
	 */
	close(options?: WaitOptions): Promise<void>;

	/** Closes at once and throws queued messages away. Never fails. */
	abort(): void;

	/** As `close()`. */
	[Symbol.asyncDispose](): Promise<void>;
}
