/** The reads of one stream, on top of what its receiver brings. */
import { ClosedError } from "../errors.ts";
import type { WaitOptions } from "../socket/wait.ts";
import { ByteReader } from "./byte-reader.ts";
import type { Receiver } from "./receiver.ts";
import type { WriteQueue } from "./write-queue.ts";

/** Reads for one stream. */
export class SocketReader extends ByteReader {
	readonly #stream: { readonly closed: boolean };
	readonly #receiver: Receiver;
	readonly #queue: WriteQueue;

	/**
	 * @param stream told to be closed before its socket is
	 * @param queue what it holds back leaves when a read begins to wait
	 */
	constructor(stream: { readonly closed: boolean }, receiver: Receiver, queue: WriteQueue) {
		super();
		this.#stream = stream;
		this.#receiver = receiver;
		this.#queue = queue;
	}

	/** Whether a read is under way, of one part or of several. */
	get busy(): boolean {
		return this.#receiver.waiting || this.gathering;
	}

	protected override get arrivedBytes(): number {
		return this.#receiver.receivedBytes;
	}

	protected override pull(options: WaitOptions | undefined): Promise<Uint8Array | null> {
		if (this.#stream.closed) return rejectClosed();
		const result = this.#receiver.pull(options);
		if (this.#receiver.waiting) this.#queue.flushHeld();
		return result;
	}

	protected override pullInto(
		target: Uint8Array,
		options: WaitOptions | undefined,
	): Promise<number> {
		if (this.#stream.closed) return rejectClosed();
		const result = this.#receiver.pullInto(target, options);
		if (this.#receiver.waiting) this.#queue.flushHeld();
		return result;
	}

	protected override checkReadable(): void {
		if (this.#stream.closed) throw new ClosedError("The stream");
	}
}

function rejectClosed(): Promise<never> {
	return Promise.reject(new ClosedError("The stream"));
}
