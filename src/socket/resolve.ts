/** Names to numeric addresses, by the system's resolver; numeric hosts take no detour. */
import { requireArray, requireString } from "../arguments.ts";
import { AbortError, InvalidAddressError, SyscallError } from "../errors.ts";
import type { Address } from "./address.ts";
import { follow } from "./follow.ts";
import { hostFamily } from "./host.ts";
import type { SocketAddress } from "./sockaddr.ts";
import { toSocketAddress } from "./transport.ts";
import { zoneIndex } from "./zone.ts";

/** Resolves a name to numeric hosts, in order of preference. */
export interface Resolver {
	(
		name: string,
		options: { readonly signal?: AbortSignal | undefined },
	): Promise<readonly string[]>;
	/** Finds the servers of a service, for `tcp+srv:` addresses. Default: the system's name servers are asked. */
	readonly services?: ServiceResolver | undefined;
}

/** Finds the servers of a service: `_pg._tcp.example.org`. */
export type ServiceResolver = (
	name: string,
	options: { readonly signal?: AbortSignal | undefined },
) => Promise<readonly ServiceRecord[]>;

/** An SRV record, as Node has it; RFC 2782. */
export interface ServiceRecord {
	/** The server's host; empty or `.` says that there is no such service. */
	readonly name: string;
	readonly port: number;
	/** 0..65535; servers of a greater one are tried when all others have failed. */
	readonly priority: number;
	/** 0..65535; the server's share among those of the same priority. */
	readonly weight: number;
}

/** Whether the address has a name in place of a numeric host. */
function isName(address: Address): boolean {
	return (
		(address.transport === "tcp" || address.transport === "udp") &&
		address.host !== "*" &&
		hostFamily(address.host) === undefined
	);
}

/**
 * Finds the socket addresses that an address stands for; more than one only for a name.
 *
 * @param options.resolver in place of getaddrinfo(3)
 * @throws {SyscallError} ENOTFOUND, EAI_AGAIN: the name is unknown, or no server answers
 * @throws {AbortError} aborted; the resolver's thread goes on, its answer is dropped
 */
export async function resolve(
	address: Address,
	options: {
		readonly signal?: AbortSignal | undefined;
		readonly resolver?: Resolver | undefined;
	} = {},
): Promise<SocketAddress[]> {
	if (!isName(address)) return [toSocketAddress(address, zoneIndex)];
	const { host, port } = address as Extract<Address, { host: string }>;
	const { signal, resolver = systemResolver } = options;
	if (signal?.aborted) throw new AbortError(signal.reason);
	const answer = await untilAborted(resolver(host, { signal }), signal);
	const hosts = requireArray("what the resolver found", answer);
	if (hosts.length === 0) throw lookupError(host, { code: "ENOTFOUND" });
	return hosts.map((each) => {
		const numeric = requireString("a host that the resolver found", each);
		if (hostFamily(numeric) === undefined) {
			throw new InvalidAddressError(numeric, `the resolver must find numeric hosts for ${host}`);
		}
		return toSocketAddress({ transport: "tcp", host: numeric, port }, zoneIndex);
	});
}

/** Asks getaddrinfo(3). */
export const systemResolver: Resolver = (name) =>
	new Promise((resolveHosts, reject) => {
		// Not imported: loading node:dns costs more than a millisecond, which only names need to pay.
		const { lookup } = process.getBuiltinModule("node:dns");
		lookup(name, { all: true, verbatim: true }, (error, found) => {
			if (error === null) resolveHosts(found.map(({ address }) => address));
			else reject(lookupError(name, error));
		});
	});

/** Waits no longer than the signal lets: getaddrinfo(3) cannot be stopped, and a resolver of the caller's may not care for the signal. */
export function untilAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
	if (signal === undefined) return answer;
	return new Promise((resolveAnswer, reject) => {
		const release = follow(signal, () => reject(new AbortError(signal.reason)));
		// A resolver in plain JavaScript may have the answer at once.
		Promise.resolve(answer).then(resolveAnswer, reject).finally(release);
	});
}

const REFUSALS: Readonly<Record<string, string>> = {
	EREFUSED: "the name server refuses to answer (EREFUSED)",
	ESERVFAIL: "the name server has failed to find out (ESERVFAIL)",
};

/** Says why name servers have told nothing, by the code that asking them has failed with. */
export function silenceOf(code: string | undefined): string {
	if (code === undefined) return "no name server answers";
	return REFUSALS[code] ?? `no name server answers (${code})`;
}

/**
 * The error of a name that has no address, as Node has it.
 *
 * @param error `serverCode` is what asking name servers has failed with
 */
export function lookupError(
	name: string,
	error: {
		code?: string | undefined;
		errno?: number | undefined;
		serverCode?: string | undefined;
	},
): SyscallError {
	const code = error.code ?? "ENOTFOUND";
	const advice =
		code === "EAI_AGAIN"
			? `${silenceOf(error.serverCode)}; check the network, or give a numeric address`
			: "no such name; check its spelling, or give a numeric address";
	return new SyscallError(
		`getaddrinfo ${code} ${name}: ${advice}`,
		code,
		error.errno ?? 0,
		"getaddrinfo",
		{ address: name },
	);
}
