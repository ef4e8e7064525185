/** The writable half of a socket, which can be aborted while somebody holds a writer of it. */
import type { ByteSink } from "../stream/contract.ts";
import { SocketError, socketError } from "./socket-error.ts";

/** Bytes for a connection that may not be there yet. */
export class Writable {
	readonly stream: WritableStream<ArrayBuffer | ArrayBufferView | string>;
	readonly #sink: Promise<ByteSink>;
	#controller!: WritableStreamDefaultController;
	#writing: Promise<void> = Promise.resolve();
	readonly #onEnd: () => void;
	#isOver = false;

	/** @param onEnd called when writing is over, unless by an abort; see `isOver` */
	constructor(sink: Promise<ByteSink>, onEnd: () => void, onAbort: () => void) {
		this.#sink = sink;
		this.#onEnd = onEnd;
		this.stream = new WritableStream({
			start: (controller) => {
				this.#controller = controller;
				// By the signal, which does not wait for a write that the peer does not take.
				const { signal } = controller as unknown as { readonly signal: AbortSignal };
				signal.addEventListener("abort", onAbort);
			},
			write: (chunk) => {
				this.#writing = this.#write(chunk);
				return this.#writing;
			},
			close: async () => {
				try {
					await (await this.#sink).closeWrite();
				} catch (error) {
					throw socketError(error);
				} finally {
					this.#ended();
				}
			},
		});
	}

	/** Whether whoever writes has ended it, or can write no more because something failed. */
	get isOver(): boolean {
		return this.#isOver;
	}

	/** Aborts, whether or not somebody holds a writer. Resolves when the write is over that was under way. */
	async abort(reason: unknown): Promise<void> {
		this.#controller.error(reason);
		await this.#writing.catch(() => undefined);
	}

	/** Closes, after what was written; where somebody holds a writer, only he could, so it fails for him. */
	async end(): Promise<void> {
		if (this.stream.locked) {
			await this.#writing.catch(() => undefined);
			this.#controller.error(new SocketError("the peer has ended the connection"));
		} else await this.stream.close().catch(() => undefined);
	}

	async #write(chunk: ArrayBuffer | ArrayBufferView | string): Promise<void> {
		try {
			const sink = await this.#sink;
			await sink.write(
				chunk instanceof ArrayBuffer ? new Uint8Array(chunk) : (chunk as Uint8Array),
			);
		} catch (error) {
			this.#ended();
			throw socketError(error);
		}
	}

	#ended(): void {
		this.#isOver = true;
		this.#onEnd();
	}
}
