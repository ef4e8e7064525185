/** Which sockets of a listing somebody wants. */
import type { Known } from "../arguments.ts";
import type { SocketKind, SocketState } from "./kernel-socket.ts";
import type { ListedSocket } from "./listed-socket.ts";
import type { SocketHolder } from "./processes.ts";

/** Conditions; of each list one has to hold, and all lists have to. An empty list, or none, asks for nothing. */
export interface SocketFilter {
	/** Families and types. */
	readonly kinds?: readonly SocketKind[] | undefined;
	/** States, as the listing names them. */
	readonly states?: readonly SocketState[] | undefined;
	/** Ports of either end, TCP, UDP and vsock. */
	readonly ports?: readonly number[] | undefined;
	/** Paths and abstract names (`@NAME`) of either end: itself, or what lies below such a directory. */
	readonly paths?: readonly string[] | undefined;
	/** Processes that hold the socket. */
	readonly pids?: readonly number[] | undefined;
	/** Names or numbers of the users of these processes, or of who made it where they cannot be seen. */
	readonly users?: readonly (string | number)[] | undefined;
	/** Parts of the names of the programs that hold it. */
	readonly commands?: readonly string[] | undefined;
	/** Parts of an address of either end. */
	readonly addresses?: readonly string[] | undefined;
}

/** What a filter knows. */
export const FILTER: Known<SocketFilter> = {
	kinds: true,
	states: true,
	ports: true,
	paths: true,
	pids: true,
	users: true,
	commands: true,
	addresses: true,
};

/** Tells whether a socket fulfils all conditions. */
export function socketMatches(socket: ListedSocket, filter: SocketFilter): boolean {
	const { kinds, states, ports, paths, pids, users, commands, addresses } = filter;
	return (
		isAny(kinds, (kind) => kind === socket.kind) &&
		isAny(states, (state) => state === socket.state) &&
		isAny(ports, (port) => addressesOf(socket).some((text) => portOf(text) === port)) &&
		isAny(paths, (path) => addressesOf(socket).some((text) => isAt(text, path))) &&
		isAny(pids, (pid) => socket.holders.some((holder) => holder.pid === pid)) &&
		isAny(users, (user) => hasUser(socket, user)) &&
		isAny(commands, (part) => socket.holders.some(({ command }) => command.includes(part))) &&
		isAny(addresses, (part) => addressesOf(socket).some((text) => text.includes(part)))
	);
}

/** The port of an address as text; undefined for what has none. */
function portOf(address: string): number | undefined {
	const [, port] = /^[a-z-]+:\/\/.*:(\d+)$/.exec(address) ?? [];
	return port === undefined ? undefined : Number(port);
}

function isAny<T>(wanted: readonly T[] | undefined, holds: (one: T) => boolean): boolean {
	return wanted === undefined || wanted.length === 0 || wanted.some(holds);
}

function addressesOf({ local, peer }: ListedSocket): string[] {
	return [local, peer?.address].filter((text) => text !== undefined);
}

function isAt(address: string, path: string): boolean {
	const [, name] = /^unix(?:-dgram|-seqpacket)?:(.*)$/s.exec(address) ?? [];
	if (name === undefined) return false;
	const folder = path.endsWith("/") ? path : `${path}/`;
	return name === path || name.startsWith(folder);
}

function hasUser({ holders, uid, user }: ListedSocket, wanted: string | number): boolean {
	const isUser = (one: Pick<SocketHolder, "user"> & { uid?: number | undefined }): boolean =>
		one.user === wanted || one.uid === Number(wanted);
	return holders.length > 0 ? holders.some(isUser) : isUser({ uid, ...(user && { user }) });
}
