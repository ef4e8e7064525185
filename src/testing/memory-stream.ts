/** Byte streams without a socket: two connected ends in memory, with real back-pressure, for tests that want no kernel. */
import { type Known, requireBytes, requireInteger, requireOptions } from "../arguments.ts";
import { LIMITS } from "../limits.ts";
import type { WaitOptions } from "../socket/wait.ts";
import { ByteReader } from "../stream/byte-reader.ts";
import type { ByteStream } from "../stream/contract.ts";
import { MemoryLink } from "./memory-link.ts";
import { MemoryPipe, type PendingWrite } from "./memory-pipe.ts";

/** Options of `memoryStreams`. */
export interface MemoryStreamOptions {
	/** Bytes that one direction holds unread, 1..1073741824. Default 65536. */
	readonly capacityBytes?: number | undefined;
}

const KNOWN: Known<MemoryStreamOptions> = {
	capacityBytes: true,
};

const CAPACITY_MAX = 1_073_741_824;

/**
 * Makes two connected ends: what is written to one is read from the other.
 *
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an option is wrong, or unknown
 */
export function memoryStreams(options: MemoryStreamOptions = {}): [MemoryStream, MemoryStream] {
	const capacityBytes = requireInteger(
		"capacityBytes",
		requireOptions(options, KNOWN).capacityBytes ?? LIMITS.writeHighWaterBytes,
		1,
		CAPACITY_MAX,
	);
	const [there, back] = [new BytePipe(capacityBytes), new BytePipe(capacityBytes)];
	return [new MemoryStream(back, there), new MemoryStream(there, back)];
}

class BytePipe extends MemoryPipe {
	readonly #capacityBytes: number;
	#chunks: Uint8Array[] = [];
	#storedBytes = 0;

	constructor(capacityBytes: number) {
		super();
		this.#capacityBytes = capacityBytes;
	}

	protected override store(write: PendingWrite): boolean {
		const room = this.#capacityBytes - this.#storedBytes;
		const chunk = Buffer.from(write.data.subarray(0, room));
		if (chunk.length > 0) {
			this.#chunks.push(chunk);
			this.#storedBytes += chunk.length;
			write.data = write.data.subarray(chunk.length);
			write.begun = true;
		}
		return write.data.length === 0;
	}

	protected override take(target: Uint8Array | undefined): Uint8Array | undefined {
		const chunk = this.#chunks.shift();
		if (chunk === undefined) return undefined;
		const taken = target === undefined ? chunk : chunk.subarray(0, target.length);
		if (taken.length < chunk.length) this.#chunks.unshift(chunk.subarray(taken.length));
		this.#storedBytes -= taken.length;
		target?.set(taken);
		return taken;
	}

	protected override clear(): void {
		this.#chunks = [];
		this.#storedBytes = 0;
	}
}

/** One end of a connection in memory. Made by `memoryStreams`. */
export class MemoryStream extends ByteReader implements ByteStream {
	readonly #link: MemoryLink<BytePipe>;
	#readBytes = 0;

	/** @internal */
	constructor(incoming: BytePipe, outgoing: BytePipe) {
		super();
		this.#link = new MemoryLink(incoming, outgoing, "The stream");
	}

	get bytesWritten(): number {
		return this.#link.outgoing.takenBytes;
	}

	get queuedBytes(): number {
		return this.#link.outgoing.queuedBytes;
	}

	async write(data: Uint8Array | string, options?: WaitOptions): Promise<void> {
		this.#link.checkWritable(options);
		const bytes = typeof data === "string" ? Buffer.from(data) : requireBytes("data", data);
		await this.#link.outgoing.write(bytes, options);
	}

	async flush(options?: WaitOptions): Promise<void> {
		this.#link.checkWritable(options);
		await this.#link.outgoing.flush(options);
	}

	closeWrite(options?: WaitOptions): Promise<void> {
		return this.#link.closeWrite(options);
	}

	close(options?: WaitOptions): Promise<void> {
		return this.#link.close(options);
	}

	abort(): void {
		this.#link.abort();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	protected override get arrivedBytes(): number {
		return this.#readBytes;
	}

	protected override async pull(options: WaitOptions | undefined): Promise<Uint8Array | null> {
		const chunk = await this.#link.incoming.read(undefined, options);
		this.#readBytes += chunk?.length ?? 0;
		return chunk;
	}

	protected override async pullInto(
		target: Uint8Array,
		options: WaitOptions | undefined,
	): Promise<number> {
		const chunk = await this.#link.incoming.read(target, options);
		this.#readBytes += chunk?.length ?? 0;
		return chunk?.length ?? 0;
	}

	protected override checkReadable(): void {
		this.#link.checkOpen();
	}
}
