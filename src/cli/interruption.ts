/** Ctrl-C and its relatives: the first one asks for a clean end, the second one ends at once. */
import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Watches for signals that end the program. */
export class Interruption {
	readonly #controller = new AbortController();
	#exitCode: number | undefined;

	constructor() {
		for (const name of SIGNALS) {
			process.on(name, () => {
				if (this.#exitCode !== undefined) process.exit(this.#exitCode);
				this.end(128 + constants.signals[name]);
			});
		}
	}

	/** Aborts on the first signal. */
	get signal(): AbortSignal {
		return this.#controller.signal;
	}

	/** 128 + n after signal n, undefined before. */
	get exitCode(): number | undefined {
		return this.#exitCode;
	}

	/** Asks for a clean end as the first signal does, for another reason. */
	end(exitCode: number): void {
		this.#exitCode ??= exitCode;
		this.#controller.abort();
	}
}
