/** All that the kernel lists: by sock_diag where it can be had, by /proc/net where not. */
import { readFileSync } from "node:fs";
import { AF_INET, AF_INET6 } from "../sys/constants.ts";
import { DiagSocket, type Dump } from "./dump.ts";
import {
	decodeInet,
	encodeInetRequest,
	encodeTcpRequest,
	INET_PROTOCOLS,
	tcpStatesFor,
} from "./inet-diag.ts";
import type { KernelSocket, SocketKind } from "./kernel-socket.ts";
import type { ListingNote } from "./listed-socket.ts";
import { TCPDIAG_GETSOCK } from "./netlink.ts";
import { PROC_FILES, readProcFile } from "./proc-net.ts";
import type { SocketFilter } from "./socket-filter.ts";
import { decodeUnix, encodeUnixRequest } from "./unix-diag.ts";
import { decodeVsock, encodeVsockRequest } from "./vsock-diag.ts";

/** The sockets of a network namespace, and what is missing among them. */
export interface KernelLists {
	readonly sockets: readonly KernelSocket[];
	readonly notes: readonly ListingNote[];
}

/** Which of them are wanted. */
export type Wanted = Pick<SocketFilter, "kinds" | "states">;

interface List {
	readonly name: string;
	readonly kinds: readonly SocketKind[];
	/** What is asked for, where sockets in these states of TCP are wanted. */
	readonly request: (tcpStates: number) => Uint8Array;
	readonly decode: (payload: Uint8Array) => KernelSocket | undefined;
	/** The file that has the same sockets. */
	readonly file?: string;
	/** What that file does not tell. */
	readonly loss?: string;
}

const LISTS: readonly List[] = [
	...INET_PROTOCOLS.flatMap(([kind, protocol]) =>
		[AF_INET, AF_INET6].map((family) => ({
			name: family === AF_INET ? kind : `${kind}6`,
			kinds: [kind],
			request: (tcpStates: number) =>
				encodeInetRequest(family, protocol, kind === "tcp" ? tcpStates : undefined),
			decode: (payload: Uint8Array) => decodeInet(kind, payload),
			...(kind !== "mptcp" && { file: family === AF_INET ? kind : `${kind}6` }),
			...(kind === "tcp" && { loss: "round-trip times, retransmissions and backlogs" }),
		})),
	),
	{
		name: "unix",
		kinds: ["unix", "unix-dgram", "unix-seqpacket"],
		request: encodeUnixRequest,
		decode: decodeUnix,
		file: "unix",
		loss: "peers, queues and users",
	},
	{
		name: "vsock",
		kinds: ["vsock", "vsock-dgram", "vsock-seqpacket"],
		request: encodeVsockRequest,
		decode: decodeVsock,
	},
];

/** Kinds that have no list of their own in every kernel, or tell no more there. */
const FILES_ONLY: Readonly<Record<string, SocketKind>> = {
	...({ raw: "raw", raw6: "raw", icmp: "icmp", icmp6: "icmp" } as const),
	...({ packet: "packet", netlink: "netlink" } as const),
};

/**
 * Lists the sockets of our own network namespace: all that are wanted and their other ends, and as many others as come along.
 *
 * @throws {SyscallError} EMFILE, ENFILE, ENOMEM
 */
export async function readOwnLists({ kinds = [], states = [] }: Wanted): Promise<KernelLists> {
	const sockets: KernelSocket[] = [];
	const notes: ListingNote[] = [];
	const tcpStates = tcpStatesFor(states);
	const isWanted = (kind: SocketKind): boolean => kinds.length === 0 || kinds.includes(kind);
	const diag = DiagSocket.open();
	try {
		const tcp = isWanted("tcp") ? await dumpTcp(diag, tcpStates) : undefined;
		append(sockets, tcp?.sockets ?? []);
		for (const list of LISTS) {
			if (!list.kinds.some(isWanted) || (tcp && list.kinds.includes("tcp"))) continue;
			const dump: Dump =
				typeof diag === "string"
					? { sockets: [], refusal: diag, isInterrupted: false }
					: await diag.dump(list.request(tcpStates), list.decode);
			if (dump.refusal === undefined) append(sockets, dump.sockets);
			else append(sockets, instead(list, dump.refusal, notes));
			if (dump.isInterrupted) {
				notes.push({
					code: "interrupted",
					list: list.name,
					message: `${list.name}: the list changed each time that it was read; something may be missing`,
				});
			}
		}
	} finally {
		if (typeof diag !== "string") diag.close();
	}
	for (const [file, kind] of Object.entries(FILES_ONLY)) {
		if (isWanted(kind)) append(sockets, readFile("/proc/net", file) ?? []);
	}
	return { sockets: withoutDuplicates(sockets), notes };
}

// Both families in one pass over the table of connections, which is large even when there are none. Undefined where that does not work out.
async function dumpTcp(diag: DiagSocket | string, states: number): Promise<Dump | undefined> {
	if (typeof diag === "string") return undefined;
	const decode = (payload: Uint8Array): KernelSocket | undefined => decodeInet("tcp", payload);
	const dump = await diag.dump(encodeTcpRequest(states), decode, TCPDIAG_GETSOCK);
	return dump.refusal === undefined && !dump.isInterrupted ? dump : undefined;
}

/** Lists those of the namespace that a process is in; what cannot be read is empty. */
export function readListsOfProcess(pid: number): readonly KernelSocket[] {
	const folder = `/proc/${pid}/net`;
	const files = Object.keys(PROC_FILES).filter((file) => file !== "netlink");
	return withoutDuplicates(files.flatMap((file) => readFile(folder, file) ?? []));
}

function instead(
	{ name, file, loss }: List,
	refusal: string,
	notes: ListingNote[],
): readonly KernelSocket[] {
	const sockets = file === undefined ? undefined : readFile("/proc/net", file);
	if (sockets !== undefined && loss !== undefined) {
		const message = `${name}: read from /proc/net/${file}, as sock_diag answers ${refusal}; ${loss} are not told`;
		notes.push({ code: "reduced", list: name, message });
	}
	if (sockets === undefined && isUsual(name)) {
		const message = `${name}: cannot be listed, as sock_diag answers ${refusal}`;
		notes.push({ code: "missing", list: name, message });
	}
	return sockets ?? [];
}

// MPTCP and UDP-Lite are there only where the kernel was built with them.
function isUsual(name: string): boolean {
	return name === "vsock" || /^(tcp|udp)6?$|^unix$/.test(name);
}

function readFile(folder: string, file: string): readonly KernelSocket[] | undefined {
	const text = readText(`${folder}/${file}`);
	return text === undefined ? undefined : readProcFile(file, text);
}

function readText(path: string): string | undefined {
	try {
		return readFileSync(path, "latin1");
	} catch {
		return undefined;
	}
}

// A socket that moves within the kernel's tables while they are read can be met twice; the later tells the newer state.
function withoutDuplicates(sockets: readonly KernelSocket[]): readonly KernelSocket[] {
	const byKey = new Map<string | number, KernelSocket>();
	for (const socket of sockets) {
		const { kind, inode, local, peer } = socket;
		byKey.set(inode > 0 ? inode : JSON.stringify([kind, local, peer]), socket);
	}
	return [...byKey.values()];
}

function append<T>(target: T[], items: readonly T[]): void {
	for (const item of items) target.push(item);
}
