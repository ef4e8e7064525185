/** One direction of a disturbed connection: reads, lets the faults decide, and writes what they pass when its time has come. */
import type { ByteStream } from "../stream/contract.ts";
import type { FaultPlan } from "./plan.ts";
import {
	type Fate,
	type Piece,
	type StreamTransform,
	streamTransform,
} from "./stream-transforms.ts";
import type { FaultDirection, Toxic } from "./toxic.ts";

/** What a direction tells the connection. */
export interface WayEvents {
	/** It has ended: `error` is why something did not arrive; `isSinkBroken` when it was the receiver that failed. */
	ended(error: Error | undefined, isSinkBroken: boolean): void;
	/** A fault ends more than this direction. */
	doomed(kind: "close" | "reset" | "half-open"): void;
}

interface Working {
	readonly toxic: Toxic;
	readonly transform: StreamTransform;
	cancelAlarm: (() => void) | undefined;
}

// What a piece costs besides its bytes, about: so that many small slices fill the room, too.
const PIECE_BYTES = 128;

/** A direction under way. */
export class FaultWay {
	readBytes = 0;
	passedBytes = 0;
	readonly #source: ByteStream;
	readonly #sink: ByteStream;
	readonly #plan: FaultPlan;
	readonly #connection: number;
	readonly #direction: FaultDirection;
	readonly #roomBytes: number;
	readonly #events: WayEvents;
	readonly #unwatch: () => void;
	#working: Working[] = [];
	#queue: Piece[] = [];
	#queuedBytes = 0;
	#lastMs = 0;
	// Nothing is delivered any more, and what comes is thrown away.
	#isDeaf = false;
	#isOver = false;
	#wakeReader: (() => void) | undefined;
	#wakeWriter: (() => void) | undefined;

	constructor(
		source: ByteStream,
		sink: ByteStream,
		plan: FaultPlan,
		connection: number,
		direction: FaultDirection,
		roomBytes: number,
		events: WayEvents,
	) {
		this.#source = source;
		this.#sink = sink;
		this.#plan = plan;
		this.#connection = connection;
		this.#direction = direction;
		this.#roomBytes = roomBytes;
		this.#events = events;
		this.#unwatch = plan.watch(() => this.#replan());
	}

