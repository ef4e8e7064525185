/** One direction of a connection in memory: a bounded store, writes that wait for room, and at most one read that waits for content. */
import {
	BusyError,
	type ClosedError,
	InvalidValueError,
	type SocketError,
	syscallError,
	TimeoutError,
} from "../errors.ts";
import { type CancelError, checkWait, supervise, type WaitOptions } from "../socket/wait.ts";
import { ECONNRESET, EPIPE } from "../sys/errno.ts";

/** A write on its way into the store. */
export interface PendingWrite {
	/** What is left of it. */
	data: Uint8Array;
	/** Whether the store has some of it already. */
	begun: boolean;
}

interface Waiting extends PendingWrite {
	readonly bytes: number;
	settle: (error?: Error) => void;
}

interface Reader {
	readonly target: Uint8Array | undefined;
	settle(error: Error | undefined, content?: Uint8Array | null): void;
}

/** What a memory stream and a memory packet channel have in common; the store is theirs. */
export abstract class MemoryPipe {
	/** Bytes taken from writers. */
	takenBytes = 0;
	/** Bytes of writes that wait for room. */
	queuedBytes = 0;
	#waiting: Waiting[] = [];
	#idle: ((error?: Error) => void)[] = [];
	#reader: Reader | undefined;
	#writeFailure: Error | undefined;
	#readFailure: Error | undefined;
	#resetting: Error | undefined;
	#ended = false;

	/** Stores what fits of a write and takes that off it; true when nothing is left of it. */
	protected abstract store(write: PendingWrite): boolean;

	/** Takes content out: into `target` where there is one; undefined when there is none. */
	protected abstract take(target: Uint8Array | undefined): Uint8Array | undefined;

	/** Throws the content away. */
	protected abstract clear(): void;

	/** Writes; resolves when the store has all of it. */
	write(data: Uint8Array, options: WaitOptions | undefined): Promise<void> {
		if (this.#writeFailure !== undefined) return Promise.reject(this.#writeFailure);
		const { length: bytes } = data;
		this.takenBytes += bytes;
		this.queuedBytes += bytes;
		return new Promise((resolve, reject) => {
			const waiting: Waiting = { data, begun: false, bytes, settle: () => undefined };
			const cancel = (error: (bytesMoved: number) => SocketError): void => {
				reject(error(this.#withdraw(waiting)));
			};
			this.#waiting.push(waiting);
			waiting.settle = (error) => (error === undefined ? resolve() : reject(error));
			this.#move();
			if (!this.#waiting.includes(waiting)) return;
			if (options?.timeoutMs === 0) {
				cancel((moved) => new TimeoutError(0, moved));
				return;
			}
			const release = supervise(options, cancel, true);
			waiting.settle = (error) => {
				release?.();
				if (error === undefined) resolve();
				else reject(error);
			};
		});
	}

	/** Resolves when no write waits. */
	flush(options: WaitOptions | undefined): Promise<void> {
		if (this.#writeFailure !== undefined) return Promise.reject(this.#writeFailure);
		if (this.#waiting.length === 0) return Promise.resolve();
		if (options?.timeoutMs === 0) return Promise.reject(new TimeoutError(0));
		return new Promise((resolve, reject) => {
			const withdraw = (error: CancelError): void => {
				this.#idle = this.#idle.filter((each) => each !== onIdle);
				reject(error(0));
			};
			const release = supervise(options, withdraw, true);
			const onIdle = (error?: Error): void => {
				release?.();
				if (error === undefined) resolve();
				else reject(error);
			};
			this.#idle.push(onIdle);
		});
	}

	/** Ends writing: the reader finds the end after the content. */
	end(): void {
		this.#ended = true;
		this.#serve();
	}

	/** The writer is gone: what waits rejects with ClosedError, and the reader, unless the end was written, finds a reset after the content. */
	breakOff(error: ClosedError): void {
		this.#resetting ??= syscallError("recv", ECONNRESET);
		this.#failWrites(error);
		this.#serve();
	}

	/** The reader reads no more: what it waits for rejects with `error`. */
	stopReading(error: ClosedError): void {
		if (this.#readFailure !== undefined) return;
		this.#readFailure = error;
		this.#reader?.settle(error);
	}

	/** The reader is gone: the content is thrown away, and whoever writes learns of it. */
	abandon(): void {
		this.clear();
		this.#failWrites(syscallError("send", EPIPE));
	}

	/** Waits for content; null at the end. */
	read(
		target: Uint8Array | undefined,
		options: WaitOptions | undefined,
	): Promise<Uint8Array | null> {
		try {
			checkWait(options);
			if (this.#reader !== undefined) {
				throw new BusyError("Another read is pending: await it before the next one");
			}
			if (this.#readFailure !== undefined) throw this.#readFailure;
			const content = this.#next(target);
			if (content !== undefined) {
				this.#move();
				return Promise.resolve(content);
			}
			if (options?.timeoutMs === 0) throw new TimeoutError(0);
		} catch (error) {
			return Promise.reject(error);
		}
		return new Promise((resolve, reject) => {
			const release = supervise(options, (error) => this.#reader?.settle(error(0)), true);
			this.#reader = {
				target,
				settle: (error, content = null) => {
					this.#reader = undefined;
					release?.();
					if (error === undefined) resolve(content);
					else reject(error);
				},
			};
		});
	}

	#next(target: Uint8Array | undefined): Uint8Array | null | undefined {
		const content = this.take(target);
		if (content !== undefined) return content;
		if (this.#ended) return null;
		if (this.#resetting !== undefined) throw this.#resetting;
		return undefined;
	}

	#serve(): void {
		const reader = this.#reader;
		if (reader === undefined) return;
		try {
			if (reader.target?.length === 0) throw lostBuffer("target");
			const content = this.#next(reader.target);
			if (content === undefined) return;
			reader.settle(undefined, content);
			this.#move();
		} catch (error) {
			reader.settle(error as Error);
		}
	}

	#move(): void {
		for (;;) {
			const first = this.#waiting[0];
			if (first === undefined) break;
			const before = first.data.length;
			if (before === 0 && first.bytes > 0) {
				this.#resetting = syscallError("recv", ECONNRESET);
				this.#failWrites(lostBuffer("data"));
				break;
			}
			const complete = this.store(first);
			this.queuedBytes -= complete ? before : before - first.data.length;
			if (!complete) break;
			this.#waiting.shift();
			first.settle();
		}
		if (this.#waiting.length === 0) this.#tellIdle();
		this.#serve();
	}

	// Nothing of it will be stored, or all: the caller gets its memory back either way.
	#withdraw(waiting: Waiting): number {
		waiting.settle = () => undefined;
		if (waiting.begun) {
			waiting.data = Buffer.from(waiting.data);
			return waiting.bytes;
		}
		this.#waiting = this.#waiting.filter((each) => each !== waiting);
		this.queuedBytes -= waiting.bytes;
		this.takenBytes -= waiting.bytes;
		this.#move();
		return 0;
	}

	#failWrites(error: Error): void {
		if (this.#writeFailure !== undefined) return;
		this.#writeFailure = error;
		const waiting = this.#waiting;
		this.#waiting = [];
		this.queuedBytes = 0;
		for (const { settle } of waiting) settle(error);
		this.#tellIdle(error);
	}

	#tellIdle(error?: Error): void {
		const idle = this.#idle;
		this.#idle = [];
		for (const tell of idle) tell(error);
	}
}

function lostBuffer(name: string): InvalidValueError {
	return new InvalidValueError(
		name,
		"must keep its bytes until its call has settled",
		"transferred or shrunk",
	);
}
