/** What all decoders share that cut their messages out of a backlog. */
import { EndOfStreamError } from "../errors.ts";
import { Backlog } from "./backlog.ts";
import type { Decoder } from "./codec.ts";

/** A decoder whose messages are complete by themselves: the end must come between two of them. */
export abstract class BacklogDecoder implements Decoder<Uint8Array> {
	protected readonly backlog: Backlog = new Backlog();
	readonly #missing: string;

	/** @param missing what the stream ended before, for the error */
	constructor(missing: string) {
		this.#missing = missing;
	}

	get pendingBytes(): number {
		return this.backlog.length;
	}

	push(chunk: Uint8Array): void {
		this.backlog.push(chunk);
	}

	abstract next(): Uint8Array | undefined;

	end(): undefined {
		const { length } = this.backlog;
		if (length > 0) throw new EndOfStreamError(length, this.#missing);
	}
}