	/** Bytes that wait for their time, or for the receiver. */
	get heldBytes(): number {
		return this.#queue.reduce(
			(sum, each) => sum + (each.kind === "bytes" ? each.data.length : 0),
			0,
		);
	}

	start(): void {
		this.#rebuild();
		void this.#read();
		void this.#write();
	}

	/** Ends it without a word to anybody; whoever does so closes the streams. */
	stop(): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#unwatch();
		for (const each of this.#working) each.cancelAlarm?.();
		this.#queue = [];
		this.#wake();
	}

	/** Goes on reading, and delivers nothing more. */
	deafen(): void {
		this.#isDeaf = true;
		this.#queue = [];
		this.#queuedBytes = 0;
		this.#wake();
	}

	async #read(): Promise<void> {
		try {
			while (!this.#isOver) {
				if (this.#queuedBytes >= this.#roomBytes) {
					await new Promise<void>((resolve) => {
						this.#wakeReader = resolve;
					});
					continue;
				}
				const chunk = await this.#source.read();
				if (this.#isOver) return;
				this.#arrived(chunk);
				if (chunk === null) return;
			}
		} catch (error) {
			this.#end(error as Error, false);
		}
	}

	#arrived(chunk: Uint8Array | null): void {
		const atMs = this.#plan.clock.nowMs();
		this.readBytes += chunk?.length ?? 0;
		if (this.#isDeaf) {
			if (chunk === null) this.#end(undefined, false);
			return;
		}
		// A copy: what waits must not hold the memory that chunks share.
		let pieces: readonly Piece[] = [
			chunk === null ? { kind: "end", atMs } : { kind: "bytes", data: Buffer.from(chunk), atMs },
		];
		for (const { transform } of this.#working) {
			pieces = pieces.flatMap((piece) => transform.take(piece));
		}
		for (const piece of pieces) this.#enqueue(piece);
		this.#wakeWriter?.();
	}

	#enqueue(piece: Piece): void {
		this.#lastMs = Math.max(this.#lastMs, piece.atMs);
		this.#queue.push({ ...piece, atMs: this.#lastMs });
		this.#queuedBytes += costOf(piece);
	}

	async #write(): Promise<void> {
		while (!this.#isOver) {
			const [piece] = this.#queue;
			if (piece === undefined || piece.atMs > this.#plan.clock.nowMs()) {
				await this.#pause(piece?.atMs);
				continue;
			}
			this.#queue.shift();
			if (!(await this.#deliver(piece))) return;
			this.#queuedBytes = Math.max(0, this.#queuedBytes - costOf(piece));
			this.#wakeReader?.();
		}
	}

	// Until a time, or until something has changed.
	async #pause(untilMs: number | undefined): Promise<void> {
		let cancel: (() => void) | undefined;
		await new Promise<void>((resolve) => {
			this.#wakeWriter = resolve;
			if (untilMs !== undefined) cancel = this.#plan.clock.at(untilMs, resolve);
		});
		this.#wakeWriter = undefined;
		cancel?.();
	}

	// Returns whether it goes on.
	async #deliver(piece: Piece): Promise<boolean> {
		if (piece.kind === "close" || piece.kind === "reset" || piece.kind === "half-open") {
			this.#events.doomed(piece.kind);
			return !this.#isOver;
		}
		try {
			if (piece.kind !== "bytes") {
				await this.#sink.closeWrite();
				this.#end(undefined, false);
				return false;
			}
			// Each leaves on its own: a slice that waited for the next one would be none.
			await this.#sink.write(piece.data);
			await this.#sink.flush();
			this.passedBytes += piece.data.length;
		} catch (error) {
			if (this.#isDeaf) return true;
			this.#end(error as Error, true);
		}
		return !this.#isOver;
	}

	#end(error: Error | undefined, isSinkBroken: boolean): void {
		if (this.#isOver) return;
		this.stop();
		this.#events.ended(error, isSinkBroken);
	}

	#replan(): void {
		this.#rebuild();
		const nowMs = this.#plan.clock.nowMs();
		this.#queue = this.#queue.map((piece) => ({ ...piece, atMs: Math.min(piece.atMs, nowMs) }));
		this.#lastMs = Math.min(this.#lastMs, nowMs);
		this.#wakeWriter?.();
	}

	// Faults that stay keep what they know.
	#rebuild(): void {
		const old = this.#working;
		this.#working = this.#plan
			.chosen(this.#connection, this.#direction)
			.map(({ toxic, random }) => {
				const same = old.find((each) => each.toxic === toxic);
				return same ?? this.#begin(toxic, streamTransform(toxic, random));
			});
		for (const each of old) {
			if (!this.#working.includes(each)) each.cancelAlarm?.();
		}
	}

	#begin(toxic: Toxic, transform: StreamTransform): Working {
		const working: Working = { toxic, transform, cancelAlarm: undefined };
		const fate = transform.begin(this.#plan.clock.nowMs());
		if (fate !== undefined) this.#setAlarm(working, fate);
		return working;
	}

	#setAlarm(working: Working, fate: Fate): void {
		const { clock } = this.#plan;
		working.cancelAlarm = clock.at(fate.atMs, () => {
			if (clock.nowMs() < fate.atMs) this.#setAlarm(working, fate);
			else if (!this.#isOver && fate.kind !== "end") this.#events.doomed(fate.kind);
		});
	}

	#wake(): void {
		this.#wakeReader?.();
		this.#wakeWriter?.();
	}
}

function costOf(piece: Piece): number {
	return PIECE_BYTES + (piece.kind === "bytes" ? piece.data.length : 0);
}
