/** One end of a connection in memory: how it is closed, which is the same for bytes and for messages. */
import { ClosedError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { checkClose, checkWait, type WaitOptions } from "../socket/wait.ts";
import type { MemoryPipe } from "./memory-pipe.ts";

/** The two pipes of one end, and what has become of them. */
export class MemoryLink<Pipe extends MemoryPipe> {
	readonly incoming: Pipe;
	readonly outgoing: Pipe;
	readonly #what: string;
	#closing: Promise<void> | undefined;
	#writeEnd: Promise<void> | undefined;

	/** @param what subject of an error's sentence: `"The stream"` */
	constructor(incoming: Pipe, outgoing: Pipe, what: string) {
		this.incoming = incoming;
		this.outgoing = outgoing;
		this.#what = what;
	}

	/** @throws {ClosedError} this end is closed */
	checkOpen(): void {
		if (this.#closing !== undefined) throw new ClosedError(this.#what);
	}

	/** @throws {ClosedError} writing has ended, or ends */
	checkWritable(options: WaitOptions | undefined): void {
		checkWait(options);
		this.checkOpen();
		if (this.#writeEnd !== undefined) throw new ClosedError(`${this.#what}'s writing side`);
	}

	/** See `ByteSink.closeWrite`. */
	closeWrite(options: WaitOptions | undefined): Promise<void> {
		if (this.#writeEnd !== undefined) return this.#writeEnd;
		try {
			checkWait(options);
			this.checkOpen();
		} catch (error) {
			return Promise.reject(error);
		}
		this.#writeEnd = this.#endWriting(options);
		return this.#writeEnd;
	}

	/** See `ByteStream.close`. */
	close(options: WaitOptions | undefined): Promise<void> {
		if (this.#closing !== undefined) return this.#closing;
		try {
			checkClose(options);
		} catch (error) {
			return Promise.reject(error);
		}
		this.#closing = this.#close(options);
		return this.#closing;
	}

	/** See `ByteStream.abort`. */
	abort(): void {
		this.#closing ??= Promise.resolve();
		const error = new ClosedError(this.#what);
		this.outgoing.breakOff(error);
		this.incoming.stopReading(error);
		this.incoming.abandon();
	}

	async #endWriting(options: WaitOptions | undefined): Promise<void> {
		try {
			await this.outgoing.flush(options);
		} catch (error) {
			this.#writeEnd = undefined;
			throw error;
		}
		this.outgoing.end();
	}

	async #close(options: WaitOptions | undefined): Promise<void> {
		const error = new ClosedError(this.#what);
		this.incoming.stopReading(error);
		try {
			checkWait(options);
			const timeoutMs = options?.timeoutMs ?? LIMITS.closeMs;
			if (this.outgoing.queuedBytes > 0) await this.outgoing.flush({ ...options, timeoutMs });
			this.outgoing.end();
		} finally {
			this.outgoing.breakOff(error);
			this.incoming.abandon();
		}
	}
}
