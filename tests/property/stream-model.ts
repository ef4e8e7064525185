/** Two ends of a byte stream, and a small model that knows what each operation may do to them. */
import assert from "node:assert/strict";
import type { ByteStream } from "#src/stream/contract.ts";
import { settled, turns } from "#src/testing/expectations.ts";
import { pattern } from "#src/testing/traffic.ts";
import { PROMPT_MS } from "../support/patience.ts";

/** Something to do at one end. */
export type Operation =
	| { readonly kind: "write"; readonly end: number; readonly bytes: number }
	| { readonly kind: "writeBriefly"; readonly end: number; readonly bytes: number }
	| { readonly kind: "read"; readonly end: number; readonly bytes: number }
	| { readonly kind: "readExactly"; readonly end: number; readonly bytes: number }
	| { readonly kind: "cancelledRead"; readonly end: number }
	| { readonly kind: "waitingRead"; readonly end: number }
	| {
			readonly kind: "ref" | "unref" | "flush" | "closeWrite" | "close" | "abort";
			readonly end: number;
	  }
	| { readonly kind: "turn" };

const READ_MS = 2;
const CLOSE_MS = 20;
const GONE = ["EPIPE", "ECONNRESET"];

/** What the model knows of one end. */
interface Side {
	readonly stream: ByteStream;
	/** Writes in the order of their calls, without those that were withdrawn. */
	readonly written: Buffer[];
	/** What was read. */
	readonly received: Buffer[];
	/** How many bytes the pattern has gone on. */
	position: number;
	/** Closed or aborted by itself. */
	closed: boolean;
	/** Writing was ended by closeWrite. */
	writeEnded: boolean;
	/** Ended by force, or without having sent everything. */
	broken: boolean;
	/** The end of the other side's bytes was read. */
	sawEnd: boolean;
	/** A read that waits without limit. */
	waiting: Promise<void> | undefined;
}

/** Performs operations on two ends and checks each outcome. */
export class StreamModel {
	readonly #sides: readonly [Side, Side];
	readonly #pending: Promise<unknown>[] = [];

	constructor(ends: readonly [ByteStream, ByteStream]) {
		const [left, right] = ends;
		this.#sides = [newSide(left), newSide(right)];
	}

