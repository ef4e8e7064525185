/** What is alive on this machine, for completion. */
import { existsSync } from "node:fs";
import { relative } from "node:path";
import {
	type ListedSocket,
	listSockets,
	SOCKET_KINDS,
	SOCKET_STATES,
	type SocketFilter,
} from "../../list/index.ts";
import type { Completes } from "../guide.ts";
import type { Candidate } from "./offer.ts";

/** Connections that are over, of which there may be very many, are of no use here. */
const LIVING: SocketFilter = { states: SOCKET_STATES.filter((state) => state !== "time-wait") };

const INTERNET = /^(tcp|udp):\/\/(.+):(\d+)$/;
/** The hosts by which a socket is reached from here that is bound to one of these. */
const HERE: Readonly<Record<string, readonly string[]>> = {
	"0.0.0.0": ["localhost", "127.0.0.1", ""],
	"127.0.0.1": ["localhost", "127.0.0.1", ""],
	"[::]": ["localhost", "127.0.0.1", "[::1]", ""],
	"*": ["localhost", "127.0.0.1", "[::1]", ""],
	"[::1]": ["localhost", "[::1]", ""],
};
const STREAM_KINDS: ReadonlySet<string> = new Set(["tcp", "unix", "vsock"]);
const PACKET_KINDS: ReadonlySet<string> = new Set(["unix-seqpacket", "vsock-seqpacket"]);
const DATAGRAM_KINDS: ReadonlySet<string> = new Set(["udp", "unix-dgram", "vsock-dgram"]);

/**
 * Finds addresses that somebody listens on, each in the shortest spelling that begins with `word`.
 *
 * @param isServer whether only those count that accept connections
 */
export async function liveAddresses(word: string, isServer: boolean): Promise<Candidate[]> {
	const { sockets } = await listSockets({ states: ["listening", "bound", "unconnected"] });
	const wanted = sockets.filter(isReachable).filter(({ kind, state }) => {
		if (STREAM_KINDS.has(kind) || PACKET_KINDS.has(kind)) return state === "listening";
		// Whoever has sent a datagram looks like a server of datagrams: only for who asks.
		return DATAGRAM_KINDS.has(kind) && !isServer && word !== "";
	});
	const found = wanted.flatMap((socket) => {
		const value = spellingsOf(socket.local ?? "").find((spelling) => spelling.startsWith(word));
		return value ? [{ value, about: aboutOf(socket) }] : [];
	});
	return found.sort((a, b) => a.value.localeCompare(b.value, "en", { numeric: true }));
}

/** Finds ports, paths, processes and the like of sockets that are open. */
export async function liveValues(completes: Completes, word: string): Promise<Candidate[]> {
	const { sockets } = await listSockets(LIVING);
	switch (completes) {
		case "port":
			return ports(sockets);
		case "path":
			return paths(sockets);
		case "process":
			return processes(sockets);
		case "pid":
			return pids(sockets);
		case "owner":
			return owners(sockets);
		case "socket-word":
			return socketWords(sockets, word);
		default:
			return [];
	}
}

// Not from here: what another network has, what has lost its file, what cannot be typed, and relative to who knows what.
function isReachable({ local = "", file, namespace }: ListedSocket): boolean {
	if (namespace !== undefined || file === "gone" || file === "replaced") return false;
	const path = /^unix[a-z-]*:([^@/].*)$/s.exec(local)?.[1];
	return !local.includes("\ufffd") && (path === undefined || existsSync(path));
}

function spellingsOf(address: string): string[] {
	const [, transport, host = "", port] = INTERNET.exec(address) ?? [];
	if (transport !== undefined) {
		const hosts = HERE[host] ?? [host];
		const [first] = hosts;
		const long = hosts.map((name) => `${transport}://${name}:${port}`);
		if (transport === "udp") return long;
		const short = hosts.map((name) => `${name}:${port}`);
		return [...(first === "localhost" ? [`${port}`] : []), ...short, ...long];
	}
	const name = address.startsWith("unix:") ? address.slice("unix:".length) : "";
	if (name.startsWith("@")) return [name, address, `abstract:${name.slice(1)}`];
	if (!name.startsWith("/")) return [address];
	const fromHere = relative(process.cwd(), name);
	const short = fromHere.startsWith("../") ? fromHere : `./${fromHere}`;
	return [name, short, address, `unix:${short}`];
}

function aboutOf({ kind, holders, user }: ListedSocket): string {
	const [holder] = holders;
	const owner = holder === undefined ? user : `${holder.command}[${holder.pid}]`;
	return owner === undefined ? kind : `${kind}, ${owner}`;
}

function socketWords(sockets: readonly ListedSocket[], word: string): Candidate[] {
	if (word.startsWith(":"))
		return ports(sockets).map((port) => ({ ...port, value: `:${port.value}` }));
	if (/^\d/.test(word)) return [...ports(sockets), ...pids(sockets)];
	if (/^[./@]/.test(word)) return paths(sockets);
	const kinds = SOCKET_KINDS.map((value) => ({ value, about: "a kind of socket" }));
	const states = SOCKET_STATES.map((value) => ({ value, about: "a state" }));
	return [...kinds, ...states, ...processes(sockets), ...owners(sockets)];
}

function ports(sockets: readonly ListedSocket[]): Candidate[] {
	return sockets.flatMap((socket) => {
		const port = INTERNET.exec(socket.local ?? "")?.[3];
		return port === undefined ? [] : [{ value: port, about: aboutOf(socket) }];
	});
}

function paths(sockets: readonly ListedSocket[]): Candidate[] {
	return sockets.flatMap((socket) => {
		const name = /^unix[a-z-]*:(.*)$/s.exec(socket.local ?? "")?.[1];
		return name === undefined ? [] : [{ value: name, about: aboutOf(socket) }];
	});
}

function processes(sockets: readonly ListedSocket[]): Candidate[] {
	const holders = sockets.flatMap((socket) => socket.holders);
	return holders.map(({ command }) => ({ value: command, about: "a program" }));
}

function pids(sockets: readonly ListedSocket[]): Candidate[] {
	const holders = sockets.flatMap((socket) => socket.holders);
	return holders.map(({ pid, command }) => ({ value: String(pid), about: command }));
}

function owners(sockets: readonly ListedSocket[]): Candidate[] {
	return sockets.flatMap(({ user }) =>
		user === undefined ? [] : [{ value: user, about: "a user" }],
	);
}
