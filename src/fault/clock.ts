/** What faults measure time with: the time of day's steady part, or a clock that a test moves by hand. */

/** A clock and its alarms. */
export interface FaultClock {
	/** Milliseconds since any moment; never goes back. */
	nowMs(): number;
	/**
	 * Calls once, when the clock shows `atMs` or later; never within this call.
	 *
	 * @returns what takes the alarm back
	 */
	at(atMs: number, call: () => void): () => void;
}

// Longer timers of Node's fire at once.
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The machine's clock. May call early, when the time is more than 24 days away: look at `nowMs` again. */
export const systemClock: FaultClock = {
	nowMs: () => performance.now(),
	at: (atMs, call) => {
		const afterMs = Math.ceil(Math.max(0, atMs - performance.now()));
		const timer = setTimeout(call, Math.min(afterMs, TIMER_MAX_MS));
		return () => clearTimeout(timer);
	},
};

interface Alarm {
	readonly atMs: number;
	readonly call: () => void;
}

/** A clock that stands still until it is moved: tests of what takes minutes end at once. */
export class ManualClock implements FaultClock {
	#nowMs = 0;
	#alarms: Alarm[] = [];

	nowMs(): number {
		return this.#nowMs;
	}

	/** The time of the next alarm; undefined when nobody waits. */
	get nextMs(): number | undefined {
		return this.#alarms.reduce<number | undefined>(
			(least, { atMs }) => Math.min(least ?? atMs, atMs),
			undefined,
		);
	}

	at(atMs: number, call: () => void): () => void {
		const alarm = { atMs, call };
		this.#alarms.push(alarm);
		return () => {
			this.#alarms = this.#alarms.filter((each) => each !== alarm);
		};
	}

	/** Moves the clock on, and calls what is due in the order of its time. */
	advance(ms: number): void {
		const untilMs = this.#nowMs + ms;
		for (;;) {
			const next = this.#next(untilMs);
			if (next === undefined) break;
			this.#alarms = this.#alarms.filter((each) => each !== next);
			this.#nowMs = Math.max(this.#nowMs, next.atMs);
			next.call();
		}
		this.#nowMs = untilMs;
	}

	#next(untilMs: number): Alarm | undefined {
		const due = this.#alarms.filter(({ atMs }) => atMs <= untilMs);
		return due.sort((one, other) => one.atMs - other.atMs)[0];
	}
}
