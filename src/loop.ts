/** What `for await` runs over. */
import { ClosedError } from "./errors.ts";

/** A loop over what `next` gives, until the end; leaving it early changes nothing. */
export function loopOver<T>(next: () => Promise<IteratorResult<T>>): AsyncIterableIterator<T> {
	const iterator: AsyncIterableIterator<T> = {
		next,
		return: async () => loopEnd(),
		[Symbol.asyncIterator]: () => iterator,
	};
	return iterator;
}

/** A turn of the loop with this value, of which null is the end. */
export function loopTurn<T>(value: T | null): IteratorResult<T> {
	return value === null ? loopEnd() : { done: false, value };
}

/** The end of the loop. */
export function loopEnd(): IteratorResult<never> {
	return { done: true, value: undefined };
}

/** The end of a loop that closing ends; any other error is thrown. */
export function loopEndIfClosed(error: unknown): IteratorResult<never> {
	if (error instanceof ClosedError) return loopEnd();
	throw error;
}
