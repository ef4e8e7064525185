/** A map that forgets what has not been asked for lately, at no cost per lookup: two generations, of which the older one is dropped. */

/** Holds up to twice `generationCount` entries. */
export class RecentMap<T> {
	readonly #generationCount: number;
	#young = new Map<string, T>();
	#old = new Map<string, T>();

	constructor(generationCount: number) {
		this.#generationCount = generationCount;
	}

	get(key: string): T | undefined {
		const young = this.#young.get(key);
		if (young !== undefined) return young;
		const old = this.#old.get(key);
		return old === undefined ? undefined : this.put(key, old);
	}

	put(key: string, value: T): T {
		if (this.#young.size >= this.#generationCount) {
			this.#old = this.#young;
			this.#young = new Map();
		}
		this.#young.set(key, value);
		return value;
	}
}
