/** The reads that need memory of what came before: exact counts, delimiters, and giving back what was too much. */
import { type Known, requireBytes, requireBytesOrText, requireInteger } from "../arguments.ts";
import { asBuffer } from "../as-buffer.ts";
import {
	BusyError,
	EndOfStreamError,
	InvalidValueError,
	LimitError,
	TimeoutError,
} from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { loopOver, loopTurn } from "../loop.ts";
import { checkWait, countDown, WAIT, type WaitOptions } from "../socket/wait.ts";
import type { ByteSource, ReadUntilOptions } from "./contract.ts";

const READ_UNTIL: Known<ReadUntilOptions> = { ...WAIT, maxBytes: true };
const COUNT_MAX = 1_073_741_824;
const NOTHING: Promise<number> = Promise.resolve(0);

/** A `ByteSource` on top of two primitives that an implementation provides. */
export abstract class ByteReader implements ByteSource {
	#rest: Uint8Array | undefined;
	// A read of several parts is under way: between two of them nobody else may read.
	#gathering = false;
	// Left over by another process, which had this connection before.
	#restoredBytes = 0;

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
		return this.arrivedBytes + this.#restoredBytes - this.leftOverBytes;
	}

	read(options?: WaitOptions): Promise<Uint8Array | null> {
		return this.#gathering ? refuse() : this.#some(options);
	}

	readInto(target: Uint8Array, options?: WaitOptions): Promise<number> {
		try {
			const bytes = requireBytes("target", target);
			return this.#gathering ? refuse() : this.#someInto(bytes, options);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	async readExactly(count: number, options?: WaitOptions): Promise<Uint8Array> {
		requireInteger("count", count, 0, COUNT_MAX);
		const target = Buffer.allocUnsafeSlow(count);
		let filled = 0;
		await this.#gather(
			options,
			async (left) => {
				while (filled < count) {
					const read = await this.#someInto(target.subarray(filled), left());
					if (read === 0) throw new EndOfStreamError(filled, `all ${count} bytes had come`);
					filled += read;
				}
			},
			() => target.subarray(0, filled),
		);
		return target;
	}

	async readUntil(
		delimiter: Uint8Array | string,
		options?: ReadUntilOptions,
	): Promise<Uint8Array | null> {
		const pattern = requireBytesOrText("delimiter", delimiter);
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
		return await this.#gather(
			options,
			async (left) => {
				for (;;) {
					const chunk = await this.#some(left());
					if (chunk === null) {
						if (gathered.length === 0) return null;
						throw new EndOfStreamError(gathered.length, "a delimiter had come");
					}
					const from = Math.max(0, gathered.length - pattern.length + 1);
					gathered = gathered.length === 0 ? asBuffer(chunk) : Buffer.concat([gathered, chunk]);
					const end = gathered.indexOf(pattern, from) + pattern.length;
					if (end >= pattern.length && end <= maxBytes) {
						this.#giveBack(gathered.subarray(end));
						return gathered.subarray(0, end);
					}
					if (gathered.length >= maxBytes) {
						throw new LimitError("maxBytes", gathered.length, maxBytes);
					}
				}
			},
			() => gathered,
			READ_UNTIL,
		);
	}

	[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
		return loopOver(async () => loopTurn(await this.read()));
	}

	/** @internal Bytes that an earlier read was given and has given back. */
	get leftOverBytes(): number {
		return this.#rest?.length ?? 0;
	}

	/** Whether a read of several parts is under way. */
	protected get gathering(): boolean {
		return this.#gathering;
	}

	/** @internal Has these bytes read before all that come: what another process had left over of the same connection. */
	restore(bytes: Uint8Array): void {
		const checked = requireBytes("bytes", bytes);
		this.#giveBack(checked);
		this.#restoredBytes += checked.length;
	}

	/** @internal Takes away what is left over. */
	takeLeftOver(): Uint8Array {
		const rest = this.#rest ?? new Uint8Array();
		this.#rest = undefined;
		return rest;
	}

	#some(options: WaitOptions | undefined): Promise<Uint8Array | null> {
		return this.#rest === undefined ? this.pull(options) : this.#takeRest(options);
	}

	#someInto(target: Uint8Array, options: WaitOptions | undefined): Promise<number> {
		if (target.length === 0) return NOTHING;
		return this.#rest === undefined
			? this.pullInto(target, options)
			: this.#copyRest(target, options);
	}

	// Runs a read of several parts; when it fails, what it had gathered is read next.
	async #gather<T>(
		options: WaitOptions | undefined,
		body: (left: () => WaitOptions | undefined) => Promise<T>,
		gathered: () => Uint8Array,
		known?: Known<WaitOptions>,
	): Promise<T> {
		if (this.#gathering) throw busy();
		this.#gathering = true;
		try {
			return await body(countDown(options, known));
		} catch (error) {
			this.#giveBack(gathered());
			if (error instanceof TimeoutError) throw new TimeoutError(options?.timeoutMs as number);
			throw error;
		} finally {
			this.#gathering = false;
		}
	}

	#giveBack(bytes: Uint8Array): void {
		if (bytes.length === 0) return;
		this.#rest = this.#rest === undefined ? bytes : Buffer.concat([bytes, this.#rest]);
	}

	async #takeRest(options: WaitOptions | undefined): Promise<Uint8Array> {
		const rest = this.#checkRest(options);
		this.#rest = undefined;
		return rest;
	}

	async #copyRest(target: Uint8Array, options: WaitOptions | undefined): Promise<number> {
		const rest = this.#checkRest(options);
		const count = Math.min(rest.length, target.length);
		target.set(rest.subarray(0, count));
		this.#rest = count === rest.length ? undefined : rest.subarray(count);
		return count;
	}

	#checkRest(options: WaitOptions | undefined): Uint8Array {
		checkWait(options);
		this.checkReadable();
		return this.#rest as Uint8Array;
	}
}

/** Why a second read is refused. */
export function busy(): BusyError {
	return new BusyError("Another read is pending on this stream: await it before the next one");
}

function refuse(): Promise<never> {
	return Promise.reject(busy());
}
