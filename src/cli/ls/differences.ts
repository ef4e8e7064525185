/** What changed from one listing to the next. */
import type { ListedSocket } from "../../list/index.ts";

/** The differences of two listings. */
export interface Differences {
	readonly opened: readonly ListedSocket[];
	/** In another state, with another peer or other holders. Queues and figures change all the time. */
	readonly changed: readonly ListedSocket[];
	readonly closed: readonly ListedSocket[];
}

/** Compares two listings. */
export function differencesOf(
	before: readonly ListedSocket[],
	after: readonly ListedSocket[],
): Differences {
	const old = new Map(before.map((socket) => [identityOf(socket), socket]));
	const now = new Set(after.map(identityOf));
	return {
		opened: after.filter((socket) => !old.has(identityOf(socket))),
		changed: after.filter((socket) => {
			const earlier = old.get(identityOf(socket));
			return earlier !== undefined && factsOf(earlier) !== factsOf(socket);
		}),
		closed: before.filter((socket) => !now.has(identityOf(socket))),
	};
}

// A connection that its process has closed loses its inode and keeps its addresses.
function identityOf({ kind, inode, local, peer, namespace }: ListedSocket): string {
	const hasAddresses = local !== undefined && peer?.address !== undefined && /:\/\//.test(local);
	return hasAddresses
		? `${kind} ${local} ${peer.address} ${namespace ?? ""}`
		: `${kind} ${inode} ${local ?? ""}`;
}

function factsOf({ state, local, peer, holders, file }: ListedSocket): string {
	const pids = [holders, peer?.holders ?? []].map((each) => each.map(({ pid }) => pid));
	return JSON.stringify([state, local, peer?.address, pids, file]);
}
