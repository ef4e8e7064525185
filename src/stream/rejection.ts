/** Rejecting a promise of which nothing is kept but its `resolve`. */

/**
 * Rejects the promise that is resolved with it, at once: a promise reads `then`, and takes what that throws for its reason. One that is resolved with a
 * rejected promise would follow two turns of the microtask queue later, when whoever has closed the stream goes on already.
 */
export class Rejection {
	readonly #error: Error;

	constructor(error: Error) {
		this.#error = error;
	}

	// biome-ignore lint/suspicious/noThenProperty: what promises ask for
	get then(): never {
		throw this.#error;
	}
}
