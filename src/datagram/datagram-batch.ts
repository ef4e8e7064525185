/** Many datagrams at once, without an object for each unless asked. */
import { OutOfRangeError } from "../errors.ts";
import type { AddressOf } from "../socket/address.ts";
import type { Credentials } from "../socket/option-value.ts";
import type { Arrival } from "./arrivals.ts";
import type { Datagram, DatagramTransport } from "./datagram-contract.ts";
import type { DatagramDetails } from "./datagram-details.ts";

/** Datagrams in the memory that they were received into: valid until the next `receiveBatch` of the same socket. Indices count from 0. */
export class DatagramBatch<T extends DatagramTransport = DatagramTransport> {
	/** Datagrams in the batch, 1 or more. */
	count = 0;
	/** Of these, those that were cut. */
	truncatedCount = 0;
	/** @internal Bytes of all of them, with what was cut. */
	totalBytes = 0;
	readonly #maxBytes: number;
	#memory: Buffer = Buffer.alloc(0);
	#arrivals: readonly Arrival[] = [];
	#firstRow = 0;
	#skippedBytes = 0;
	// The place found last: most callers go from front to back.
	#row = 0;
	#rowIndex = 0;
	#start = 0;
	#bytes = 0;
	#kept = 0;

	/** @internal */
	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	/** The memory that holds all payloads, each at its `offset`. */
	get memory(): Uint8Array {
		return this.#memory;
	}

	/** Where the payload of datagram `index` begins in `memory`. */
	offset(index: number): number {
		this.#find(index);
		return this.#start;
	}

	/** Bytes of its payload that are there: its true length unless it was cut. */
	length(index: number): number {
		this.#find(index);
		return this.#kept;
	}

	/** Its true length. */
	bytes(index: number): number {
		this.#find(index);
		return this.#bytes;
	}

	/** Whether it was cut. */
	truncated(index: number): boolean {
		this.#find(index);
		return this.#kept < this.#bytes;
	}

	/** Its payload, as a view: copy what you keep beyond the next `receiveBatch`. */
	data(index: number): Uint8Array {
		this.#find(index);
		return this.#memory.subarray(this.#start, this.#start + this.#kept);
	}

	/** Its sender: a frozen object, shared by its datagrams. */
	from(index: number): AddressOf<T> {
		this.#find(index);
		return (this.#arrivals[this.#row] as Arrival).from as AddressOf<T>;
	}

	/** What else the kernel told of it; undefined when nothing was asked for. */
	details(index: number): DatagramDetails | undefined {
		this.#find(index);
		return (this.#arrivals[this.#row] as Arrival).details;
	}

	/** Who sent it, if `receiveCredentials` was asked for. */
	credentials(index: number): Credentials | undefined {
		this.#find(index);
		const { companion } = this.#arrivals[this.#row] as Arrival;
		return companion instanceof Error ? undefined : companion?.credentials;
	}

	/** The length of its like: datagrams with the same stride followed each other closely, and the kernel glued them together. */
	stride(index: number): number {
		this.#find(index);
		return (this.#arrivals[this.#row] as Arrival).stride;
	}

	/** Each datagram as an object; its data are views as those of `data`. */
	*[Symbol.iterator](): Generator<Datagram<T>, void, undefined> {
		for (let i = 0; i < this.count; i++) {
			const data = this.data(i);
			const truncated = this.#kept < this.#bytes;
			const credentials = this.credentials(i);
			yield {
				data,
				from: this.from(i),
				bytes: this.#bytes,
				truncated,
				...this.details(i),
				...(credentials !== undefined && { credentials }),
			};
		}
	}

	/** @internal Takes over what arrived; `firstRow` and `skippedBytes` of that row have been handed out. */
	fill(memory: Buffer, arrivals: readonly Arrival[], firstRow = 0, skippedBytes = 0): void {
		this.#memory = memory;
		this.#arrivals = arrivals;
		this.#firstRow = firstRow;
		this.#skippedBytes = skippedBytes;
		this.#row = firstRow;
		this.#rowIndex = 0;
		this.count = 0;
		this.truncatedCount = 0;
		this.totalBytes = -skippedBytes;
		for (let row = firstRow; row < arrivals.length; row++) {
			const count = this.#countIn(row);
			this.count += count;
			this.totalBytes += (arrivals[row] as Arrival).length;
			this.truncatedCount += this.#countCut(arrivals[row] as Arrival, count);
		}
	}

	#countIn(row: number): number {
		const { length, stride } = this.#arrivals[row] as Arrival;
		const left = row === this.#firstRow ? length - this.#skippedBytes : length;
		return left === 0 ? 1 : Math.ceil(left / stride);
	}

	#countCut({ length, kept, stride }: Arrival, count: number): number {
		if (kept < length) return 1;
		if (stride <= this.#maxBytes) return 0;
		const last = length % stride || stride;
		return last > this.#maxBytes ? count : count - 1;
	}

	#find(index: number): void {
		if (!(index >= 0 && index < this.count)) {
			throw new OutOfRangeError("index", `an integer from 0 to ${this.count - 1}`, index);
		}
		if (index < this.#rowIndex) {
			this.#row = this.#firstRow;
			this.#rowIndex = 0;
		}
		for (
			let n = this.#countIn(this.#row);
			index >= this.#rowIndex + n;
			n = this.#countIn(this.#row)
		) {
			this.#rowIndex += n;
			this.#row++;
		}
		const { start, kept, length, stride } = this.#arrivals[this.#row] as Arrival;
		const skipped = this.#row === this.#firstRow ? this.#skippedBytes : 0;
		const offset = skipped + (index - this.#rowIndex) * stride;
		this.#start = start + offset;
		this.#bytes = Math.min(stride, length - offset);
		this.#kept = Math.min(this.#bytes, this.#maxBytes, Math.max(0, kept - offset));
	}
}
