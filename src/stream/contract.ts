/**
 * What a stream of bytes promises, whoever implements it. `checkByteStream` in socketry/testing holds any implementation to this page.
 *
 * 1. Bytes arrive in the order they were written, none twice, none lost before the end.
 * 2. The two directions are independent: the peer's end ends reading only, `closeWrite` ends writing only.
 * 3. At most one read is pending, however many parts it has; a second one rejects with `BusyError`. Writes queue in the order of their calls.
 * 4. An aborted read has consumed no byte. An aborted write has moved none of its bytes, or all of them will move.
 * 5. After `close` or `abort` no pending call stays pending: each settles, mostly with `ClosedError`.
 * 6. A read that failed keeps failing with the same error, and so does a write.
 * 7. A time limit is for a call as a whole. Calls leave no timer and no listener behind.
 */
import type { WaitOptions } from "../socket/wait.ts";

/** Options of `readUntil`. */
export interface ReadUntilOptions extends WaitOptions {
	/** Most bytes to gather, the delimiter included, 1..1073741824. Default 65536. */
	readonly maxBytes?: number | undefined;
}

/** The reading half of a stream. */
export interface ByteSource {
	/** Bytes handed out so far. */
	readonly bytesRead: number;

	/**
	 * Reads what is there, at least one byte; null at the end.
	 *
	 * @returns a view that is yours. Its memory is shared with other chunks: copy what you keep for long, or it holds up to 128 KiB
	 * @throws {SyscallError} the connection failed: ECONNRESET, ETIMEDOUT
	 * @throws {BusyError} another read is pending
	 * @throws {ClosedError} this side was closed, before or meanwhile
	 */
	read(options?: WaitOptions): Promise<Uint8Array | null>;

	/**
	 * Reads between 1 and `target.length` bytes; resolves to 0 only at the end (or for an empty target).
	 *
	 * @param target filled from offset 0; borrowed until the promise settles
	 * @throws as `read`
	 */
	readInto(target: Uint8Array, options?: WaitOptions): Promise<number>;

	/**
	 * Reads exactly `count` bytes.
	 *
	 * @param count 0..1073741824
	 * @returns memory of its own
	 * @throws {EndOfStreamError} the peer ended before; what had come is still there to read
	 * @throws as `read`; after an abort or a timeout nothing is lost: the bytes gathered so far are still there to read
	 */
	readExactly(count: number, options?: WaitOptions): Promise<Uint8Array>;

	/**
	 * Reads up to and including the next `delimiter`.
	 *
	 * @param delimiter one byte or more; a string stands for its UTF-8 bytes
	 * @returns the bytes with the delimiter; null when the stream ended with nothing left
	 * @throws {LimitError} no delimiter within `maxBytes`; nothing is lost
	 * @throws {EndOfStreamError} the peer ended in the middle; what had come is still there to read
	 * @throws as `readExactly`
	 */
	readUntil(delimiter: Uint8Array | string, options?: ReadUntilOptions): Promise<Uint8Array | null>;

	/** Reads chunk after chunk until the end. Leaving the loop early leaves the stream open. */
	[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array>;
}

/** The writing half of a stream. */
export interface ByteSink {
	/** Bytes taken from callers so far. */
	readonly bytesWritten: number;
	/** Bytes taken but not yet handed on. */
	readonly queuedBytes: number;

	/**
	 * Writes all of `data`. Small writes of one tick leave together.
	 *
	 * The promise settles when there is room for more: at once, with a shared promise, below the high-water mark, so that awaiting each
	 * write costs next to nothing. A failure that comes later rejects the next `write`, `flush`, `closeWrite` or `close`.
	 *
	 * @param data copied when small (up to 8 KiB), borrowed until the promise settles when larger; a string stands for its UTF-8 bytes
	 * @throws {SyscallError} EPIPE, ECONNRESET: the peer is gone
	 * @throws {ClosedError} this side was closed, before or meanwhile
	 * @throws {LimitError} 64 MiB are queued because nobody awaited the writes; nothing of this one is taken
	 * @throws {AbortError | TimeoutError} `bytesMoved` is 0 when nothing of it will be sent, or all its bytes when all will
	 */
	write(data: Uint8Array | string, options?: WaitOptions): Promise<void>;

	/** Resolves when everything written so far has been handed on: to the kernel, for a socket. Errors as `write`. */
	flush(options?: WaitOptions): Promise<void>;

	/**
	 * Ends writing after what is queued; the peer reads its end. Reading goes on. Errors as `flush`; after an abort or a timeout writing has
	 * not ended: it can go on, and be ended later.
	 */
	closeWrite(options?: WaitOptions): Promise<void>;
}

/** A stream of bytes in both directions. */
export interface ByteStream extends ByteSource, ByteSink {
	/**
	 * Lets queued bytes go, then closes both directions. Reading ends at once. A second call returns the same promise. Over TCP it waits
	 * until the peer's kernel has everything, for what the peer sends meanwhile could undo it.
	 *
	 * @param options.timeoutMs after which what is still queued is given up and the connection reset. Default 10000
	 * @throws {TimeoutError} the peer did not take the queued bytes in time
	 * @throws {SyscallError} queued bytes were lost, and no earlier call had said so
	 */
	close(options?: WaitOptions): Promise<void>;

	/** Closes at once, throws queued bytes away and resets the connection where there is such a thing. Never fails. */
	abort(): void;

	/** As `close()`. */
	[Symbol.asyncDispose](): Promise<void>;
}
