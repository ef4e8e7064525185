/** The readable half of a socket, which can be cancelled while somebody holds a reader of it. */
import type { ReadableByteStreamController } from "node:stream/web";
import { LIMITS } from "../limits.ts";
import type { ByteSource } from "../stream/contract.ts";
import { socketError } from "./socket-error.ts";

/** Bytes of a connection that may not be there yet. */
export class Readable {
	readonly stream: ReadableStream<Uint8Array>;
	readonly #source: Promise<ByteSource>;
	readonly #onEnd: () => void;
	readonly #onFailure: () => void;
	readonly #cancelled: AbortController = new AbortController();
	#controller!: ReadableByteStreamController;
	#pulling: Promise<void> = Promise.resolve();
	#earlyBytes = 0;

	constructor(source: Promise<ByteSource>, onEnd: () => void, onFailure: () => void) {
		this.#source = source;
		this.#onEnd = onEnd;
		this.#onFailure = onFailure;
		this.stream = new ReadableStream(
			{
				type: "bytes",
				autoAllocateChunkSize: LIMITS.readChunkBytes,
				start: (controller: ReadableByteStreamController) => {
					this.#controller = controller;
				},
				pull: () => {
					this.#pulling = this.#pull();
					return this.#pulling;
				},
				cancel: () => this.#cancelled.abort(),
			} as ConstructorParameters<typeof ReadableStream>[0] & { type: "bytes" },
			{ highWaterMark: 0 },
		) as ReadableStream<Uint8Array>;
	}

	/**
	 * Cancels, whether or not somebody holds a reader: pending reads find the end.
	 *
	 * @returns bytes that were read for a reader which does not get them any more
	 */
	async cancel(): Promise<number> {
		// Before the reader gets its memory back.
		this.#cancelled.abort();
		this.#close();
		await this.#pulling.catch(() => undefined);
		return this.#earlyBytes;
	}

	async #pull(): Promise<void> {
		const { signal } = this.#cancelled;
		const { byobRequest } = this.#controller;
		const view = byobRequest?.view as unknown as Uint8Array;
		let received: number;
		try {
			received = await (await this.#source).readInto(view, { signal });
		} catch (error) {
			if (signal.aborted) return;
			this.#onFailure();
			throw socketError(error);
		}
		if (signal.aborted) this.#earlyBytes += received;
		else if (received > 0) byobRequest?.respond(received);
		else {
			this.#close();
			this.#onEnd();
		}
	}

	#close(): void {
		try {
			this.#controller.close();
			this.#controller.byobRequest?.respond(0);
		} catch {
			// It has ended or failed before.
		}
	}
}
