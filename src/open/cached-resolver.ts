/** A resolver that remembers. */
import { requireInteger, requireObject, requireOneOf } from "../arguments.ts";
import { LIMITS } from "../limits.ts";
import { lookupError, type Resolver, systemResolver } from "../socket/resolve.ts";

/** Options of `cachedResolver`. */
export interface CachedResolverOptions {
	/**
	 * Who is asked: `"system"` is getaddrinfo(3), with /etc/hosts and all, which tells no times to live (the default). `"dns"` asks name servers,
	 * and keeps answers no longer than they say.
	 */
	readonly source?: "system" | "dns" | undefined;
	/** Longest time to keep an answer, 0..2147483647 ms. Default 60000. */
	readonly maxAgeMs?: number | undefined;
	/** Names to remember, 1..1000000; the one asked for least lately is forgotten. Default 1000. */
	readonly maxNames?: number | undefined;
}

/** A resolver that remembers, to be given as `resolver`. */
export interface CachedResolver extends Resolver {
	/** Forgets everything. */
	clear(): void;
}

interface Answer {
	readonly hosts: Promise<readonly string[]>;
	/** By performance.now(); Infinity while the question is under way. */
	expires: number;
}

interface Found {
	readonly hosts: readonly string[];
	readonly lifeMs: number;
}

/**
 * Makes a resolver that remembers its answers. Who asks for a name that is being resolved shares the answer; failures are not kept.
 *
 * @throws {InvalidValueError | OutOfRangeError} an option is wrong
 */
export function cachedResolver(options: CachedResolverOptions = {}): CachedResolver {
	requireObject("options", options);
	const source = requireOneOf("source", options.source ?? "system", ["system", "dns"]);
	const maxAgeMs = requireInteger("maxAgeMs", options.maxAgeMs ?? LIMITS.nameAgeMs, 0, 2 ** 31 - 1);
	const maxNames = requireInteger("maxNames", options.maxNames ?? LIMITS.namesCount, 1, 1_000_000);
	const find = source === "dns" ? findByDns : findBySystem;
	// In the order in which they were asked for last.
	const answers = new Map<string, Answer>();

	function ask(name: string): Answer {
		const question = find(name);
		const answer: Answer = {
			// Everybody gets the same one.
			hosts: question.then(({ hosts }) => Object.freeze([...hosts])),
			expires: Number.POSITIVE_INFINITY,
		};
		question.then(
			({ lifeMs }) => {
				answer.expires = performance.now() + Math.min(lifeMs, maxAgeMs);
			},
			() => {
				if (answers.get(name) === answer) answers.delete(name);
			},
		);
		return answer;
	}

	function resolver(name: string): Promise<readonly string[]> {
		const known = answers.get(name);
		const answer = known !== undefined && known.expires > performance.now() ? known : ask(name);
		answers.delete(name);
		answers.set(name, answer);
		if (answers.size > maxNames) answers.delete(answers.keys().next().value as string);
		return answer.hosts;
	}
	return Object.assign(resolver, { clear: () => answers.clear() });
}

async function findBySystem(name: string): Promise<Found> {
	return { hosts: await systemResolver(name, {}), lifeMs: Number.POSITIVE_INFINITY };
}

async function findByDns(name: string): Promise<Found> {
	const { promises } = process.getBuiltinModule("node:dns");
	const answers = await Promise.allSettled([
		promises.resolve6(name, { ttl: true }),
		promises.resolve4(name, { ttl: true }),
	]);
	const records = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
	if (records.length === 0) throw lookupError(name, whyNothing(answers));
	const lifeMs = Math.min(...records.map(({ ttl }) => ttl)) * 1_000;
	return { hosts: records.map(({ address }) => address), lifeMs };
}

// A server that does not answer says nothing about the name; getaddrinfo(3) tells these two apart as well.
function whyNothing(answers: readonly PromiseSettledResult<unknown>[]): { code: string } {
	const codes = answers.map((answer) =>
		answer.status === "rejected" ? (answer.reason as { code?: string }).code : "",
	);
	const isAnswered = codes.some((code) => code === "ENOTFOUND" || code === "ENODATA");
	return { code: isAnswered ? "ENOTFOUND" : "EAI_AGAIN" };
}
