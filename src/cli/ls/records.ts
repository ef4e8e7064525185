/** Sockets with all that is known of them where the table of it is wider than the terminal: a few lines each. */
import { stripVTControlCharacters } from "node:util";
import type { ListedSocket } from "../../list/index.ts";
import type { Terminal } from "../terminal.ts";
import { columnsOf } from "../text-width.ts";
import { plain } from "../visible-text.ts";
import { type TableOptions, tableText } from "./table.ts";
import {
	localText,
	ownerText,
	peerText,
	processText,
	remarkOf,
	shorten,
	timeText,
	userText,
} from "./words.ts";

const INDENT = "    ";

/**
 * Lays out everything: as a table where that fits, and as records where not.
 *
 * @param cuts whether lines that are too long are shortened, for a screen that is drawn again and again
 */
export function longText(
	sockets: readonly ListedSocket[],
	terminal: Terminal,
	options: TableOptions,
	cuts: boolean,
): string {
	const table = tableText(sockets, terminal, options);
	const fits = (line: string): boolean =>
		columnsOf(stripVTControlCharacters(line)) <= terminal.tableColumns;
	if (!terminal.isTerminal || table.split("\n").every(fits)) return table;
	return sockets
		.flatMap((socket) => recordOf(socket, terminal, options, cuts))
		.map((line) => `${line}\n`)
		.join("");
}

function recordOf(
	socket: ListedSocket,
	terminal: Terminal,
	{ isHidden, fresh }: TableOptions,
	cuts: boolean,
): string[] {
	const { palette, glyphs, tableColumns } = terminal;
	const { kind, state } = socket;
	const cut = (text: string): string => (cuts ? shorten(text, tableColumns, glyphs) : text);
	const local = `${localText(socket)} ${remarkOf(socket)}`.trim();
	const title = [kind, state, local].filter((text) => text !== "").join(" ");
	const peer = peerText(socket);
	const both = peer === "" ? title : `${title} ${glyphs.to} ${peer}`;
	const style = fresh?.has(socket) === true ? palette.good : palette.bold;
	const details = linesOf(detailsOf(socket, terminal, isHidden), tableColumns, glyphs.dot);
	const head =
		columnsOf(both) <= tableColumns || peer === ""
			? [style(cut(both))]
			: [style(cut(title)), cut(`${INDENT}${glyphs.to} ${peer}`)];
	return [...head, ...details.map((line) => palette.dim(cut(line)))];
}

function detailsOf(socket: ListedSocket, { glyphs }: Terminal, isHidden: boolean): string[] {
	const { receiveQueueBytes, sendQueueBytes, waitingCount, backlogCount, tcp } = socket;
	const { congestionControl, congestionWindow, roundTripUs = 0, retransmittedCount } = tcp ?? {};
	const named = (name: string, value: string | number | undefined): string[] =>
		value === undefined ? [] : [`${name} ${value}`];
	return [
		ownerText(socket, isHidden, true),
		...socket.holders.slice(1).map((holder) => processText([holder], true)),
		userText(socket),
		...named("received", receiveQueueBytes),
		...named("to send", sendQueueBytes),
		...named("waiting", waitingCount),
		...named("backlog", backlogCount),
		...named("round trip", roundTripUs > 0 ? timeText(roundTripUs, glyphs) : undefined),
		...named("sent again", retransmittedCount),
		...named("window", congestionWindow),
		...(congestionControl === undefined ? [] : [plain(congestionControl)]),
	];
}

// As many to a line as fit.
function linesOf(details: readonly string[], columns: number, dot: string): string[] {
	const lines: string[] = [];
	for (const detail of details) {
		const last = lines.at(-1);
		const longer = `${last} ${dot} ${detail}`;
		if (last !== undefined && columnsOf(longer) <= columns) lines[lines.length - 1] = longer;
		else lines.push(INDENT + detail);
	}
	return lines;
}
