/** A side that is any byte stream: its bytes go through this process, and so do descriptors that come with them. */
import { give } from "../socket/passable.ts";
import type { ByteStream } from "../stream/contract.ts";
import { Stream } from "../stream/stream.ts";
import type { Side, Way, WayEnd } from "./way.ts";

// What a write fails with when its peer is gone. Any other error of a write with descriptors is about these: the connection goes on.
const GONE = new Set(["EPIPE", "ECONNRESET", "ERR_CLOSED"]);

/** A byte stream as a side. */
export class StreamSide implements Side {
	readonly #stream: ByteStream;
	readonly #passes: boolean;

	/**
	 * @param stream taken
	 * @param passes whether descriptors that come along are passed on
	 */
	constructor(stream: ByteStream, passes: boolean) {
		this.#stream = stream;
		this.#passes = passes;
	}

	flowTo(sink: StreamSide, onEnd: (end: WayEnd) => void, doubt: Error | undefined): Way {
		const way = new StreamWay(this.#stream, sink.#stream, this.#passes);
		if (doubt !== undefined) way.doubtEnd(doubt);
		void way.run().then(onEnd);
		return way;
	}

	close(): Promise<void> {
		return this.#stream.close();
	}

	closeAfterCut(): Promise<void> {
		return this.#stream.close();
	}

	reset(): void {
		this.#stream.abort();
	}
}

class StreamWay implements Way {
	bytes = 0;
	readonly #source: ByteStream;
	readonly #sink: ByteStream;
	readonly #passes: boolean;
	#isRefused = false;
	#cut: Error | undefined;

	constructor(source: ByteStream, sink: ByteStream, passes: boolean) {
		this.#source = source;
		this.#sink = sink;
		this.#passes = passes;
	}

	async run(): Promise<WayEnd> {
		let isSinkBroken = false;
		try {
			for await (const chunk of this.#source) {
				isSinkBroken = true;
				await this.#handOn(chunk);
				this.bytes += chunk.length;
				isSinkBroken = false;
			}
			if (this.#cut !== undefined) throw this.#cut;
			isSinkBroken = true;
			await this.#sink.closeWrite();
			return { error: undefined, isSinkBroken: false };
		} catch (error) {
			return { error: error as Error, isSinkBroken: isSinkBroken && !this.#isRefused };
		}
	}

	// Its stream, if it is one of this library, has looked closer itself.
	doubtEnd(failure: Error): void {
		if ((failure as NodeJS.ErrnoException).code !== "EPIPE") this.#cut = failure;
	}

	// The streams are aborted by whoever stops it, which ends the loop.
	stop(): void {}

	async #handOn(chunk: Uint8Array): Promise<void> {
		if (!this.#passes || !(this.#source instanceof Stream) || !(this.#sink instanceof Stream)) {
			await this.#sink.write(chunk);
			return;
		}
		// With the first byte of the chunk: at the latest where they were, for whoever expects them with a byte of it.
		const arrived = this.#source.takeDescriptors().flatMap(({ descriptors }) => descriptors);
		try {
			await this.#sink.write(chunk, { descriptors: arrived.map(give) });
		} catch (error) {
			this.#isRefused = arrived.length > 0 && !GONE.has((error as { code: string }).code);
			for (const each of arrived) each.close();
			throw error;
		}
	}
}
