/** A resolver that remembers. */
import {
	type Known,
	requireArray,
	requireInteger,
	requireOneOf,
	requireOptions,
	requireString,
} from "../arguments.ts";
import { InvalidValueError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import {
	lookupError,
	type Resolver,
	type ServiceResolver,
	systemResolver,
} from "../socket/resolve.ts";
import { nameServerClient } from "./name-servers.ts";
import { servicesBy } from "./services.ts";

/** Options of `cachedResolver`. */
export interface CachedResolverOptions {
	/**
	 * Who is asked: `"system"` is getaddrinfo(3), with /etc/hosts and all, which tells no times to live (the default). `"dns"` asks name servers,
	 * and keeps answers no longer than they say.
	 */
	readonly source?: "system" | "dns" | undefined;
	/** Name servers to ask in place of the system's: `192.0.2.53`, `[2001:db8::53]:5353`. Only for `source: "dns"`. */
	readonly nameservers?: readonly string[] | undefined;
	/** Longest time to keep an answer, 0..2147483647 ms. Default 60000. */
	readonly maxAgeMs?: number | undefined;
	/** Names to remember, 1..1000000; the one asked for least lately is forgotten. Default 1000. */
	readonly maxNames?: number | undefined;
}

const KNOWN: Known<CachedResolverOptions> = {
	source: true,
	nameservers: true,
	maxAgeMs: true,
	maxNames: true,
};

/** A resolver that remembers, to be given as `resolver`. */
export interface CachedResolver extends Resolver {
	/** Asks the name servers each time: Node does not tell how long such an answer lives. The addresses of the servers are remembered. */
	readonly services: ServiceResolver;
	/** Forgets everything. */
	clear(): void;
}

interface Answer {
	readonly hosts: Promise<readonly string[]>;
	/** Ends the question, which keeps the process alive. */
	readonly unwanted: AbortController;
	/** How many wait for it. */
	askers: number;
	/** By performance.now(); Infinity while the question is under way. */
	expires: number;
}

type Find = (name: string, signal: AbortSignal) => Promise<Found>;

interface Found {
	readonly hosts: readonly string[];
	readonly lifeMs: number;
}

/**
 * Makes a resolver that remembers its answers. Who asks for a name that is being resolved shares the answer; failures are not kept. Name servers are
 * no longer waited for once nobody wants their answer.
 *
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an option is wrong
 */
export function cachedResolver(options: CachedResolverOptions = {}): CachedResolver {
	requireOptions(options, KNOWN);
	const source = requireOneOf("source", options.source ?? "system", ["system", "dns"]);
	const maxAgeMs = requireInteger("maxAgeMs", options.maxAgeMs ?? LIMITS.nameAgeMs, 0, 2 ** 31 - 1);
	const maxNames = requireInteger("maxNames", options.maxNames ?? LIMITS.namesCount, 1, 1_000_000);
	const nameservers = checkNameservers(options.nameservers, source);
	const find: Find =
		source === "dns" ? (name, signal) => findByDns(name, signal, nameservers) : findBySystem;
	// In the order in which they were asked for last.
	const answers = new Map<string, Answer>();

	function ask(name: string): Answer {
		const unwanted = new AbortController();
		const question = find(name, unwanted.signal);
		const answer: Answer = {
			// Everybody gets the same one.
			hosts: question.then(({ hosts }) => Object.freeze([...hosts])),
			unwanted,
			askers: 0,
			expires: Number.POSITIVE_INFINITY,
		};
		question.then(
			({ lifeMs }) => {
				answer.expires = performance.now() + Math.min(lifeMs, maxAgeMs);
			},
			() => forget(name, answer),
		);
		return answer;
	}

	function forget(name: string, answer: Answer): void {
		if (answers.get(name) === answer) answers.delete(name);
	}

	async function wait(
		name: string,
		answer: Answer,
		signal: AbortSignal | undefined,
	): Promise<readonly string[]> {
		const leave = (): void => {
			answer.askers--;
			if (answer.askers > 0) return;
			forget(name, answer);
			answer.unwanted.abort();
		};
		answer.askers++;
		signal?.addEventListener("abort", leave, { once: true });
		try {
			return await answer.hosts;
		} finally {
			signal?.removeEventListener("abort", leave);
		}
	}

	async function resolver(
		name: string,
		{ signal }: { readonly signal?: AbortSignal | undefined } = {},
	): Promise<readonly string[]> {
		requireString("name", name);
		const known = answers.get(name);
		const answer = known !== undefined && known.expires > performance.now() ? known : ask(name);
		answers.delete(name);
		answers.set(name, answer);
		if (answers.size > maxNames) answers.delete(answers.keys().next().value as string);
		return await wait(name, answer, signal);
	}
	const services = servicesBy(nameservers);
	return Object.assign(resolver, { services, clear: () => answers.clear() });
}

function checkNameservers(given: unknown, source: "system" | "dns"): readonly string[] | undefined {
	if (given === undefined) return undefined;
	if (source === "system") {
		throw new InvalidValueError("nameservers", 'must go with source: "dns"', given);
	}
	const servers = requireArray("nameservers", given).map((server) =>
		requireString("nameservers", server),
	);
	const rule = "must be IP addresses, perhaps with ports: 192.0.2.53 or [2001:db8::53]:5353";
	if (servers.length === 0) throw new InvalidValueError("nameservers", rule, given);
	try {
		nameServerClient(servers);
	} catch {
		throw new InvalidValueError("nameservers", rule, given);
	}
	return servers;
}

async function findBySystem(name: string): Promise<Found> {
	return { hosts: await systemResolver(name, {}), lifeMs: Number.POSITIVE_INFINITY };
}

async function findByDns(
	name: string,
	signal: AbortSignal,
	nameservers: readonly string[] | undefined,
): Promise<Found> {
	// Name servers are not to be asked for these; RFC 6761 section 6.3.
	if (/(?:^|\.)localhost\.?$/.test(name)) {
		return { hosts: ["::1", "127.0.0.1"], lifeMs: Number.POSITIVE_INFINITY };
	}
	const client = nameServerClient(nameservers);
	signal.addEventListener("abort", () => client.cancel());
	const answers = await Promise.allSettled([
		client.resolve6(name, { ttl: true }),
		client.resolve4(name, { ttl: true }),
	]);
	const records = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
	if (records.length === 0) throw lookupError(name, whyNothing(answers));
	const lifeMs = Math.min(...records.map(({ ttl }) => ttl)) * 1_000;
	return { hosts: records.map(({ address }) => address), lifeMs };
}

// A server that does not answer says nothing about the name; getaddrinfo(3) tells these two apart as well.
function whyNothing(answers: readonly PromiseSettledResult<unknown>[]): {
	code: string;
	serverCode?: string | undefined;
} {
	const codes = answers.map((answer) =>
		answer.status === "rejected" ? (answer.reason as { code?: string }).code : "",
	);
	const isAnswered = codes.some((code) => code === "ENOTFOUND" || code === "ENODATA");
	if (isAnswered) return { code: "ENOTFOUND" };
	return { code: "EAI_AGAIN", serverCode: codes.find((code) => code) };
}
