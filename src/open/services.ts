/** The servers of a service, as the SRV records of its name tell them; RFC 2782. */
import { requireArray, requireFunction, requireInteger, requireString } from "../arguments.ts";
import { SyscallError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { parseAddress, type TcpAddress } from "../socket/address.ts";
import {
	type Resolver,
	type ServiceRecord,
	type ServiceResolver,
	silenceOf,
	untilAborted,
} from "../socket/resolve.ts";
import { nameServerClient } from "./name-servers.ts";
import { inServiceOrder } from "./service-order.ts";

const UINT16_MAX = 65_535;

/** How to find them. */
export interface FindServicesOptions {
	readonly signal?: AbortSignal | undefined;
	readonly resolver?: Resolver | undefined;
}

/**
 * Asks for the servers of a service.
 *
 * @param name in canonical form
 * @returns one at least and 256 at the most: lists in order of priority, each in the order in which to try its servers
 * @throws {SyscallError} ENOTFOUND: no such service. EAI_AGAIN: no name server answers, or it refuses to
 * @throws {AbortError}
 */
export async function findServices(
	name: string,
	{ signal, resolver }: FindServicesOptions,
): Promise<ServiceRecord[][]> {
	const ask = requireFunction("resolver.services", resolver?.services) ?? systemServices;
	const answer = await untilAborted(ask(name, { signal }), signal);
	const records = requireArray("what the resolver found", answer).map(checkRecord);
	if (records.length === 0) throw serviceError(name, "ENOTFOUND");
	// "The service is decidedly not available at this domain."
	const servers = records.filter((record) => record.name !== "" && record.name !== ".");
	if (servers.length === 0) {
		throw notFound(name, "its domain says that there is no such service");
	}
	return firstOf(inServiceOrder(servers), LIMITS.serviceServersCount);
}

function firstOf(priorities: readonly ServiceRecord[][], max: number): ServiceRecord[][] {
	const first: ServiceRecord[][] = [];
	let left = max;
	for (const servers of priorities) {
		if (left === 0) break;
		first.push(servers.slice(0, left));
		left -= Math.min(left, servers.length);
	}
	return first;
}

/**
 * The address of a server.
 *
 * @throws {SyscallError} EBADRESP: its record has no name of a host
 */
export function addressOfServer({ name: host, port }: ServiceRecord): TcpAddress {
	try {
		if (host !== "*") return parseAddress({ transport: "tcp", host, port });
	} catch {
		// Not the caller's mistake, who has never seen it.
	}
	const message = `querySrv EBADRESP ${host}: the record names no host`;
	throw new SyscallError(message, "EBADRESP", 0, "querySrv", { address: host });
}

/** Makes a resolver of services. @param servers as of `nameServerClient` */
export function servicesBy(servers: readonly string[] | undefined): ServiceResolver {
	return async (name, { signal }) => {
		const client = nameServerClient(servers);
		const stop = (): void => client.cancel();
		signal?.addEventListener("abort", stop, { once: true });
		try {
			return await client.resolveSrv(name);
		} catch (error) {
			throw serviceError(name, (error as { code?: string }).code);
		} finally {
			signal?.removeEventListener("abort", stop);
		}
	};
}

const systemServices = servicesBy(undefined);

// A server that does not answer says nothing about the name.
function serviceError(name: string, code: string | undefined): SyscallError {
	if (code === "ENOTFOUND" || code === "ENODATA") {
		return notFound(name, "no such service; check its spelling, or give a host: tcp://HOST:PORT");
	}
	return new SyscallError(
		`querySrv EAI_AGAIN ${name}: ${silenceOf(code)}; check the network, or give a host: tcp://HOST:PORT`,
		"EAI_AGAIN",
		0,
		"querySrv",
		{ address: name },
	);
}

function notFound(name: string, why: string): SyscallError {
	const message = `querySrv ENOTFOUND ${name}: ${why}`;
	return new SyscallError(message, "ENOTFOUND", 0, "querySrv", { address: name });
}

function checkRecord(record: unknown): ServiceRecord {
	const { name, port, priority, weight } = (record ?? {}) as Record<string, unknown>;
	return {
		name: requireString("the name of a server that the resolver found", name),
		port: requireInteger("its port", port, 0, UINT16_MAX),
		priority: requireInteger("its priority", priority, 0, UINT16_MAX),
		weight: requireInteger("its weight", weight, 0, UINT16_MAX),
	};
}
