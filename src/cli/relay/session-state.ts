/** What a process tells its successor of a session of datagrams, besides its socket. */
import { type Address, formatAddress, parseAddress } from "../../index.ts";

/** A session as it is told. */
export interface SessionState {
	/** Who sends. */
	readonly peer: Address;
	/** The name of its route. */
	readonly route: string;
}

/** Writes it. */
export function encodeSession({ peer, route }: SessionState): string {
	return JSON.stringify({ peer: formatAddress(peer), route });
}

/** Reads it; undefined for what is none. */
export function decodeSession(state: Uint8Array): SessionState | undefined {
	try {
		const { peer, route } = JSON.parse(Buffer.from(state).toString());
		return { peer: parseAddress(peer), route: String(route) };
	} catch {
		return undefined;
	}
}
