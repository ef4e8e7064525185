/** The timer behind `setTimeout` of a socket: it goes off once when nothing has moved for a while. */

// Node's own, although a test may fake them later; its sockets use no others either.
const { clearTimeout, setTimeout } = globalThis;

/** Counts idle time. It never keeps the process alive. */
export class IdleTimer {
	readonly #onIdle: () => void;
	#timer: NodeJS.Timeout | undefined;

	constructor(onIdle: () => void) {
		this.#onIdle = onIdle;
	}

	/** Counts from now on; 0 milliseconds stop it. */
	start(ms: number): void {
		clearTimeout(this.#timer);
		this.#timer = ms > 0 ? setTimeout(this.#onIdle, ms).unref() : undefined;
	}

	/** Something has moved. */
	refresh(): void {
		this.#timer?.refresh();
	}
}
