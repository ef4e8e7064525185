/** How an exchange ends, and what of it is a failure. */
import { CutError } from "../exit-code.ts";

/** An event that comes once, awaited beside others again and again without holding on to them. */
export class Ending {
	#isOver = false;
	#wake: (() => void) | undefined;

	/** Whether it has come. */
	get isOver(): boolean {
		return this.#isOver;
	}

	/** Says that it has come. */
	end(): void {
		this.#isOver = true;
		this.#wake?.();
		this.#wake = undefined;
	}

	/** What the promise gives, or undefined if this event or the time limit comes first. One wait at a time. */
	async before<T>(promise: Promise<T>, limitMs?: number): Promise<T | undefined> {
		let timer: NodeJS.Timeout | undefined;
		const early = new Promise<undefined>((resolve) => {
			if (limitMs !== undefined) timer = setTimeout(resolve, limitMs, undefined);
			else if (this.#isOver) resolve(undefined);
			else this.#wake = () => resolve(undefined);
		});
		try {
			return await Promise.race([promise, early]);
		} finally {
			clearTimeout(timer);
			this.#wake = undefined;
		}
	}
}

const GONE: ReadonlySet<unknown> = new Set(["EPIPE", "ECONNRESET", "ERR_CLOSED"]);

/** Whether sending failed because the peer takes no more: what it says can still be read, and its end will come. */
export function isPeerGone(error: Error): boolean {
	return GONE.has((error as { code?: unknown }).code);
}

/** Standard input has ended, and what was to be passed has had nothing to go with. */
export function notPassed(): CutError {
	return new CutError(
		"the descriptor was not passed: it goes with the first byte or message, and standard input has none",
	);
}
