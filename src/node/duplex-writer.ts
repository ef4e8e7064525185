/**
 * The writes of one stream on their way into a `Duplex` of Node's: small ones are copied and leave together, large ones are borrowed and leave
 * in parts, one part at a time, so that a write can be withdrawn until its first byte has left.
 */
import type { Duplex } from "node:stream";
import { requireBytesOrText } from "../arguments.ts";
import { InvalidValueError, syscallError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { supervise, type WaitOptions } from "../socket/wait.ts";
import { createDrain, type Drain, refuseMore, rejectQuietly } from "../stream/drain.ts";
import {
	type Flushable,
	noteWrite,
	scheduleFlush,
	unscheduleFlush,
} from "../stream/flush-scheduler.ts";
import { DONE } from "../stream/turn-budget.ts";
import { EPIPE } from "../sys/errno.ts";

interface Piece {
	/** What is left of it. */
	data: Uint8Array;
	/** Bytes that `data` must have, or its buffer was transferred meanwhile. */
	leftBytes: number;
	readonly bytes: number;
	/** Whether its memory is ours. */
	isCopied: boolean;
	/** Whether its caller may ask for its memory back while it is under way. */
	readonly mayEndEarly: boolean;
}

/** Several records of TLS, and as much as a pipe of the kernel holds. */
const PART_BYTES = 65_536;

function ignore(): void {}

/** Writes for one duplex. */
export class DuplexWriter implements Flushable {
	/** Bytes taken from callers. */
	takenBytes = 0;
	/** Bytes that the duplex has not written yet. */
	queuedBytes = 0;
	readonly #duplex: Duplex;
	readonly #explain: (error: Error) => Error;
	#pieces: Piece[] = [];
	#isWriting = false;
	#isScheduled = false;
	#drain: Drain | undefined;
	#failure: Error | undefined;
	#isFailureTold = false;

	/** @param explain makes the caller's error of one of the duplex */
	constructor(duplex: Duplex, explain: (error: Error) => Error) {
		this.#duplex = duplex;
		this.#explain = explain;
	}

	/** Whether it has failed, or was given up. */
	get failed(): boolean {
		return this.#failure !== undefined;
	}

	/** A failure that no caller has been told of; told by this. */
	takeUntoldFailure(): Error | undefined {
		if (this.#isFailureTold) return undefined;
		this.#isFailureTold = this.#failure !== undefined;
		return this.#failure;
	}

	/** Takes bytes; see `ByteSink.write`. */
	push(data: Uint8Array | string, options: WaitOptions | undefined): Promise<void> {
		if (this.#failure !== undefined) return this.#refuse(this.#failure);
		const given = requireBytesOrText("data", data);
		if (this.queuedBytes > LIMITS.writeQueueBytes) return refuseMore(this.queuedBytes);
		const isSmall = given.length <= LIMITS.writeCopyBytes;
		const isCopied = isSmall || typeof data === "string";
		const { length: bytes } = given;
		const piece: Piece = {
			data: isSmall ? Uint8Array.from(given) : given,
			leftBytes: bytes,
			bytes,
			isCopied,
			mayEndEarly: options !== undefined,
		};
		if (bytes > 0) this.#pieces.push(piece);
		this.takenBytes += bytes;
		this.queuedBytes += bytes;
		if (isSmall && this.queuedBytes < LIMITS.writeHighWaterBytes) {
			this.#schedule();
			return DONE;
		}
		this.#send();
		return this.#drained(options, piece);
	}

	/** Resolves when nothing is queued. */
	flush(options: WaitOptions | undefined): Promise<void> {
		if (this.#failure !== undefined) return this.#refuse(this.#failure);
		this.#send();
		return this.#drained(options, undefined);
	}

	/** Ends writing, once nothing is queued; resolves when the duplex has finished. */
	end(options: WaitOptions | undefined): Promise<void> {
		if (this.#failure !== undefined) return this.#refuse(this.#failure);
		if (this.#duplex.writableFinished) return DONE;
		const ending = new Promise<void>((resolve, reject) => {
			const release = supervise(options, (error) => reject(error(0)), true);
			this.#duplex.end((error?: Error | null) => {
				release?.();
				if (!error) resolve();
				else reject(this.#failure ?? this.#explain(this.#duplex.errored ?? error));
			});
		});
		ending.catch(ignore);
		return ending;
	}

	/** Gives everything up: what waits rejects with `error`, and so does what comes. */
	fail(error: Error): void {
		if (this.#failure !== undefined) return;
		this.#failure = error;
		this.#isFailureTold = this.queuedBytes === 0;
		this.#pieces = [];
		this.queuedBytes = 0;
		this.#settle(error);
	}

	/** Sends at once what is held back for the end of the tick. */
	flushHeld(): void {
		if (!this.#isScheduled) return;
		unscheduleFlush(this);
		this.flushNow();
	}

	flushNow(): void {
		this.#isScheduled = false;
		this.#send();
	}

	#schedule(): void {
		if (this.#isScheduled) noteWrite();
		else if (!this.#isWriting && this.#pieces.length > 0) {
			this.#isScheduled = true;
			scheduleFlush(this);
		}
	}

	#send(): void {
		if (this.#isWriting || this.#pieces.length === 0) return;
		const part = this.#takePart();
		if (part === undefined) {
			const why = "must keep its bytes until its write has settled";
			this.fail(new InvalidValueError("data", why, "transferred or shrunk"));
			// What was sent of it must not look complete.
			this.#duplex.destroy();
			return;
		}
		this.#isWriting = true;
		this.#duplex.write(part, (error) => this.#written(part.length, error));
	}

	// Undefined when the next piece's buffer was transferred elsewhere.
	#takePart(): Uint8Array | undefined {
		const parts: Uint8Array[] = [];
		let room = PART_BYTES;
		for (let piece = this.#pieces[0]; piece !== undefined && room > 0; piece = this.#pieces[0]) {
			if (piece.data.length !== piece.leftBytes) return undefined;
			const part = piece.data.subarray(0, room);
			if (part.length === piece.leftBytes) this.#pieces.shift();
			else {
				piece.data = piece.data.subarray(part.length);
				piece.leftBytes -= part.length;
			}
			// Memory that goes back to its caller early must not be read any more.
			parts.push(!piece.isCopied && piece.mayEndEarly ? Uint8Array.from(part) : part);
			room -= part.length;
		}
		return parts.length === 1 ? parts[0] : Buffer.concat(parts);
	}

	#written(bytes: number, error: Error | null | undefined): void {
		this.#isWriting = false;
		if (this.#failure !== undefined) return;
		if (error) {
			this.fail(this.#explain(this.#duplex.errored ?? error));
			return;
		}
		this.queuedBytes -= bytes;
		if (this.#pieces.length > 0) this.#send();
		else if (this.queuedBytes === 0) this.#settle(undefined);
	}

	#drained(options: WaitOptions | undefined, piece: Piece | undefined): Promise<void> {
		if (this.#failure !== undefined) return this.#refuse(this.#failure);
		if (this.queuedBytes === 0) return DONE;
		this.#drain ??= createDrain();
		const drained = this.#drain.promise;
		if (options === undefined) return drained;
		if (options.timeoutMs === 0) {
			return Promise.reject(new TimeoutError(0, this.#withdraw(piece)));
		}
		return new Promise((resolve, reject) => {
			const release = supervise(options, (error) => reject(error(this.#withdraw(piece))), true);
			drained.then(
				() => {
					release?.();
					resolve();
				},
				(error: Error) => {
					release?.();
					reject(error);
				},
			);
		});
	}

	// Returns how many of its bytes are written or will be; its memory is its caller's again.
	#withdraw(piece: Piece | undefined): number {
		if (piece === undefined) return 0;
		if (piece.isCopied) return piece.bytes;
		const isUntouched = piece.leftBytes === piece.bytes && this.#pieces.includes(piece);
		if (!isUntouched) {
			piece.data = Uint8Array.from(piece.data);
			piece.isCopied = true;
			return piece.bytes;
		}
		this.#pieces = this.#pieces.filter((each) => each !== piece);
		this.takenBytes -= piece.bytes;
		this.queuedBytes -= piece.bytes;
		if (this.queuedBytes === 0) this.#settle(undefined);
		return 0;
	}

	#settle(error: Error | undefined): void {
		const drain = this.#drain;
		if (drain === undefined) return;
		this.#drain = undefined;
		if (error === undefined) drain.resolve();
		else {
			this.#isFailureTold = true;
			drain.reject(error);
		}
	}

	#refuse(failure: Error): Promise<void> {
		this.#isFailureTold = true;
		return rejectQuietly(failure);
	}

	/** Says that the duplex has closed: writing is over. */
	closed(): void {
		this.fail(syscallError("write", EPIPE));
	}
}
