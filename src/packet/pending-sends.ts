/** Messages that wait to be taken, each with the promise of its sender; and those who wait until there are none. */
import { InvalidValueError, LimitError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { supervise, type WaitOptions } from "../socket/wait.ts";

/** One message that waits. */
export interface PendingSend<T> {
	/** Borrowed from the sender until the promise settles. */
	readonly data: Uint8Array;
	/** Where it goes to. */
	readonly to: T;
}

interface Entry<T> extends PendingSend<T> {
	readonly bytes: number;
	readonly resolve: () => void;
	readonly reject: (error: Error) => void;
	release: (() => void) | undefined;
	before: Entry<T> | undefined;
	after: Entry<T> | undefined;
}

const KEEP_BYTES = "must keep its bytes until its message is sent";
const AWAIT = "await the sends, so that the peer can keep up";

/** What waits for one socket, in one queue or in several. */
export class PendingTotal {
	bytes = 0;
	count = 0;

	/** Why nothing more may wait: whoever awaits sends never meets it. */
	get refusal(): LimitError | undefined {
		const { sendQueueCount, writeQueueBytes } = LIMITS;
		if (this.bytes > writeQueueBytes) {
			return new LimitError("writeQueueBytes", this.bytes, writeQueueBytes, AWAIT);
		}
		if (this.count < sendQueueCount) return undefined;
		return new LimitError("sendQueueCount", this.count + 1, sendQueueCount, AWAIT);
	}
}

/** First in, first out; an entry whose wait ends early leaves from its place. */
export class PendingSends<T> {
	readonly #total: PendingTotal;
	#count = 0;
	// Linked, for many may leave from anywhere at the same time, when their time is up.
	#first: Entry<T> | undefined;
	#last: Entry<T> | undefined;

	/** @param total may be shared by the queues of one socket */
	constructor(total: PendingTotal) {
		this.#total = total;
	}

	/** How many wait. */
	get count(): number {
		return this.#count;
	}

	/** The one that has waited longest. Those whose buffers have gone are rejected on the way: without it a message would be another one. */
	get first(): PendingSend<T> | undefined {
		for (;;) {
			const entry = this.#first;
			if (entry === undefined || entry.data.length === entry.bytes) return entry;
			this.settleFirst(new InvalidValueError("data", KEEP_BYTES, "transferred or shrunk"));
		}
	}

	/**
	 * Adds one at the end.
	 *
	 * @param onWithdrawn called when it has left because its wait ended early
	 * @returns settles with the entry
	 * @throws {LimitError} too much waits; it was not added
	 */
	push(
		data: Uint8Array,
		to: T,
		options: WaitOptions | undefined,
		onWithdrawn?: () => void,
	): Promise<void> {
		const { refusal } = this.#total;
		if (refusal !== undefined) return Promise.reject(refusal);
		return new Promise((resolve, reject) => {
			const before = this.#last;
			const settlers = { resolve, reject, release: undefined };
			const entry: Entry<T> = {
				data,
				bytes: data.length,
				to,
				...settlers,
				before,
				after: undefined,
			};
			this.#last = entry;
			if (before === undefined) this.#first = entry;
			else before.after = entry;
			this.#countIn(1, entry.bytes);
			entry.release = supervise(options, (error) => {
				this.#remove(entry);
				reject(error(0));
				onWithdrawn?.();
			});
		});
	}

	/** Takes the first one off and settles its promise. */
	settleFirst(error?: Error): void {
		const entry = this.#first as Entry<T>;
		this.#remove(entry);
		entry.release?.();
		if (error === undefined) entry.resolve();
		else entry.reject(error);
	}

	/** Rejects all of them. Returns how many. */
	failAll(error: Error): number {
		const { count } = this;
		while (this.count > 0) this.settleFirst(error);
		return count;
	}

	#remove(entry: Entry<T>): void {
		const { before, after } = entry;
		if (before === undefined) this.#first = after;
		else before.after = after;
		if (after === undefined) this.#last = before;
		else after.before = before;
		this.#countIn(-1, -entry.bytes);
	}

	#countIn(entries: number, bytes: number): void {
		this.#count += entries;
		this.#total.count += entries;
		this.#total.bytes += bytes;
	}
}

/** Those who wait for a queue to become empty. */
export class EmptyWaiters {
	#resolvers: (() => void)[] = [];

	/** Resolves with the next `tell`. */
	wait(options: WaitOptions | undefined): Promise<void> {
		return new Promise((resolve, reject) => {
			const release = supervise(options, (error) => {
				this.#resolvers = this.#resolvers.filter((each) => each !== onEmpty);
				reject(error(0));
			});
			const onEmpty = (): void => {
				release?.();
				resolve();
			};
			this.#resolvers.push(onEmpty);
		});
	}

	/** The queue is empty. */
	tell(): void {
		if (this.#resolvers.length === 0) return;
		const resolvers = this.#resolvers;
		this.#resolvers = [];
		for (const resolve of resolvers) resolve();
	}
}
