/** One direction of the datagrams of one peer: the faults decide, and what they pass is sent when its time has come. */
import {
	type CountedFault,
	type DatagramTransform,
	datagramTransform,
	type TimedDatagram,
} from "./datagram-transforms.ts";
import type { FaultPlan } from "./plan.ts";
import type { FaultDirection, Toxic } from "./toxic.ts";

/** Counts of one direction, of all peers together. */
export interface DatagramFaultCounts {
	/** Datagrams that came. */
	received: number;
	/** Datagrams handed on, duplicates too. */
	passed: number;
	/** Datagrams hit by each fault. */
	loss: number;
	duplicate: number;
	reorder: number;
	corrupt: number;
	/** Datagrams that no fault has lost: there was no room for them to wait in, or sending failed. */
	dropped: number;
}

// What a datagram costs besides its bytes, about.
const DATAGRAM_BYTES = 128;

/** A direction under way. */
export class DatagramWay {
	readonly #plan: FaultPlan;
	readonly #connection: number;
	readonly #direction: FaultDirection;
	readonly #roomBytes: number;
	readonly #counts: DatagramFaultCounts;
	readonly #send: (data: Uint8Array) => Promise<void>;
	readonly #unwatch: () => void;
	#working: { readonly toxic: Toxic; readonly transform: DatagramTransform }[] = [];
	#queue: TimedDatagram[] = [];
	#queuedBytes = 0;
	#cancelAlarm: (() => void) | undefined;
	#isSending = false;
	#isOver = false;

	constructor(
		plan: FaultPlan,
		connection: number,
		direction: FaultDirection,
		roomBytes: number,
		counts: DatagramFaultCounts,
		send: (data: Uint8Array) => Promise<void>,
	) {
		this.#plan = plan;
		this.#connection = connection;
		this.#direction = direction;
		this.#roomBytes = roomBytes;
		this.#counts = counts;
		this.#send = send;
		this.#unwatch = plan.watch(() => this.#replan());
		this.#rebuild();
	}

	/** Takes a datagram; its bytes are copied. */
	take(data: Uint8Array): void {
		this.#counts.received++;
		let passing: readonly TimedDatagram[] = [
			{ data: Buffer.from(data), atMs: this.#plan.clock.nowMs() },
		];
		for (const { transform } of this.#working) {
			passing = passing.flatMap((each) => transform.take(each));
		}
		for (const each of passing) this.#enqueue(each);
		void this.#drain();
	}

	/** Ends it; what waits is dropped. */
	stop(): void {
		this.#isOver = true;
		this.#unwatch();
		this.#cancelAlarm?.();
		this.#counts.dropped += this.#queue.length;
		this.#queue = [];
	}

	#enqueue(datagram: TimedDatagram): void {
		if (this.#queuedBytes >= this.#roomBytes) {
			this.#counts.dropped++;
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
				this.#counts.passed++;
			} catch {
				// As on a network: whoever sends datagrams is not told.
				this.#counts.dropped++;
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

	#replan(): void {
		this.#rebuild();
		const nowMs = this.#plan.clock.nowMs();
		this.#queue = this.#queue.map((each) => ({ ...each, atMs: Math.min(each.atMs, nowMs) }));
		void this.#drain();
	}

	#rebuild(): void {
		const old = this.#working;
		this.#working = this.#plan
			.chosen(this.#connection, this.#direction)
			.map(({ toxic, random }) => {
				const count = (fault: CountedFault): void => {
					this.#counts[fault]++;
				};
				const same = old.find((each) => each.toxic === toxic);
				return same ?? { toxic, transform: datagramTransform(toxic, random, count) };
			});
	}
}

function costOf({ data }: TimedDatagram): number {
	return DATAGRAM_BYTES + data.length;
}
