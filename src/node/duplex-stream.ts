/** `DuplexStream`: a stream of bytes over any `Duplex` of Node's. */
import { Duplex } from "node:stream";
import {
	AbortError,
	ClosedError,
	InvalidTypeError,
	InvalidValueError,
	TimeoutError,
} from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { checkWait, countDown, type WaitOptions } from "../socket/wait.ts";
import { ByteReader } from "../stream/byte-reader.ts";
import type { ByteStream } from "../stream/contract.ts";
import { DuplexReader } from "./duplex-reader.ts";
import { DuplexWriter } from "./duplex-writer.ts";

const DONE: Promise<void> = Promise.resolve();

function ignore(): void {}

/** A stream of bytes over a `Duplex`. Made by `fromDuplex`. */
export class DuplexStream extends ByteReader implements ByteStream {
	readonly #duplex: Duplex;
	readonly #below: ByteStream | undefined;
	readonly #incoming: DuplexReader;
	readonly #outgoing: DuplexWriter;
	#closing: Promise<void> | undefined;
	#writeEnd: Promise<void> | undefined;

	/**
	 * @internal
	 * @param below what carries the bytes of the duplex: it is flushed, closed and reset along with it
	 */
	constructor(duplex: Duplex, below?: ByteStream) {
		super();
		this.#duplex = duplex;
		this.#below = below;
		this.#incoming = new DuplexReader(duplex, () => this.failureAtEnd());
		this.#outgoing = new DuplexWriter(duplex, (error) => this.explain(error));
		duplex.on("error", (error) => {
			const explained = this.explain(error);
			this.#outgoing.fail(explained);
			this.#incoming.fail(explained);
		});
		duplex.once("close", () => {
			if (!duplex.writableFinished) this.#outgoing.closed();
		});
	}

	/** Whether this side was closed. */
	get closed(): boolean {
		return this.#closing !== undefined;
	}

	get bytesWritten(): number {
		return this.#outgoing.takenBytes;
	}

