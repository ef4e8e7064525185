/** Sockets as a table, as wide as the terminal is. */
import { type ListedSocket, SOCKET_KINDS, SOCKET_STATES } from "../../list/index.ts";
import { type Cell, layOut } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { columnsOf } from "../text-width.ts";
import {
	bare,
	localText,
	ownerText,
	peerRemarkOf,
	remarkOf,
	shorten,
	timeText,
	userText,
} from "./words.ts";

/** How a table is to be. */
export interface TableOptions {
	readonly isLong: boolean;
	/** Whether processes of others cannot be seen. */
	readonly isHidden: boolean;
	/** Sockets that are new since the last time. */
	readonly fresh?: ReadonlySet<ListedSocket>;
}

interface Column {
	readonly name: string;
	readonly flush: "left" | "right";
	/** Left out where there is no room; the highest goes first. */
	readonly rank: number;
	readonly text: (socket: ListedSocket) => string;
}

interface Row {
	readonly socket: ListedSocket;
	readonly local: Place;
	readonly peer: Place;
	readonly owner: string;
}

/** An address, and what is to be kept when that is too long. */
interface Place {
	readonly address: string;
	readonly remark: string;
}

const GAP = 2;
const NARROWEST = 10;

/** Puts sockets in the order of a listing: by kind, by state, by address. */
export function inOrder(sockets: readonly ListedSocket[]): ListedSocket[] {
	const ports = new Map(sockets.map((socket) => [socket, portOf(socket)]));
	return [...sockets].sort(
		(a, b) =>
			SOCKET_KINDS.indexOf(a.kind) - SOCKET_KINDS.indexOf(b.kind) ||
			SOCKET_STATES.indexOf(a.state) - SOCKET_STATES.indexOf(b.state) ||
			(ports.get(a) ?? 0) - (ports.get(b) ?? 0) ||
			compareText(a.local ?? "", b.local ?? "") ||
			a.inode - b.inode,
	);
}

/** Lays out the table, its heading included. */
export function tableText(
	sockets: readonly ListedSocket[],
	terminal: Terminal,
	options: TableOptions,
): string {
	const { palette, tableColumns } = terminal;
	const { isLong, isHidden, fresh } = options;
	const rows = sockets.map((socket) => rowOf(socket, isHidden, isLong));
	const isFull = isLong || tableColumns === Number.POSITIVE_INFINITY;
	const naturals = {
		local: width(rows, (row) => joined(row.local)),
		peer: width(rows, (row) => joined(row.peer)),
	};
	const fixed =
		width(rows, ({ socket }) => socket.kind) +
		width(rows, ({ socket }) => socket.state) +
		width(rows, ({ owner }) => owner) +
		4 * GAP;
	let extras = optionalColumns(rows, terminal, isFull);
	const widthOf = ({ name, text }: Column): number =>
		GAP +
		Math.max(
			name.length,
			width(rows, ({ socket }) => text(socket)),
		);
	const total = (): number =>
		fixed + naturals.local + naturals.peer + extras.reduce((sum, each) => sum + widthOf(each), 0);
	while (!isFull && extras.length > 0 && total() > tableColumns) {
		const last = Math.max(...extras.map(({ rank }) => rank));
		extras = extras.filter(({ rank }) => rank !== last);
	}
	const room = isFull
		? naturals
		: share(naturals, tableColumns - (total() - naturals.local - naturals.peer));
	const heading = ["KIND", "STATE", "LOCAL", "PEER", ...extras.map(({ name }) => name), "PROCESS"];
	const cells = rows.map((row): Cell[] => {
		const { socket, local, peer, owner } = row;
		const isNew = fresh?.has(socket) === true;
		return [
			{ text: socket.kind, style: isNew ? palette.good : undefined },
			{ text: socket.state, style: socket.state === "listening" ? palette.accent : undefined },
			{
				text: fitPlace(local, room.local, terminal),
				style: remarkOf(socket) === "" ? undefined : palette.bad,
			},
			{ text: fitPlace(peer, room.peer, terminal) },
			...extras.map(({ text }) => ({ text: text(socket) })),
			{ text: owner, style: socket.holders.length === 0 ? palette.dim : palette.bold },
		];
	});
	const flush = [
		"left",
		"left",
		"left",
		"left",
		...extras.map((each) => each.flush),
		"left",
	] as const;
	return layOut([heading.map((text) => ({ text, style: palette.dim })), ...cells], flush);
}

