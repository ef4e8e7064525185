/** `socketry ls`: from arguments to a listing. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
	type ListedSocket,
	type ListingNote,
	listSockets,
	type SocketListing,
} from "../../list/index.ts";
import type { Context } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";
import { headOf } from "../text-width.ts";
import { differencesOf } from "./differences.ts";
import { noteLine, type SocketEvent, socketLine, summaryLine } from "./json.ts";
import { longText } from "./records.ts";
import { dullness, filterOf, isWanted, LIVING, type Request, readRequest } from "./request.ts";
import { inOrder, tableText } from "./table.ts";
import { treeText } from "./tree.ts";

/** A listing as it is to be shown. */
interface View {
	readonly listing: SocketListing;
	readonly shown: readonly ListedSocket[];
	/** How many of what sort were left out, as being of little use. */
	readonly notShown: ReadonlyMap<string, number>;
	readonly isHidden: boolean;
}

/**
 * Runs `socketry ls`.
 *
 * @throws {UsageError} the arguments make no sense
 * @throws {SyscallError} EMFILE, ENFILE, ENOMEM
 */
export async function run(args: readonly string[], context: Context): Promise<number> {
	const request = readRequest(args);
	const first = await look(request);
	if (request.intervalMs === undefined) show(first, request, context);
	else await watch(first, request, request.intervalMs, context);
	return EXIT.done;
}

async function look(request: Request): Promise<View> {
	const filter = filterOf(request);
	const listing = await listSockets(filter);
	const overCount = filter.states === LIVING ? timeWaitCount() : 0;
	const notShown = new Map(overCount > 0 ? [["time-wait", overCount]] : []);
	const shown = listing.sockets.filter((socket) => {
		if (!isWanted(socket, request)) return false;
		const sort = request.isBrief ? dullness(socket) : undefined;
		if (sort !== undefined) notShown.set(sort, (notShown.get(sort) ?? 0) + 1);
		return sort === undefined;
	});
	const isHidden = listing.notes.some(({ code }) => code === "hidden-processes");
	return { listing, shown: inOrder(shown), notShown, isHidden };
}

// Those of this network namespace, of IPv4 and IPv6.
function timeWaitCount(): number {
	try {
		const text = readFileSync("/proc/net/sockstat", "latin1");
		return Number(/^TCP: .*\btw (\d+)/m.exec(text)?.[1] ?? 0);
	} catch {
		return 0;
	}
}

function show(view: View, request: Request, { out, err }: Context): void {
	const { listing, shown, notShown } = view;
	if (request.isJson) {
		for (const socket of shown) out.write(socketLine(socket));
		for (const note of listing.notes) out.write(noteLine(note));
		out.write(summaryLine(shown.length, notShown));
		return;
	}
	out.write(textOf(view, request, out));
	for (const { message } of notesOn(view)) err.say(`${err.palette.dim("note:")} ${message}`);
	if (shown.length === 0) err.write("no socket is like that\n");
	if (notShown.size > 0 && err.isTerminal)
		err.write(`${err.palette.dim(notShownText(notShown))}\n`);
}

// That vsock cannot be listed matters to who looks for it, or sees a socket that might be one.
function notesOn({ listing, shown }: View): readonly ListingNote[] {
	const matters = shown.length === 0 || shown.some(({ kind }) => kind === "unknown");
	return listing.notes.filter(({ list }) => list !== "vsock" || matters);
}

function textOf(view: View, request: Request, out: Terminal, fresh?: Set<ListedSocket>): string {
	const { listing, shown, isHidden } = view;
	if (shown.length === 0) return "";
	if (request.isTree) return treeText(shown, listing.sockets, out, isHidden);
	const options = { isLong: request.isLong, isHidden, ...(fresh && { fresh }) };
	if (request.isLong) return longText(shown, out, options, fresh !== undefined);
	return tableText(shown, out, options);
}

function notShownText(notShown: ReadonlyMap<string, number>): string {
	const counts = [...notShown].map(([sort, count]) => `${count} ${sort}`);
	return `not shown: ${counts.join(", ")}; --all shows them`;
}

async function watch(
	first: View,
	request: Request,
	intervalMs: number,
	context: Context,
): Promise<void> {
	const { out, signal } = context;
	const redraws = out.canRedraw && !request.isJson;
	let view = first;
	if (redraws) redraw(view, request, new Set(), out);
	else show(view, request, context);
	while (!signal.aborted) {
		try {
			await sleep(intervalMs, undefined, { signal });
		} catch {
			break;
		}
		const next = await look(request);
		if (redraws) {
			redraw(next, request, new Set(differencesOf(view.shown, next.shown).opened), out);
		} else tellDifferences(view, next, request, out);
		view = next;
	}
	if (redraws) out.write("\n");
}

function redraw(view: View, request: Request, fresh: Set<ListedSocket>, out: Terminal): void {
	const { shown, notShown } = view;
	const notes = notesOn(view);
	const lines = textOf(view, request, out, fresh).trimEnd().split("\n");
	const room = Math.max(1, out.rows - 2);
	const rest = lines.length > room ? `, ${lines.length - room} lines below` : "";
	const missing =
		notes.length > 0 ? ` ${out.glyphs.dot} notes: ${notes.length}, told without --watch` : "";
	const left = notShown.size > 0 ? ` ${out.glyphs.dot} ${notShownText(notShown)}` : "";
	const foot = headOf(`${shown.length} sockets${rest}${left}${missing}`, out.tableColumns - 1);
	// Line by line: a screen that is wiped first flickers.
	const screen = [...lines.slice(0, room), out.palette.dim(foot)].join("\x1b[K\n");
	out.write(`\x1b[H${screen}\x1b[K\x1b[J`);
}

function tellDifferences(before: View, after: View, request: Request, out: Terminal): void {
	const differences = differencesOf(before.shown, after.shown);
	const events: readonly (readonly [SocketEvent, string])[] = [
		["opened", "+"],
		["changed", "~"],
		["closed", "-"],
	];
	for (const [event, sign] of events) {
		const sockets = differences[event];
		if (request.isJson) for (const socket of sockets) out.write(socketLine(socket, event));
		else if (sockets.length > 0) {
			const [, ...lines] = tableText(sockets, out, {
				isLong: request.isLong,
				isHidden: after.isHidden,
			})
				.trimEnd()
				.split("\n");
			for (const line of lines) out.write(`${sign} ${line}\n`);
		}
	}
}