	get queuedBytes(): number {
		// What lies below may have something to say before we have.
		if (this.#outgoing.failed || this.bytesWritten === 0) return 0;
		return this.#outgoing.queuedBytes || (this.#below?.queuedBytes ?? 0);
	}

	write(data: Uint8Array | string, options?: WaitOptions): Promise<void> {
		try {
			this.#checkWritable(options);
			return this.#outgoing.push(data, options);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	flush(options?: WaitOptions): Promise<void> {
		try {
			this.#checkWritable(options);
		} catch (error) {
			return Promise.reject(error);
		}
		const flushing = this.#flush(options);
		flushing.catch(ignore);
		return flushing;
	}

	closeWrite(options?: WaitOptions): Promise<void> {
		if (this.#writeEnd !== undefined) return this.#writeEnd;
		try {
			checkWait(options);
			if (this.closed) throw new ClosedError("The stream");
		} catch (error) {
			return Promise.reject(error);
		}
		this.#writeEnd = this.#endWriting(options);
		return this.#writeEnd;
	}

	close(options?: WaitOptions): Promise<void> {
		if (this.#closing !== undefined) return this.#closing;
		try {
			checkWait(options);
		} catch (error) {
			// A wrong call closes nothing. An aborted signal is a wish to have it closed at once.
			if (!(error instanceof AbortError)) return Promise.reject(error);
		}
		this.#closing = this.#close(options);
		return this.#closing;
	}

	abort(): void {
		this.#closing ??= DONE;
		const gone = new ClosedError("The stream");
		this.#outgoing.fail(gone);
		this.#incoming.close(gone);
		this.#reset();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	/** Tells what makes the peer's end a failure; nothing, as a rule. */
	protected failureAtEnd(): Error | undefined {
		return undefined;
	}

	/** Makes the caller's error of one of the duplex. */
	protected explain(error: Error): Error {
		return error;
	}

	protected override get arrivedBytes(): number {
		return this.#incoming.receivedBytes;
	}

	protected override pull(options: WaitOptions | undefined): Promise<Uint8Array | null> {
		return this.#pull(undefined, options);
	}

	protected override async pullInto(
		target: Uint8Array,
		options: WaitOptions | undefined,
	): Promise<number> {
		return (await this.#pull(target, options))?.length ?? 0;
	}

	protected override checkReadable(): void {
		if (this.closed) throw new ClosedError("The stream");
	}

	#pull(
		target: Uint8Array | undefined,
		options: WaitOptions | undefined,
	): Promise<Uint8Array | null> {
		if (this.closed) return Promise.reject(new ClosedError("The stream"));
		const result = this.#incoming.read(target, options);
		if (this.#incoming.waiting) this.#outgoing.flushHeld();
		return result;
	}

	#checkWritable(options: WaitOptions | undefined): void {
		if (options !== undefined) checkWait(options);
		if (this.closed) throw new ClosedError("The stream");
		if (this.#writeEnd !== undefined) throw new ClosedError("The writing side of the stream");
	}

	async #flush(options: WaitOptions | undefined): Promise<void> {
		const left = countDown(options);
		try {
			await this.#outgoing.flush(left());
			if (this.#below !== undefined && this.#below.queuedBytes > 0) await this.#below.flush(left());
		} catch (error) {
			throw retimed(error, options?.timeoutMs);
		}
	}

	async #endWriting(options: WaitOptions | undefined): Promise<void> {
		try {
			await this.#flush(options);
		} catch (error) {
			// Writing has not ended: it may go on, or end later.
			this.#writeEnd = undefined;
			throw error;
		}
		try {
			await this.#outgoing.end(undefined);
		} catch (error) {
			// Who has ended, and left with everything that there was, needs no end any more; a socket does not tell of that either.
			if (this.closed || !this.#incoming.ended) throw error;
		}
	}

	async #close(options: WaitOptions | undefined): Promise<void> {
		const gone = new ClosedError("The stream");
		this.#incoming.close(gone);
		const timeoutMs = options?.timeoutMs ?? LIMITS.closeMs;
		try {
			const left = countDown({ ...options, timeoutMs });
			if (!this.#outgoing.failed) {
				if (this.queuedBytes > 0) await this.#flush(left());
				await this.#outgoing.end(left()).catch(unlessLate);
			}
			// Asked before the duplex does, which knows of no time limit.
			const closing = this.#outgoing.failed ? DONE : this.#below?.close(left());
			this.#duplex.destroy();
			await closing;
		} catch (error) {
			this.#reset();
			throw retimed(error, timeoutMs);
		} finally {
			// What was sent of a write that failed must not look complete to the peer.
			if (this.#outgoing.failed) this.#reset();
			this.#outgoing.fail(gone);
		}
		const untold = this.#outgoing.takeUntoldFailure();
		if (untold !== undefined && untold !== gone) throw untold;
	}

	#reset(): void {
		this.#below?.abort();
		const { resetAndDestroy } = this.#duplex as { resetAndDestroy?: () => void };
		if (this.#below === undefined && resetAndDestroy !== undefined) {
			resetAndDestroy.call(this.#duplex);
		} else this.#duplex.destroy();
	}
}

/**
 * Makes a stream of a `Duplex`, such as a library hands out. Ending writing is `end()`, closing is `end()` and then `destroy()`; aborting is
 * `destroy()`, or `resetAndDestroy()` where it has that. Whether reading goes on after writing has ended is the duplex's own matter
 * (`allowHalfOpen`).
 *
 * @param duplex taken: read or write it by the stream only, from now on. Of bytes; without an encoding
 * @throws {InvalidTypeError} it is no Duplex
 * @throws {InvalidValueError} it is of objects, or has an encoding: its bytes have become text
 * @throws {ClosedError} it is destroyed
 */
export function fromDuplex(duplex: Duplex): DuplexStream {
	if (!(duplex instanceof Duplex)) throw new InvalidTypeError("duplex", "a Duplex", duplex);
	if (duplex.readableObjectMode || duplex.writableObjectMode) {
		throw new InvalidValueError("duplex", "must be of bytes, not of objects", duplex);
	}
	if (duplex.readableEncoding !== null) {
		throw new InvalidValueError("duplex", "must have no encoding", duplex.readableEncoding);
	}
	if (duplex.destroyed) throw new ClosedError("The duplex");
	return new DuplexStream(duplex);
}

// Everything was written before: that the peer is gone, and finds no end, is no loss.
function unlessLate(error: Error): void {
	if (error instanceof TimeoutError || error instanceof AbortError) throw error;
}

// The time of a call as its caller gave it, not what was left of it.
function retimed(error: unknown, timeoutMs: number | undefined): unknown {
	if (!(error instanceof TimeoutError) || timeoutMs === undefined) return error;
	return new TimeoutError(timeoutMs, error.bytesMoved);
}
