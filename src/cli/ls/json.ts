/** Listings as JSON Lines; docs/ls.md is the promise. */
import type { ListedSocket, ListingNote } from "../../list/index.ts";
import { visibleJson } from "../exchange/json-lines.ts";

/** Version of the lines: it grows when a field is taken away or means something else, not when one is added. */
const VERSION = 1;

/** What happened to a socket between two listings. */
export type SocketEvent = "opened" | "changed" | "closed";

/** The line of a socket. */
export function socketLine(socket: ListedSocket, event?: SocketEvent): string {
	return line("socket", event === undefined ? { ...socket } : { event, ...socket });
}

/** The line of something that is not shown. */
export function noteLine(note: ListingNote): string {
	return line("note", { ...note });
}

/** The line that ends a listing. */
export function summaryLine(count: number, notShown: ReadonlyMap<string, number>): string {
	const time = new Date().toISOString();
	return line("summary", { time, sockets: count, notShown: Object.fromEntries(notShown) });
}

function line(type: string, content: object): string {
	return `${visibleJson({ type, v: VERSION, ...content })}\n`;
}
