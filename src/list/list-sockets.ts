/** All sockets of this machine: the kernel's lists, joined with the processes and with each other. */

import { requireOptions } from "../arguments.ts";
import { Joiner } from "./joiner.ts";
import { type KernelSocket, SOCKET_STATES, type SocketState } from "./kernel-socket.ts";
import type { ListedSocket, ListingNote, SocketListing } from "./listed-socket.ts";
import { type ProcessScan, scanProcesses, stillHolds } from "./processes.ts";
import { readListsOfProcess, readOwnLists } from "./read-kernel.ts";
import { FILTER, type SocketFilter, socketMatches } from "./socket-filter.ts";
import { readUserNames } from "./users.ts";

/**
 * Lists all sockets of this network namespace, and those of other namespaces whose processes can be seen.
 *
 * A listing is no snapshot: the kernel's lists are read one after the other, then the processes, and what is opened or closed meanwhile may be
 * there or not. What cannot be seen is told in `notes`. A listing of ten thousand sockets takes some hundred milliseconds, in steps that let
 * other callbacks run.
 *
 * @param filter which of them to return; their other ends are told in any case. Default: all
 * @throws {SyscallError} EMFILE, ENFILE, ENOMEM
 * @throws {InvalidTypeError} the filter is no object
 * @see sock_diag(7), proc(5)
 */
export async function listSockets(filter: SocketFilter = {}): Promise<SocketListing> {
	requireOptions(filter, FILTER, "filter");
	const userName = readUserNames();
	const { kinds = [], states = [] } = filter;
	const isWhole = mayBeUnknown(filter);
	const wanted = {
		states: mayBeOver(filter) ? states : livingOf(states),
		kinds: isWhole ? [] : kinds,
	};
	let own = await readOwnLists(wanted);
	const scan = await scanProcesses(userName);
	// What was opened between the lists and the processes is in a second reading of the lists.
	let strangers = isWhole ? strangersAmong(scan, own.sockets) : [];
	if (strangers.some(({ namespace }) => namespace === undefined)) {
		const again = await readOwnLists(wanted);
		const known = new Set(again.sockets.map(({ inode }) => inode));
		// Of those that have gone meanwhile the first reading tells.
		const gone = own.sockets.filter(({ inode }) => scan.holders.has(inode) && !known.has(inode));
		own = { sockets: [...again.sockets, ...gone], notes: again.notes };
		strangers = strangersAmong(scan, own.sockets);
	}
	const joiner = new Joiner(scan, userName);
	joiner.add(own.sockets);
	for (const [namespace, pid] of scan.namespaces) joiner.add(readListsOfProcess(pid), namespace);
	const listed = joiner.join();
	const known = new Set(listed.map(({ inode }) => inode));
	const unknown = strangers.filter(({ inode }) => !known.has(inode) && isStillThere(scan, inode));
	const sockets = [...listed, ...unknown.map((stranger) => unknownSocket(stranger, scan))];
	// Where the kernel lists no vsock, that matters to who asks for it, and when something is open that might be one.
	const isVsock = unknown.length > 0 || kinds.some((kind) => kind.startsWith("vsock"));
	return {
		sockets: sockets.filter((socket) => socketMatches(socket, filter)),
		notes: [...notesOn(scan), ...own.notes.filter(({ list }) => list !== "vsock" || isVsock)],
	};
}

// Such a socket is known by being in no list: to tell, all lists have to be read.
function mayBeUnknown({ kinds = [], states = [] }: SocketFilter): boolean {
	const isAny = (wanted: readonly string[]): boolean =>
		wanted.length === 0 || wanted.includes("unknown");
	return isAny(kinds) && isAny(states);
}

// Nobody has a connection that is over, and it is nobody's other end.
function mayBeOver({ pids = [], users = [], commands = [] }: SocketFilter): boolean {
	return pids.length + users.length + commands.length === 0;
}

function livingOf(states: readonly SocketState[]): readonly SocketState[] {
	const from = states.length === 0 ? SOCKET_STATES : states;
	return from.filter((state) => state !== "time-wait");
}

interface Stranger {
	readonly inode: number;
	readonly namespace: number | undefined;
}

function strangersAmong(scan: ProcessScan, sockets: readonly KernelSocket[]): readonly Stranger[] {
	const known = new Set(sockets.map(({ inode }) => inode));
	return [...scan.holders]
		.filter(([inode]) => !known.has(inode))
		.map(([inode, holders]) => {
			const namespaces = holders.map(({ pid }) => scan.namespaceOf.get(pid));
			return { inode, namespace: namespaces.includes(undefined) ? undefined : namespaces[0] };
		});
}

function isStillThere(scan: ProcessScan, inode: number): boolean {
	const holders = scan.holders.get(inode) ?? [];
	return holders.some(({ pid, fds }) => fds.some((fd) => stillHolds(pid, fd, inode)));
}

function unknownSocket({ inode, namespace }: Stranger, scan: ProcessScan): ListedSocket {
	const holders = scan.holders.get(inode) ?? [];
	return { kind: "unknown", state: "unknown", inode, holders, ...(namespace && { namespace }) };
}

function notesOn({ hiddenCount, isHiding, isBlind }: ProcessScan): ListingNote[] {
	const code = "hidden-processes";
	if (isBlind) {
		const message =
			"there is no /proc that shows processes: who holds a socket is missing; mount it";
		return [{ code, message }];
	}
	const missing =
		"who holds a socket is missing where it is one of them; run this as root to see them";
	if (isHiding) {
		const message = `/proc does not show the processes of other users (hidepid): ${missing}`;
		return [{ code, message }];
	}
	if (hiddenCount === 0) return [];
	const who =
		hiddenCount === 1
			? "1 process of another user keeps its"
			: `${hiddenCount} processes of other users keep their`;
	const self = hiddenCount === 1 ? "itself" : "themselves";
	return [{ code, message: `${who} descriptors to ${self}: ${missing}` }];
}
