/** Connections that have come and cannot be served yet: a handshake of TLS or the header of a proxy is due. */
import { LIMITS } from "../index.ts";

/** Those of one listener, the oldest first. */
export class Unready<T> {
	readonly #shed: (connection: T) => void;
	readonly #since = new Map<T, number>();

	/** @param shed ends one, whose preparation resolves soon then */
	constructor(shed: (connection: T) => void) {
		this.#shed = shed;
	}

	/** Whether there are as many as there may be, however many can be served. */
	get isFull(): boolean {
		return this.#since.size >= LIMITS.tlsHandshakesCount;
	}

	add(connection: T): void {
		this.#since.set(connection, performance.now());
	}

	delete(connection: T): void {
		this.#since.delete(connection);
	}

	/** Milliseconds for which the oldest has a right to its place; undefined when there is none. */
	get graceMs(): number | undefined {
		const [oldest] = this.#since.values();
		if (oldest === undefined) return undefined;
		return Math.max(0, oldest + LIMITS.handshakeGraceMs - performance.now());
	}

	/** Ends the oldest. */
	shedOldest(): void {
		const [oldest] = this.#since.keys();
		if (oldest === undefined) return;
		this.#since.delete(oldest);
		this.#shed(oldest);
	}
}
