/** Who talks to whom: processes, and under each of them where it listens and its connections, those to the same place as one. */
import type { ListedSocket } from "../../list/index.ts";
import type { Terminal } from "../terminal.ts";
import { plain } from "../visible-text.ts";
import { bare, localText, ownerText, processText, shorten } from "./words.ts";

interface Branch {
	/** 0 where it listens, 1 who comes to it, 2 where it goes. */
	readonly rank: number;
	readonly sign: string;
	readonly text: string;
	count: number;
}

interface Node {
	/** 0 where processes cannot be seen. */
	readonly pid: number;
	readonly title: string;
	readonly user: string;
	readonly branches: Map<string, Branch>;
}

/**
 * Writes the tree.
 *
 * @param sockets those to show
 * @param all of this machine: the listeners among them tell which end of a connection is the server
 * @param isHidden whether processes of others cannot be seen
 */
export function treeText(
	sockets: readonly ListedSocket[],
	all: readonly ListedSocket[],
	terminal: Terminal,
	isHidden: boolean,
): string {
	const served = new Set(
		all.filter(({ state }) => state === "listening").map(({ local = "" }) => local),
	);
	const nodes = new Map<string, Node>();
	for (const socket of sockets) {
		const branch = branchOf(socket, served, terminal);
		if (branch === undefined) continue;
		for (const made of nodesOf(socket, isHidden)) {
			const name = `${made.pid} ${made.title}`;
			const node = nodes.get(name) ?? made;
			nodes.set(name, node);
			const key = `${branch.rank} ${branch.text}`;
			const same = node.branches.get(key);
			if (same === undefined) node.branches.set(key, { ...branch });
			else same.count += 1;
		}
	}
	return [...nodes.values()]
		.sort((a, b) => a.pid - b.pid)
		.map((node) => nodeText(node, terminal))
		.join("");
}

/** The processes that hold a socket; of one whose processes are hidden, those of a user together. */
function nodesOf(socket: ListedSocket, isHidden: boolean): Node[] {
	const { holders, inode } = socket;
	if (holders.length === 0 && isHidden && inode > 0) {
		const title = ownerText(socket, true, false);
		return [{ pid: 0, title, user: "", branches: new Map() }];
	}
	return holders.map((holder) => {
		const user = plain(holder.user ?? String(holder.uid));
		return { pid: holder.pid, title: processText([holder]), user, branches: new Map() };
	});
}

function nodeText(node: Node, { palette, glyphs, tableColumns }: Terminal): string {
	const { branches, user } = node;
	const title = `${palette.bold(node.title)} ${palette.dim(user)}`.trimEnd();
	const sorted = [...branches.values()].sort(
		(a, b) => a.rank - b.rank || a.text.localeCompare(b.text, "en", { numeric: true }),
	);
	const lines = sorted.map(({ sign, text, count, rank }, i) => {
		const twig = i === sorted.length - 1 ? glyphs.lastBranch : glyphs.branch;
		const times = count > 1 ? ` ${glyphs.times}${count}` : "";
		const room = tableColumns - twig.length - sign.length - times.length - 2;
		const body = `${sign} ${shorten(text, room, glyphs)}`;
		return `${twig} ${rank === 0 ? palette.accent(body) : body}${palette.dim(times)}`;
	});
	return `${[title, ...lines].join("\n")}\n`;
}

function branchOf(
	socket: ListedSocket,
	served: ReadonlySet<string>,
	{ glyphs }: Terminal,
): Branch | undefined {
	const { kind, state, local = "", peer } = socket;
	if (peer === undefined) {
		const text = localText(socket);
		if (text === "") return undefined;
		const word = state === "listening" ? "listening" : "open";
		return { rank: 0, sign: word, text: `${kind} ${text}`, count: 1 };
	}
	const isServer = placesOf(local).some((place) => served.has(place));
	const process = processText(peer.holders);
	// A client's own port says nothing; the server's place does.
	const place = isServer ? bare(local) : bare(peer.address);
	const stranger = isServer ? bare(peer.address).replace(/:\d+$/, "") : bare(peer.address);
	const other = process === "" ? stranger || "(nobody to be seen)" : process;
	const via = place === "" || place === other ? kind : `${kind} ${place}`;
	// Two ends of a socketpair are alike.
	const client = peer.address === undefined ? glyphs.both : glyphs.to;
	const sign = isServer ? glyphs.from : client;
	return { rank: isServer ? 1 : 2, sign, text: `${other} ${glyphs.dot} ${via}`, count: 1 };
}

// Where a server may listen that has a connection at this address: there, or on every address of the machine.
function placesOf(address: string): readonly string[] {
	const [, kind, port] = /^(tcp|mptcp):\/\/.*:(\d+)$/.exec(address) ?? [];
	if (kind === undefined) return address === "" ? [] : [address];
	return [address, `${kind}://0.0.0.0:${port}`, `${kind}://[::]:${port}`];
}
