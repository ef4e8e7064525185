/** One direction of a disturbed connection: reads, lets the faults decide, and writes what they pass when its time has come. */
import { FaultChain } from "./fault-chain.ts";
import type { FaultEnd } from "./fault-end.ts";
import { type MessageFaultCounts, noCounts } from "./message-counts.ts";
import type { FaultPlan } from "./plan.ts";
import type { FaultDirection } from "./toxic.ts";
import type { Doom, Piece } from "./transform.ts";

/** What a direction tells the connection. */
export interface WayEvents {
	/** It has ended: `error` is why something did not arrive; `isSinkBroken` when it was the receiver that failed. */
	ended(error: Error | undefined, isSinkBroken: boolean): void;
	/** A fault ends more than this direction. */
	doomed(doom: Doom, toxic: string): void;
}

// What a piece costs besides its bytes, about: so that many small slices fill the room, too.
const PIECE_BYTES = 128;

/** A direction under way. */
export class FaultWay {
	readBytes = 0;
	passedBytes = 0;
	/** Of messages; for a stream, of whatever pieces its bytes came in. */
	readonly counts: MessageFaultCounts = noCounts();
	readonly #source: FaultEnd;
	readonly #sink: FaultEnd;
	readonly #plan: FaultPlan;
	readonly #roomBytes: number;
	readonly #events: WayEvents;
	readonly #chain: FaultChain;
	#queue: Piece[] = [];
	#queuedBytes = 0;
	#lastMs = 0;
	// Nothing is delivered any more, and what comes is thrown away.
	#isDeaf = false;
	#isOver = false;
	#wakeReader: (() => void) | undefined;
	#wakeWriter: (() => void) | undefined;

	constructor(
		source: FaultEnd,
		sink: FaultEnd,
		plan: FaultPlan,
		connection: number,
		direction: FaultDirection,
		roomBytes: number,
		events: WayEvents,
	) {
		this.#source = source;
		this.#sink = sink;
		this.#plan = plan;
		this.#roomBytes = roomBytes;
		this.#events = events;
		this.#chain = new FaultChain(plan, connection, direction, {
			changed: () => this.#hurry(),
			doomed: (doom, toxic) => events.doomed(doom, toxic),
			hit: (fault) => {
				this.counts[fault]++;
			},
		});
	}

	/** Bytes that wait for their time, or for the receiver. */
	get heldBytes(): number {
		return this.#queue.reduce(
			(sum, each) => sum + (each.kind === "bytes" ? each.data.length : 0),
			0,
		);
	}

	start(): void {
		this.#chain.begin();
		void this.#read();
		void this.#write();
	}

	/** Ends it without a word to anybody; whoever does so closes the connections. */
	stop(): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#chain.stop();
		this.#empty();
	}

	/** Goes on reading, and delivers nothing more. */
	deafen(): void {
		this.#isDeaf = true;
		this.#empty();
	}

	#empty(): void {
		this.counts.dropped += this.#queue.filter(({ kind }) => kind === "bytes").length;
		this.#queue = [];
		this.#queuedBytes = 0;
		this.#wakeReader?.();
		this.#wakeWriter?.();
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
				const chunk = await this.#source.receive();
				if (this.#isOver) return;
				this.#arrived(chunk);
				if (chunk === null) return;
			}
		} catch (error) {
			this.#end(error as Error, false);
		}
	}

	#arrived(chunk: Uint8Array | null): void {
		if (chunk !== null) {
			this.readBytes += chunk.length;
			this.counts.received++;
		}
		if (this.#isDeaf) {
			if (chunk === null) this.#end(undefined, false);
			return;
		}
		for (const piece of this.#chain.take(chunk)) this.#enqueue(piece);
		this.#wakeWriter?.();
	}

	// Messages overtake each other when their times say so; bytes never do, and nothing comes after the end.
	#enqueue(piece: Piece): void {
		const isMessage = this.#plan.kind === "packets" && piece.kind === "bytes";
		const atMs = isMessage ? piece.atMs : Math.max(this.#lastMs, piece.atMs);
		this.#lastMs = Math.max(this.#lastMs, atMs);
		const before = isMessage
			? this.#queue.findLastIndex((each) => each.atMs <= atMs) + 1
			: undefined;
		this.#queue.splice(before ?? this.#queue.length, 0, { ...piece, atMs });
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
		try {
			if (piece.kind === "bytes") {
				await this.#sink.send(piece.data);
				this.passedBytes += piece.data.length;
				this.counts.passed++;
			} else if (piece.kind === "end") {
				await this.#sink.closeWrite();
				this.#end(undefined, false);
			} else {
				this.#events.doomed(piece.kind, piece.toxic ?? "");
			}
		} catch (error) {
			if (this.#isDeaf) return true;
			if (piece.kind === "bytes") this.counts.dropped++;
			this.#end(error as Error, true);
		}
		return !this.#isOver;
	}

	#end(error: Error | undefined, isSinkBroken: boolean): void {
		if (this.#isOver) return;
		this.stop();
		this.#events.ended(error, isSinkBroken);
	}

	// What waits leaves at once.
	#hurry(): void {
		const nowMs = this.#plan.clock.nowMs();
		this.#queue = this.#queue.map((piece) => ({ ...piece, atMs: Math.min(piece.atMs, nowMs) }));
		this.#lastMs = Math.min(this.#lastMs, nowMs);
		this.#wakeWriter?.();
	}
}

function costOf(piece: Piece): number {
	return PIECE_BYTES + (piece.kind === "bytes" ? piece.data.length : 0);
}
