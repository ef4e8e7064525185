/** `lookup`: a name resolved once, for those who send many times. */
import { requireOneOf } from "../arguments.ts";
import { SyscallError } from "../errors.ts";
import {
	type Address,
	type AddressInput,
	type AddressOf,
	type IpTransport,
	parseAddress,
	type TcpAddress,
} from "../socket/address.ts";
import { interleaveFamilies } from "../socket/happy-eyeballs.ts";
import { type Resolver, resolve, type ServiceRecord } from "../socket/resolve.ts";
import type { SocketAddress } from "../socket/sockaddr.ts";
import { fromSocketAddress, type SocketTransport } from "../socket/transport.ts";
import { checkWait, type WaitOptions } from "../socket/wait.ts";
import { startDeadline } from "./deadline.ts";
import { fewAtOnce } from "./few-at-once.ts";
import {
	CHECKED_LATER,
	type Checks,
	checkOpenOptions,
	OPEN_CHECKS,
	WAIT_CHECKS,
} from "./open-options.ts";
import { addressOfServer, findServices } from "./services.ts";

/** Options of `lookup`. */
export interface LookupOptions extends WaitOptions {
	/** Only addresses of this family. Default: both. */
	readonly family?: "inet" | "inet6" | undefined;
	/**
	 * In which order: as the resolver has them (RFC 6724 for the system's, the default), one family first, or by turns, beginning with the
	 * resolver's first.
	 */
	readonly order?: "system" | "inet-first" | "inet6-first" | "interleaved" | undefined;
	/** In place of the system's resolver; see `cachedResolver`. */
	readonly resolver?: Resolver | undefined;
}

const CHECKS: Checks<LookupOptions> = {
	...WAIT_CHECKS,
	family: CHECKED_LATER,
	order: CHECKED_LATER,
	resolver: OPEN_CHECKS.resolver,
};

/**
 * Resolves the name in a `tcp:` or `udp:` address, or the servers of a `tcp+srv:` one. Keep the answer: sending never resolves anything.
 *
 * @returns the addresses in order, one at least, with the transport and port asked for; a numeric address is its own answer. Of a service, those of
 *   each server in the order in which to try them, which is another one each time, of 256 servers at the most; those whose names have no address are left out
 * @throws {SyscallError} ENOTFOUND: no such name, or none of that family. EAI_AGAIN: no name server answers
 * @throws {InvalidAddressError} the address is malformed, or of a kind without hosts
 * @throws {AbortError | TimeoutError}
 * @see getaddrinfo(3)
 */
export function lookup<T extends IpTransport>(
	address: AddressInput<T>,
	options?: LookupOptions,
): Promise<AddressOf<T>[]>;
export function lookup(
	address: AddressInput<"tcp+srv">,
	options?: LookupOptions,
): Promise<TcpAddress[]>;
export function lookup(address: string | Address, options?: LookupOptions): Promise<Address[]>;
export async function lookup(
	address: string | Address,
	options: LookupOptions = {},
): Promise<Address[]> {
	checkOpenOptions(options, CHECKS);
	checkWait(options, CHECKS);
	const { family, order = "system", resolver } = options;
	if (family !== undefined) requireOneOf("family", family, ["inet", "inet6"]);
	requireOneOf("order", order, ["system", "inet-first", "inet6-first", "interleaved"]);
	const target = parseAddress(address);
	const deadline = startDeadline(options, "Resolving");
	const find = async (place: Address): Promise<Address[]> => {
		const found = await resolve(place, { signal: deadline.signal, resolver });
		const wanted = family === undefined ? found : found.filter((each) => each.family === family);
		if (wanted.length === 0) throw nothingOf(family, place);
		return inOrder(wanted, order).map((each) =>
			fromSocketAddress(place.transport as SocketTransport, each),
		);
	};
	try {
		if (target.transport !== "tcp+srv") return await find(target);
		const priorities = await findServices(target.service, { signal: deadline.signal, resolver });
		return await findAll(priorities.flat(), find);
	} catch (error) {
		throw deadline.explain(error);
	} finally {
		deadline.stop();
	}
}

async function findAll(
	servers: readonly ServiceRecord[],
	find: (place: Address) => Promise<Address[]>,
): Promise<Address[]> {
	const answers = await fewAtOnce(servers, (server) => find(addressOfServer(server)));
	const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
	const [first] = answers;
	if (found.length === 0 && first?.status === "rejected") throw first.reason;
	return found;
}

function inOrder(
	found: readonly SocketAddress[],
	order: NonNullable<LookupOptions["order"]>,
): readonly SocketAddress[] {
	if (order === "system") return found;
	if (order === "interleaved") return interleaveFamilies(found);
	const first = order === "inet-first" ? "inet" : "inet6";
	const isFirst = (each: SocketAddress): boolean => each.family === first;
	return [...found.filter(isFirst), ...found.filter((each) => !isFirst(each))];
}

function nothingOf(family: string | undefined, target: Address): SyscallError {
	const address = "host" in target ? target.host : target.transport;
	return new SyscallError(
		`getaddrinfo ENOTFOUND ${address}: it has no address of family ${family}; leave family out to take any`,
		"ENOTFOUND",
		0,
		"getaddrinfo",
		{ address },
	);
}