	/** Performs one operation. */
	async perform(operation: Operation): Promise<void> {
		if (operation.kind === "turn") return await turns(1);
		const side = this.#sides[operation.end] as Side;
		const other = this.#sides[1 - operation.end] as Side;
		switch (operation.kind) {
			case "write":
				return this.#write(side, other, operation.bytes);
			case "writeBriefly":
				return await this.#writeBriefly(side, other, operation.bytes);
			case "read":
				return await this.#read(side, other, async () => {
					const target = Buffer.alloc(operation.bytes);
					const count = await side.stream.readInto(target, { timeoutMs: READ_MS });
					return count === 0 ? null : target.subarray(0, count);
				});
			case "readExactly":
				return await this.#read(side, other, () =>
					side.stream.readExactly(operation.bytes, { timeoutMs: READ_MS }),
				);
			case "cancelledRead":
				return await this.#read(side, other, () => {
					const controller = new AbortController();
					const reading = side.stream.read({ signal: controller.signal });
					controller.abort();
					return reading;
				});
			case "waitingRead":
				side.waiting ??= this.#read(side, other, () => side.stream.read()).finally(() => {
					side.waiting = undefined;
				});
				return;
			default:
				return this.#end(side, other, operation.kind);
		}
	}

	/** Lets everything come to its end: what was sent and not thrown away arrives, and every call settles. */
	async finish(): Promise<void> {
		for (const side of this.#sides) {
			if (!side.closed && !side.writeEnded) this.#end(side, this.#other(side), "closeWrite");
		}
		await Promise.all(this.#sides.map((side) => this.#drain(side)));
		for (const side of this.#sides) this.#end(side, this.#other(side), "close");
		await settled(Promise.all(this.#pending), PROMPT_MS, "a pending call");
		for (const side of this.#sides)
			await settled(Promise.resolve(side.waiting), PROMPT_MS, "a read");
		for (const side of this.#sides) {
			const other = this.#other(side);
			const [sent, got] = [Buffer.concat(side.written), Buffer.concat(other.received)];
			assert.ok(sent.subarray(0, got.length).equals(got), "something else arrived than was sent");
			if (other.sawEnd && !side.broken) assert.equal(got.length, sent.length, "bytes are missing");
			assert.equal(side.stream.queuedBytes, 0);
		}
	}

	#other(side: Side): Side {
		return side === this.#sides[0] ? this.#sides[1] : this.#sides[0];
	}

	#write(side: Side, other: Side, bytes: number): void {
		const data = pattern(side.position, bytes);
		const refused = side.closed || side.writeEnded;
		side.position += bytes;
		const writing = side.stream.write(data);
		if (!refused) side.written.push(Buffer.from(data));
		this.#watch(writing, (code) => {
			// Where closeWrite has failed, a write fails as it did.
			if (refused) return code === "ERR_CLOSED" || this.#mayFail(side, other, code ?? "");
			if (code !== undefined) side.broken = true;
			return code === undefined || this.#mayFail(side, other, code);
		});
	}

	async #writeBriefly(side: Side, other: Side, bytes: number): Promise<void> {
		const data = pattern(side.position, bytes);
		const refused = side.closed || side.writeEnded;
		side.position += bytes;
		const entry = Buffer.from(data);
		side.written.push(entry);
		let moved = bytes;
		try {
			await side.stream.write(data, { timeoutMs: bytes % 3 });
		} catch (error) {
			const { code = "", bytesMoved } = error as { code?: string; bytesMoved?: number };
			moved = bytesMoved ?? 0;
			if (refused && code === "ERR_CLOSED") moved = 0;
			else if (code !== "ERR_TIMEOUT") {
				side.broken = true;
				assert.ok(this.#mayFail(side, other, code), `write() rejected with ${code}`);
			} else assert.ok(moved === 0 || moved === bytes, `${moved} of ${bytes} bytes moved`);
		}
		data.fill(0);
		if (moved === 0) side.written.splice(side.written.indexOf(entry), 1);
	}

	async #read(side: Side, other: Side, read: () => Promise<Uint8Array | null>): Promise<void> {
		const busy = side.waiting !== undefined;
		const { closed } = side;
		let chunk: Uint8Array | null;
		try {
			chunk = await settled(read(), PROMPT_MS, "a read");
		} catch (error) {
			const { code = String(error) } = error as { code?: string };
			if (code === "ERR_BUSY") assert.ok(busy, "a read was refused although none was pending");
			else if (code === "ERR_CLOSED") assert.ok(side.closed, "a read rejected as closed");
			else if (GONE.includes(code)) assert.ok(other.closed, `a read rejected with ${code}`);
			else assert.ok(["ERR_TIMEOUT", "ABORT_ERR", "ERR_END_OF_STREAM"].includes(code), code);
			return;
		}
		assert.ok(!closed, "a closed end could be read");
		if (chunk !== null) {
			side.received.push(Buffer.from(chunk));
			return;
		}
		assert.ok(other.closed || other.writeEnded, "the end came although nobody ended");
		side.sawEnd = true;
	}

	#end(
		side: Side,
		other: Side,
		kind: "ref" | "unref" | "flush" | "closeWrite" | "close" | "abort",
	): void {
		const { stream } = side;
		switch (kind) {
			case "ref":
			case "unref":
				(stream as { ref?: () => void; unref?: () => void })[kind]?.();
				return;
			case "abort":
				stream.abort();
				side.closed = true;
				side.broken = true;
				return;
			case "close":
				side.closed = true;
				this.#watch(stream.close({ timeoutMs: CLOSE_MS }), (code) => {
					if (code !== undefined) side.broken = true;
					return code === undefined || code === "ERR_TIMEOUT" || this.#mayFail(side, other, code);
				});
				return;
			default: {
				const refused = side.closed || (kind === "flush" && side.writeEnded);
				const ending = stream[kind]();
				if (kind === "closeWrite") side.writeEnded = true;
				this.#watch(ending, (code) => {
					if (code !== undefined && !refused) side.broken = true;
					return (
						code === undefined ||
						(refused && code === "ERR_CLOSED") ||
						this.#mayFail(side, other, code)
					);
				});
			}
		}
	}

	#mayFail(side: Side, other: Side, code: string): boolean {
		if (GONE.includes(code)) return other.closed;
		return code === "ERR_CLOSED" && side.closed;
	}

	#watch(promise: Promise<void>, isFine: (code: string | undefined) => boolean): void {
		const watched = promise.then(
			() => assert.ok(isFine(undefined), "a call succeeded on a closed end"),
			(error: { code?: string }) => {
				assert.ok(isFine(error.code ?? String(error)), `a call rejected with ${String(error)}`);
			},
		);
		watched.catch(() => undefined);
		this.#pending.push(watched);
	}

	async #drain(side: Side): Promise<void> {
		if (side.waiting !== undefined) await settled(side.waiting, PROMPT_MS, "a waiting read");
		const other = this.#other(side);
		while (!side.closed && !side.sawEnd) {
			const before = side.received.length;
			await this.#read(side, other, () => side.stream.read());
			if (side.received.length === before) return;
		}
	}
}

function newSide(stream: ByteStream): Side {
	return {
		stream,
		written: [],
		received: [],
		position: 0,
		closed: false,
		writeEnded: false,
		broken: false,
		sawEnd: false,
		waiting: undefined,
	};
}
