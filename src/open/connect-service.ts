/** Connecting to whichever server of a service can be reached; RFC 2782. */
import { LIMITS } from "../limits.ts";
import type { HostAddress } from "../socket/address.ts";
import { raceAttempts } from "../socket/happy-eyeballs.ts";
import type { ServiceRecord } from "../socket/resolve.ts";
import { failedTogether } from "./failures-told.ts";
import { addressOfServer, type FindServicesOptions, findServices } from "./services.ts";

/** How to connect. */
export interface ServiceRace<R> extends FindServicesOptions {
	/** Time until the next server of the same priority is tried although the one before has not failed. */
	readonly delayMs: number;
	/** Connects to one server; has to reject soon once its signal aborts. */
	readonly attempt: (server: HostAddress, signal: AbortSignal) => Promise<R>;
	/** Releases what was connected too late. */
	readonly discard: (result: R) => void;
}

/**
 * Connects to the servers of a service in their order, side by side within one priority. A server of the next priority is one to fall back to: it has to
 * wait until all others have failed, or for so long that a packet which was lost has been sent again.
 *
 * @throws as `findServices`
 * @throws {AggregateError} none could be reached; `errors` has one for each, and `code` is the first's
 */
export async function connectService<R>(name: string, race: ServiceRace<R>): Promise<R> {
	const { signal, delayMs, discard } = race;
	const priorities = await findServices(name, race);
	const errors = new Map<ServiceRecord, Error>();
	const attempt = async (server: ServiceRecord, ending: AbortSignal): Promise<R> => {
		try {
			return await race.attempt(addressOfServer(server), ending);
		} catch (error) {
			errors.set(server, error as Error);
			throw error;
		}
	};
	const within = (servers: readonly ServiceRecord[], ending: AbortSignal): Promise<R> =>
		raceAttempts(servers, attempt, discard, { delayMs, signal: ending });
	try {
		const fallbackMs = delayMs * LIMITS.fallbackDelaysCount;
		return await raceAttempts(priorities, within, discard, { delayMs: fallbackMs, signal });
	} catch (error) {
		if (!(error instanceof AggregateError) || signal?.aborted) throw error;
		throw unreachable(name, priorities.flat(), errors);
	}
}

function unreachable(
	name: string,
	servers: readonly ServiceRecord[],
	found: ReadonlyMap<ServiceRecord, Error>,
): AggregateError {
	const errors = servers.map((server) => found.get(server) as Error);
	const texts = servers.map(({ name: host, port }, i) => `${host}:${port}: ${errors[i]?.message}`);
	const which = servers.length === 1 ? "the server" : `all ${servers.length} servers`;
	return failedTogether(`${which} of ${name}`, errors, texts);
}
