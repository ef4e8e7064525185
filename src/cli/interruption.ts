/** Ctrl-C and its relatives: the first one asks for a clean end, the second one ends at once. */
import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Watches for signals that end the program. */
export class Interruption {
	readonly #controller = new AbortController();
	#signalNumber: number | undefined;

	constructor() {
		for (const name of SIGNALS) {
			process.on(name, () => {
				if (this.#signalNumber !== undefined) process.exit(this.exitCode);
				this.#signalNumber = constants.signals[name];
				this.#controller.abort();
			});
		}
	}

	/** Aborts on the first signal. */
	get signal(): AbortSignal {
		return this.#controller.signal;
	}

	/** 128 + n after signal n, undefined before. */
	get exitCode(): number | undefined {
		return this.#signalNumber === undefined ? undefined : 128 + this.#signalNumber;
	}
}
