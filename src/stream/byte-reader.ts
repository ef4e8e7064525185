/** The reads that need memory of what came before: exact counts, delimiters, and giving back what was too much. */
import { requireBytes, requireInteger } from "../arguments.ts";
import { EndOfStreamError, InvalidValueError, LimitError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { WaitOptions } from "../socket/wait.ts";
import type { ByteSource, ReadUntilOptions } from "./contract.ts";

const COUNT_MAX = 1_073_741_824;
const NOTHING: Promise<number> = Promise.resolve(0);

/** A `ByteSource` on top of two primitives that an implementation provides. */
export abstract class ByteReader implements ByteSource {
	#rest: Uint8Array | undefined;

	/** Reads at least one byte into memory of the implementation's choice; null at the end. */
	protected abstract pull(options: WaitOptions | undefined): Promise<Uint8Array | null>;

	/** Reads at least one byte into `target`, which is not empty; 0 at the end. */
	protected abstract pullInto(
		target: Uint8Array,
		options: WaitOptions | undefined,
	): Promise<number>;

	/** Throws when the source can no longer be read, although bytes may be left over. */
	protected abstract checkReadable(): void;

	/** Bytes that have come in, whether handed out or left over. */
	protected abstract get arrivedBytes(): number;

	get bytesRead(): number {
		return this.arrivedBytes - (this.#rest?.length ?? 0);
	}

	read(options?: WaitOptions): Promise<Uint8Array | null> {
		if (this.#rest === undefined) return this.pull(options);
		return this.#readRest();
	}

	readInto(target: Uint8Array, options?: WaitOptions): Promise<number> {
		const bytes = requireBytes("target", target);
		if (bytes.length === 0) return NOTHING;
		if (this.#rest === undefined) return this.pullInto(bytes, options);
		return this.#copyRest(bytes);
	}

	async readExactly(count: number, options?: WaitOptions): Promise<Uint8Array> {
		requireInteger("count", count, 0, COUNT_MAX);
		const target = Buffer.allocUnsafeSlow(count);
		let filled = 0;
		try {
			while (filled < count) {
				const read = await this.readInto(target.subarray(filled), options);
				if (read === 0) throw new EndOfStreamError(filled, `all ${count} bytes had come`);
				filled += read;
			}
		} catch (error) {
			this.#giveBack(target.subarray(0, filled));
			throw error;
		}
		return target;
	}

	async readUntil(
		delimiter: Uint8Array | string,
		options?: ReadUntilOptions,
	): Promise<Uint8Array | null> {
		const pattern =
			typeof delimiter === "string" ? Buffer.from(delimiter) : requireBytes("delimiter", delimiter);
		if (pattern.length === 0) {
			throw new InvalidValueError("delimiter", "must have one byte or more", delimiter);
		}
		const maxBytes = requireInteger(
			"maxBytes",
			options?.maxBytes ?? LIMITS.readUntilBytes,
			1,
			COUNT_MAX,
		);
		let gathered: Buffer = Buffer.alloc(0);
		try {
			for (;;) {
				const chunk = await this.read(options);
				if (chunk === null) {
					if (gathered.length === 0) return null;
					throw new EndOfStreamError(gathered.length, "a delimiter had come");
				}
				const from = Math.max(0, gathered.length - pattern.length + 1);
				gathered = gathered.length === 0 ? asBuffer(chunk) : Buffer.concat([gathered, chunk]);
				const end = gathered.indexOf(pattern, from) + pattern.length;
				if (end >= pattern.length && end <= maxBytes) {
					const found = gathered.subarray(0, end);
					const beyond = gathered.subarray(end);
					gathered = beyond;
					this.#giveBack(beyond);
					return found;
				}
				if (gathered.length >= maxBytes) {
					throw new LimitError("maxBytes", gathered.length, maxBytes);
				}
			}
		} catch (error) {
			this.#giveBack(gathered);
			throw error;
		}
	}

	[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
		const iterator: AsyncIterableIterator<Uint8Array> = {
			next: async () => {
				const value = await this.read();
				return value === null ? { done: true, value: undefined } : { done: false, value };
			},
			return: async () => ({ done: true, value: undefined }),
			[Symbol.asyncIterator]: () => iterator,
		};
		return iterator;
	}

	#giveBack(bytes: Uint8Array): void {
		if (bytes.length === 0) return;
		this.#rest = this.#rest === undefined ? bytes : Buffer.concat([bytes, this.#rest]);
	}

	async #readRest(): Promise<Uint8Array> {
		this.checkReadable();
		const rest = this.#rest as Uint8Array;
		this.#rest = undefined;
		return rest;
	}

	async #copyRest(target: Uint8Array): Promise<number> {
		this.checkReadable();
		const rest = this.#rest as Uint8Array;
		const count = Math.min(rest.length, target.length);
		target.set(rest.subarray(0, count));
		this.#rest = count === rest.length ? undefined : rest.subarray(count);
		return count;
	}
}

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.isBuffer(bytes)
		? bytes
		: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
