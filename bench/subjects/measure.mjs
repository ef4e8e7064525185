// The two measures, the same as in native/measure.c: time of each round trip, and what arrived per second.
import { readFileSync } from "node:fs";

const LAPS_MAX = 1 << 20;

/** Round trips: one clock reading each; the end of one is the start of the next. */
export class Laps {
	#samples = new Float64Array(LAPS_MAX).fill(0);
	#count = 0;
	#last = performance.now();
	#begin;
	#end;

	constructor({ warmUpMs, measureMs }) {
		this.#begin = this.#last + warmUpMs;
		this.#end = this.#begin + measureMs;
	}

	/** Ends a round trip; false when the time is up. */
	lap() {
		const now = performance.now();
		if (this.#last >= this.#begin) this.#samples[this.#count++] = now - this.#last;
		this.#last = now;
		return now < this.#end && this.#count < LAPS_MAX;
	}

	figures() {
		const count = this.#count;
		if (count === 0) throw new Error("no round trip was measured");
		const samples = this.#samples.subarray(0, count).sort();
		return {
			p50_us: samples[count >> 1] * 1000,
			p99_us: samples[Math.floor(count * 0.99)] * 1000,
			count,
		};
	}
}

/** What arrived within a window that opens `warmUpMs` after the first arrival. */
export class Window {
	done = false;
	total = 0;
	#task;
	#counted = 0;
	#begin = 0;
	#end = 0;
	#from = 0;
	#until = 0;

	constructor(task) {
		this.#task = task;
	}

	add(amount) {
		const first = this.total === 0;
		this.total += amount;
		if (this.done) return;
		const now = performance.now();
		if (first) {
			this.#begin = now + this.#task.warmUpMs;
			this.#end = this.#begin + this.#task.measureMs;
		} else if (this.#from === 0) {
			if (now >= this.#begin) this.#from = now;
		} else {
			this.#counted += amount;
			this.#until = now;
			this.done = now >= this.#end;
		}
	}

	figures() {
		if (!this.done) throw new Error("the sender stopped before the window closed");
		const rate = (this.#counted * 1000) / (this.#until - this.#from);
		const { kind, size } = this.#task;
		if (kind === "bulk") return { gbit_s: (rate * 8) / 1e9 };
		if (kind === "smallwrites") return { writes_per_s: rate / size };
		return { kpps: rate / 1000, received: this.total };
	}
}

/** How long a sender goes on at most, should its receiver never hang up. */
export const SENDER_MARGIN_MS = 2000;

/** How long a sender of datagrams goes on after the time to measure. */
export const DATAGRAM_MARGIN_MS = 100;

/** The moment at which a sender stops, on the clock of `performance.now()`. */
export function sendUntil({ warmUpMs, measureMs }, marginMs) {
	return performance.now() + warmUpMs + measureMs + marginMs;
}

/** Counts held connections and weighs this process at `baseline` and at `connections` of them. */
export class Weight {
	#task;
	#collect;
	#finish;
	#held = 0;
	#before = 0;

	/** `collect` runs a full garbage collection; `finish` receives the figures. */
	constructor(task, collect, finish) {
		this.#task = task;
		this.#collect = collect;
		this.#finish = finish;
	}

	add() {
		this.#held++;
		const { baseline, connections } = this.#task;
		if (this.#held === baseline) {
			this.#settle(() => {
				this.#before = residentKb();
			});
		} else if (this.#held === connections) {
			this.#settle(() => {
				const grown = residentKb() - this.#before;
				this.#finish({ rss_kb_per_conn: grown / (connections - baseline) });
			});
		}
	}

	// The client pauses 300 ms at each of the two points.
	#settle(then) {
		setTimeout(() => {
			this.#collect();
			this.#collect();
			then();
		}, 150);
	}
}

function residentKb() {
	return Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "latin1"))[1]);
}
