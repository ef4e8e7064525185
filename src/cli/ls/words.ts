/** How sockets, addresses and processes are written for people. */
import type { ListedSocket, SocketHolder } from "../../list/index.ts";
import type { Glyphs } from "../terminal.ts";
import { columnsOf, headOf, tailOf } from "../text-width.ts";
import { plain } from "../visible-text.ts";

/** Writes a name that is no text: each byte beyond ASCII by its number. */
function bytesText(bytes: Uint8Array): string {
	const signs = Array.from(bytes, (byte) => {
		return byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`;
	});
	return plain(signs.join(""));
}

/** An address without its first word, which has a column of its own. */
export function bare(address: string | undefined): string {
	return plain((address ?? "").replace(/^[a-z-]+:(\/\/)?/, ""));
}

/** What is at this end. */
export function localText(socket: ListedSocket): string {
	const { local, nameBase64, subject, device, kind } = socket;
	if (local !== undefined && nameBase64 !== undefined) {
		const sign = /^[a-z-]+:@/.test(local) ? "@" : "";
		return sign + bytesText(Buffer.from(nameBase64, "base64"));
	}
	if (local !== undefined) return bare(local);
	if (kind === "packet") return `${device ?? "*"} ${subject ?? ""}`.trim();
	return plain(subject ?? "");
}

/** What is to be said of this end: nobody reaches it any more, as its file is gone, or is another's. */
export function remarkOf({ file }: ListedSocket): string {
	return file === "gone" || file === "replaced" ? `(${file})` : "";
}

/** Who is at the other end. */
export function peerRemarkOf({ peer }: ListedSocket): string {
	const waits = peer?.isWaiting === true ? " (waiting)" : "";
	return `${processText(peer?.holders ?? [])}${waits}`;
}

/** The other end: its address, and who is there. */
export function peerText(socket: ListedSocket): string {
	return `${bare(socket.peer?.address)} ${peerRemarkOf(socket)}`.trim();
}

/** A process, and how many others hold the same socket. */
export function processText(holders: readonly SocketHolder[], isLong = false): string {
	const [first] = holders;
	if (first === undefined) return "";
	const fds = isLong ? ` fd ${first.fds.join(",")}` : "";
	const more = holders.length > 1 ? `+${holders.length - 1}` : "";
	return `${plain(first.command)}[${first.pid}]${fds}${more}`;
}

/** Who holds a socket, or why that is not told. */
export function ownerText(socket: ListedSocket, isHidden: boolean, isLong: boolean): string {
	const { holders, inode, state, user, uid } = socket;
	if (holders.length > 0) return processText(holders, isLong);
	if (inode === 0) return state === "established" ? "(not accepted)" : "-";
	if (!isHidden) return "-";
	return uid === undefined ? "(hidden)" : `(hidden, ${plain(user ?? String(uid))})`;
}

/** Users of the processes, or who made the socket. */
export function userText({ holders, user, uid }: ListedSocket): string {
	const names = holders.map((holder) => holder.user ?? String(holder.uid));
	const [first = user ?? uid?.toString() ?? "-"] = names;
	return plain(first);
}

/** A time in microseconds, with three digits. */
export function timeText(us: number, { micro }: Glyphs): string {
	if (us < 1_000) return `${us} ${micro}s`;
	if (us < 1_000_000) return `${(us / 1_000).toPrecision(3)} ms`;
	return `${(us / 1_000_000).toPrecision(3)} s`;
}

/** Leaves out the middle of what is too long: the end of a path tells most. */
export function shorten(text: string, width: number, { ellipsis }: Glyphs): string {
	if (columnsOf(text) <= width) return text;
	if (width <= ellipsis.length) return "";
	const room = width - ellipsis.length;
	const head = headOf(text, Math.floor(room / 3));
	return head + ellipsis + tailOf(text, room - columnsOf(head));
}
