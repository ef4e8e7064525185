/** One direction of the datagrams of one peer: the faults decide, and what they pass is sent when its time has come. */
import { FaultChain } from "./fault-chain.ts";
import { type MessageFaultCounts, noCounts } from "./message-counts.ts";
import type { FaultPlan } from "./plan.ts";
import type { FaultDirection } from "./toxic.ts";
import type { Bytes } from "./transform.ts";

// What a datagram costs besides its bytes, about.
const DATAGRAM_BYTES = 128;

/** A direction under way. */
export class DatagramWay {
	readBytes = 0;
	passedBytes = 0;
	readonly counts: MessageFaultCounts = noCounts();
	readonly #plan: FaultPlan;
	readonly #roomBytes: number;
	readonly #send: (data: Uint8Array) => Promise<void>;
	readonly #chain: FaultChain;
	#queue: Bytes[] = [];
	#queuedBytes = 0;
	#cancelAlarm: (() => void) | undefined;
	#isSending = false;
	#isOver = false;

	constructor(
		plan: FaultPlan,
		connection: number,
		direction: FaultDirection,
		roomBytes: number,
		send: (data: Uint8Array) => Promise<void>,
	) {
		this.#plan = plan;
		this.#roomBytes = roomBytes;
		this.#send = send;
		this.#chain = new FaultChain(plan, connection, direction, {
			changed: () => this.#hurry(),
			// There is no connection that could end.
			doomed: () => undefined,
			hit: (fault) => {
				this.counts[fault]++;
			},
		});
		this.#chain.begin();
	}

	/** Takes a datagram; its bytes are copied. */
	take(data: Uint8Array): void {
		this.counts.received++;
		this.readBytes += data.length;
		for (const piece of this.#chain.take(data)) {
			if (piece.kind === "bytes") this.#enqueue(piece);
		}
		void this.#drain();
	}

	/** Ends it; what waits is dropped. */
	stop(): void {
		this.#isOver = true;
		this.#chain.stop();
		this.#cancelAlarm?.();
		this.counts.dropped += this.#queue.length;
		this.#queue = [];
	}

	#enqueue(datagram: Bytes): void {
		if (this.#queuedBytes >= this.#roomBytes) {
			this.counts.dropped++;
			return;
		}
		this.#queuedBytes += costOf(datagram);
		const later = this.#queue.findLastIndex(({ atMs }) => atMs <= datagram.atMs);
		this.#queue.splice(later + 1, 0, datagram);
	}

	async #drain(): Promise<void> {
		if (this.#isSending) return;
		this.#isSending = true;
		while (!this.#isOver) {
			const [first] = this.#queue;
			if (first === undefined || first.atMs > this.#plan.clock.nowMs()) break;
			this.#queue.shift();
			this.#queuedBytes -= costOf(first);
			try {
				await this.#send(first.data);
				this.counts.passed++;
				this.passedBytes += first.data.length;
			} catch {
				// As on a network: whoever sends datagrams is not told.
				this.counts.dropped++;
			}
		}
		this.#isSending = false;
		this.#setAlarm();
	}

	#setAlarm(): void {
		this.#cancelAlarm?.();
		this.#cancelAlarm = undefined;
		const [first] = this.#queue;
		if (first === undefined || this.#isOver) return;
		this.#cancelAlarm = this.#plan.clock.at(first.atMs, () => void this.#drain());
	}

	#hurry(): void {
		const nowMs = this.#plan.clock.nowMs();
		this.#queue = this.#queue.map((each) => ({ ...each, atMs: Math.min(each.atMs, nowMs) }));
		void this.#drain();
	}
}

function costOf({ data }: Bytes): number {
	return DATAGRAM_BYTES + data.length;
}
