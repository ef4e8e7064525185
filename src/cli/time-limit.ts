/** `--timeout`: the time for a command as a whole. */
import { ExpiredError } from "./exit-code.ts";

/** The time limit of a command, together with Ctrl-C. */
export class TimeLimit {
	/** Aborts when time is up, or on the first Ctrl-C. */
	readonly signal: AbortSignal;
	readonly #interrupted: AbortSignal;
	readonly #timer: NodeJS.Timeout | undefined;
	readonly #ms: number | undefined;
	#isOver = false;

	/** @param ms undefined for no limit */
	constructor(ms: number | undefined, interrupted: AbortSignal) {
		const controller = new AbortController();
		this.#interrupted = interrupted;
		this.#ms = ms;
		if (ms !== undefined) {
			this.#timer = setTimeout(() => {
				this.#isOver = true;
				controller.abort();
			}, ms).unref();
		}
		this.signal = AbortSignal.any([interrupted, controller.signal]);
	}

	/** Whether the time is up. */
	get isOver(): boolean {
		return this.#isOver;
	}

	/** Stops the clock. */
	stop(): void {
		clearTimeout(this.#timer);
	}

	/**
	 * Runs the command's work.
	 *
	 * @returns what the work returns; undefined when it failed because of Ctrl-C
	 * @throws {ExpiredError} time was up
	 */
	async around<T>(work: () => Promise<T>): Promise<T | undefined> {
		try {
			const result = await work();
			if (!this.#isOver) return result;
		} catch (error) {
			if (!this.#isOver && !(this.#interrupted.aborted && isEnding(error))) throw error;
		} finally {
			this.stop();
		}
		if (!this.#isOver) return undefined;
		throw new ExpiredError(`time is up after ${(this.#ms as number) / 1000} s (--timeout)`);
	}
}

// What calls reject with when they are ended by us.
function isEnding(error: unknown): boolean {
	const { code } = error as { code?: unknown };
	return code === "ABORT_ERR" || code === "ERR_CLOSED";
}