function rowOf(socket: ListedSocket, isHidden: boolean, isLong: boolean): Row {
	return {
		socket,
		local: { address: localText(socket), remark: remarkOf(socket) },
		peer: { address: bare(socket.peer?.address), remark: peerRemarkOf(socket) },
		owner: ownerText(socket, isHidden, isLong),
	};
}

function optionalColumns(
	rows: readonly Row[],
	{ glyphs }: Terminal,
	isFull: boolean,
): readonly Column[] {
	const columns: Column[] = [
		{ name: "RECV", flush: "right", rank: 1, text: (each) => receiveText(each) },
		{ name: "SEND", flush: "right", rank: 1, text: (each) => sendText(each) },
		{
			name: "RTT",
			flush: "right",
			rank: 2,
			text: ({ tcp }) => (tcp && tcp.roundTripUs > 0 ? timeText(tcp.roundTripUs, glyphs) : ""),
		},
		{
			name: "RETRANS",
			flush: "right",
			rank: 2,
			text: ({ tcp }) => (tcp ? String(tcp.retransmittedCount) : ""),
		},
		{ name: "USER", flush: "left", rank: 3, text: userText },
	];
	const says = (text: string): boolean => text !== "" && text !== "0";
	return columns.filter(({ text }) => isFull || rows.some(({ socket }) => says(text(socket))));
}

// Of a listener: connections that wait, and how many may.
function receiveText({ receiveQueueBytes, waitingCount }: ListedSocket): string {
	return String(receiveQueueBytes ?? waitingCount ?? "");
}

function sendText({ sendQueueBytes, backlogCount }: ListedSocket): string {
	return String(sendQueueBytes ?? (backlogCount === undefined ? "" : `/${backlogCount}`));
}

function share(
	{ local, peer }: { local: number; peer: number },
	room: number,
): { local: number; peer: number } {
	if (local + peer <= room) return { local, peer };
	const half = Math.max(NARROWEST, Math.floor(room / 2));
	if (local <= half) return { local, peer: Math.max(NARROWEST, room - local) };
	if (peer <= half) return { local: Math.max(NARROWEST, room - peer), peer };
	return { local: half, peer: Math.max(NARROWEST, room - half) };
}

// The process tells more than its address, and of an address of this machine the port tells more than the host.
function fitPlace(place: Place, room: number, { glyphs }: Terminal): string {
	const { address, remark } = place;
	if (columnsOf(joined(place)) <= room) return joined(place);
	if (remark === "") return shorten(address, room, glyphs);
	const left = room - columnsOf(remark) - 1;
	const port = /:\d+$/.exec(address)?.[0];
	const short = port === undefined ? shorten(address, left, glyphs) : port;
	if (columnsOf(short) > left || (port === undefined && left < NARROWEST / 2)) {
		return shorten(remark, room, glyphs);
	}
	return joined({ address: short, remark });
}

function joined({ address, remark }: Place): string {
	return address === "" || remark === "" ? address + remark : `${address} ${remark}`;
}

function width(rows: readonly Row[], text: (row: Row) => string): number {
	return rows.reduce((most, row) => Math.max(most, columnsOf(text(row))), 5);
}

function portOf({ local = "" }: ListedSocket): number {
	return Number(/^[a-z-]+:\/\/.*:(\d+)$/.exec(local)?.[1] ?? 0);
}

function compareText(a: string, b: string): number {
	if (a === b) return 0;
	return a < b ? -1 : 1;
}
