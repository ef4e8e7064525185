/** Many names to look up, and few threads to do it. */
import { LIMITS } from "../limits.ts";

/**
 * Calls for each item, for few at a time: getaddrinfo(3) holds one of the four threads that all work with files and names has.
 *
 * @returns what came of each, in the order of the items
 */
export async function fewAtOnce<Item, Result>(
	items: readonly Item[],
	call: (item: Item) => Promise<Result>,
): Promise<PromiseSettledResult<Result>[]> {
	const results: PromiseSettledResult<Result>[] = [];
	const waiting = items.entries();
	const work = async (): Promise<void> => {
		for (const [at, item] of waiting) {
			// Async: what throws has rejected.
			[results[at]] = await Promise.allSettled([(async () => call(item))()]);
		}
	};
	await Promise.all(Array.from({ length: LIMITS.lookupsAtOnceCount }, work));
	return results;
}
