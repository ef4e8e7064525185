/** The bytes that come out of a `Duplex` of Node's: kept up to a mark while nobody reads, and at most one read waits for them. */
import type { Duplex } from "node:stream";
import { type ClosedError, InvalidValueError, syscallError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { checkWait, supervise, type WaitOptions } from "../socket/wait.ts";
import { busy } from "../stream/byte-reader.ts";
import { ECONNRESET } from "../sys/errno.ts";

interface Waiting {
	readonly target: Uint8Array | undefined;
	readonly settle: (error: Error | undefined, content?: Uint8Array | null) => void;
}

/** Reads for one duplex, which flows from now on. */
export class DuplexReader {
	/** Bytes handed out. */
	receivedBytes = 0;
	readonly #duplex: Duplex;
	readonly #failureAtEnd: () => Error | undefined;
	#chunks: Uint8Array[] = [];
	#storedBytes = 0;
	#ended = false;
	#isClosed = false;
	#failure: Error | undefined;
	#waiting: Waiting | undefined;

	/** @param failureAtEnd tells what makes an end a failure */
	constructor(duplex: Duplex, failureAtEnd: () => Error | undefined) {
		this.#duplex = duplex;
		this.#failureAtEnd = failureAtEnd;
		// Not at once: whoever is being made over this one may have to be asked.
		if (duplex.readableEnded) process.nextTick(() => this.#end());
		duplex
			.on("data", (chunk: Uint8Array) => this.#store(chunk))
			.once("end", () => this.#end())
			.once("close", () => this.#broken());
	}

	/** Whether a read is pending. */
	get waiting(): boolean {
		return this.#waiting !== undefined;
	}

	/** Whether the end has come, and was no failure. */
	get ended(): boolean {
		return this.#ended;
	}

	/** Reads at least one byte, into `target` where there is one; null at the end. */
	read(
		target: Uint8Array | undefined,
		options: WaitOptions | undefined,
	): Promise<Uint8Array | null> {
		try {
			checkWait(options);
			if (this.#waiting !== undefined) throw busy();
			const content = this.#next(target);
			if (content !== undefined) return Promise.resolve(content);
			if (options?.timeoutMs === 0) throw new TimeoutError(0);
		} catch (error) {
			return Promise.reject(error);
		}
		return new Promise((resolve, reject) => {
			const release = supervise(options, (error) => this.#waiting?.settle(error(0)));
			this.#waiting = {
				target,
				settle: (error, content = null) => {
					this.#waiting = undefined;
					release?.();
					if (error === undefined) resolve(content);
					else reject(error);
				},
			};
		});
	}

	/** Reading fails once what has come is read; unless it had ended, or failed before. */
	fail(error: Error): void {
		if (this.#ended || this.#failure !== undefined) return;
		this.#failure = error;
		this.#serve();
	}

	/** Throws away what has come and what comes, because this side closes. */
	close(error: ClosedError): void {
		this.#isClosed = true;
		this.#chunks = [];
		this.#storedBytes = 0;
		this.#waiting?.settle(error);
		this.#duplex.resume();
	}

	#store(chunk: Uint8Array): void {
		if (this.#isClosed || chunk.length === 0) return;
		this.#chunks.push(chunk);
		this.#storedBytes += chunk.length;
		this.#serve();
		if (this.#storedBytes >= LIMITS.readChunkBytes) this.#duplex.pause();
	}

	#end(): void {
		if (this.#failure !== undefined) return;
		this.#failure = this.#failureAtEnd();
		this.#ended = this.#failure === undefined;
		this.#serve();
	}

	#broken(): void {
		if (!this.#isClosed) this.fail(syscallError("read", ECONNRESET));
	}

	#serve(): void {
		const waiting = this.#waiting;
		if (waiting === undefined) return;
		try {
			const content = this.#next(waiting.target);
			if (content !== undefined) waiting.settle(undefined, content);
		} catch (error) {
			waiting.settle(error as Error);
		}
	}

	#next(target: Uint8Array | undefined): Uint8Array | null | undefined {
		const chunk = this.#chunks[0];
		if (chunk === undefined) {
			if (this.#failure !== undefined) throw this.#failure;
			return this.#ended ? null : undefined;
		}
		if (target?.length === 0) {
			const why = "must keep its bytes until its read has settled";
			throw new InvalidValueError("target", why, "transferred or shrunk");
		}
		const taken = target === undefined ? chunk : chunk.subarray(0, target.length);
		if (taken.length === chunk.length) this.#chunks.shift();
		else this.#chunks[0] = chunk.subarray(taken.length);
		target?.set(taken);
		this.#storedBytes -= taken.length;
		this.receivedBytes += taken.length;
		if (this.#storedBytes < LIMITS.readChunkBytes && this.#duplex.isPaused()) this.#duplex.resume();
		return taken;
	}
}
