/** What a relay says of single connections: so many lines a second, and how many more there were. */
import { LIMITS } from "../../index.ts";

const SECOND_MS = 1_000;

/** Passes lines on, up to the limit. */
export class PeerLines {
	readonly #say: (text: string) => void;
	#saidCount = 0;
	#leftOutCount = 0;
	#timer: NodeJS.Timeout | undefined;

	/** @param say takes the lines that are said */
	constructor(say: (text: string) => void) {
		this.#say = say;
	}

	/** Says this, or counts it. */
	say(text: string): void {
		this.#timer ??= setTimeout(() => this.#endSecond(), SECOND_MS).unref();
		if (this.#saidCount < LIMITS.relayLinesCount) {
			this.#saidCount++;
			this.#say(text);
		} else this.#leftOutCount++;
	}

	/** Says how many were left out, if any were. */
	close(): void {
		clearTimeout(this.#timer);
		this.#endSecond();
	}

	#endSecond(): void {
		this.#timer = undefined;
		this.#saidCount = 0;
		const count = this.#leftOutCount;
		this.#leftOutCount = 0;
		if (count > 0)
			this.#say(`and ${count} more lines like these within a second; the figures count all`);
	}
}
