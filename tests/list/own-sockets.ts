/** What tests of listings have in common. */
import assert from "node:assert/strict";
import { type ListedSocket, listSockets } from "socketry/list";

/** A filter for the sockets of this process. */
export const MINE = { pids: [process.pid] };

/** The sockets of this process. */
export async function mine(): Promise<readonly ListedSocket[]> {
	return (await listSockets(MINE)).sockets;
}

/** The only one of which something holds. */
export function one(
	sockets: readonly ListedSocket[],
	holds: (socket: ListedSocket) => boolean,
): ListedSocket {
	const found = sockets.filter(holds);
	assert.equal(found.length, 1, JSON.stringify(sockets, null, 1));
	return found[0] as ListedSocket;
}
