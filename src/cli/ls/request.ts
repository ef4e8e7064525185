/** What the command line of `socketry ls` asks for. */
import {
	type ListedSocket,
	SOCKET_KINDS,
	SOCKET_STATES,
	type SocketFilter,
	type SocketKind,
	type SocketState,
	socketMatches,
} from "../../list/index.ts";
import { nearest } from "../../nearest.ts";
import { UsageError } from "../exit-code.ts";
import { parseCommandLine } from "../options.ts";
import { parseDuration } from "../quantity.ts";
import { OPTIONS } from "./guide.ts";

/** Of each group one filter has to match. */
type Groups = readonly (readonly SocketFilter[])[];

/** The command line, understood. */
export interface Request {
	readonly groups: Groups;
	/** Whether to leave out what is of little use unless somebody asks for it. */
	readonly isBrief: boolean;
	readonly isLong: boolean;
	readonly isTree: boolean;
	readonly isJson: boolean;
	/** Milliseconds between two listings; undefined for one alone. */
	readonly intervalMs: number | undefined;
}

const INTERVAL_MS = 1_000;
const INTERVAL_MIN_MS = 100;
const INTERVAL_MAX_MS = 3_600_000;
const PORT_MAX = 0xffff_ffff;

const KIND_WORDS: Readonly<Record<string, readonly SocketKind[]>> = {
	...Object.fromEntries(SOCKET_KINDS.map((kind) => [kind, [kind]])),
	unix: ["unix", "unix-dgram", "unix-seqpacket"],
	"unix-stream": ["unix"],
	vsock: ["vsock", "vsock-dgram", "vsock-seqpacket"],
};
const STATE_WORDS: Readonly<Record<string, SocketState>> = {
	...Object.fromEntries(SOCKET_STATES.map((state) => [state, state])),
	listen: "listening",
	connected: "established",
};

/**
 * Reads the command line.
 *
 * @throws {UsageError} it makes no sense
 */
export function readRequest(args: readonly string[]): Request {
	const { values, words, program } = parseCommandLine(args, OPTIONS);
	if (program !== undefined) throw new UsageError("-- makes no sense here: no program is run");
	if (values.json && values.tree) throw new UsageError("--json and --tree exclude each other");
	if (values.interval !== undefined && !values.watch) {
		throw new UsageError("--interval is of use with --watch only");
	}
	const filter: SocketFilter = {
		kinds: split(values.kind).flatMap((word) => known("--kind", word, KIND_WORDS)),
		states: split(values.state).map((word) => known("--state", word, STATE_WORDS)),
		ports: split(values.port).map((word) => number("--port", word.replace(/^:/, ""))),
		paths: (values.path ?? []).map(absolute),
		pids: split(values.pid).map((word) => number("--pid", word)),
		users: split(values.user),
		commands: split(values.command),
	};
	const byWords = readWords(words);
	const isAsked = [filter, ...byWords.flat()].some(
		({ kinds = [], states = [] }) =>
			states.includes("time-wait") || kinds.includes("netlink") || kinds.includes("unknown"),
	);
	const interval = values.interval ?? String(INTERVAL_MS / 1_000);
	return {
		groups: [[filter], ...byWords],
		isBrief: !(values.all || isAsked),
		isLong: values.long === true,
		isTree: values.tree === true,
		isJson: values.json === true,
		intervalMs: values.watch
			? parseDuration("--interval", interval, INTERVAL_MIN_MS, INTERVAL_MAX_MS)
			: undefined,
	};
}

/** Tells whether somebody asks for a socket. */
export function isWanted(socket: ListedSocket, { groups }: Pick<Request, "groups">): boolean {
	return groups.every((group) => group.some((filter) => socketMatches(socket, filter)));
}

/** All states but that of connections that are over. */
export const LIVING: readonly SocketState[] = SOCKET_STATES.filter(
	(state) => state !== "time-wait",
);

/** What has to be listed for it, as far as kinds and states tell: whole lists of the kernel need not be read then. */
export function filterOf({ groups, isBrief, isTree }: Request): SocketFilter {
	const conditions = groups.flat().flatMap((filter) => Object.values(filter));
	// What is over is only counted here, and there may be very many.
	if (isBrief && conditions.every((list) => list.length === 0)) return { states: LIVING };
	// The other ends are shown too, whatever they are.
	if (isTree) return {};
	const only = groups.flatMap((group) => (group.length === 1 ? group : []));
	const kinds = only.find((filter) => filter.kinds?.length)?.kinds;
	const states = only.find((filter) => filter.states?.length)?.states;
	return { ...(kinds && { kinds }), ...(states && { states }) };
}

/** Why a socket is of little use unless somebody asks for it; undefined when it is not. */
export function dullness({ kind, state }: ListedSocket): string | undefined {
	if (state === "time-wait") return state;
	return kind === "netlink" || kind === "unknown" ? kind : undefined;
}

// Words of one sort make one group.
function readWords(words: readonly string[]): Groups {
	const kinds: SocketKind[] = [];
	const states: SocketState[] = [];
	const numbers: SocketFilter[] = [];
	const paths: string[] = [];
	const others: SocketFilter[] = [];
	for (const word of words) {
		if (Object.hasOwn(KIND_WORDS, word)) kinds.push(...(KIND_WORDS[word] ?? []));
		else if (Object.hasOwn(STATE_WORDS, word)) states.push(STATE_WORDS[word] as SocketState);
		else if (/^:\d+$/.test(word)) numbers.push({ ports: [number(word, word.slice(1))] });
		else if (/^\d+$/.test(word)) {
			numbers.push({ ports: [number(word, word)] }, { pids: [number(word, word)] });
		} else if (/^(\.{0,2}\/|@)/.test(word)) paths.push(absolute(word));
		else if (word !== "")
			others.push({ addresses: [word] }, { commands: [word] }, { users: [word] });
	}
	const groups: SocketFilter[][] = [[{ kinds }], [{ states }], numbers, [{ paths }], others];
	return groups.filter((group) => group.length > 0);
}

function split(lists: readonly string[] | undefined): string[] {
	return (lists ?? []).flatMap((list) => list.split(",")).filter((word) => word !== "");
}

function known<T>(option: string, word: string, table: Readonly<Record<string, T>>): T {
	if (Object.hasOwn(table, word)) return table[word] as T;
	const names = Object.keys(table);
	const meant = nearest(word, names);
	const advice = meant === undefined ? `there are: ${names.join(", ")}` : `did you mean ${meant}?`;
	throw new UsageError(`${option} knows no "${word}"; ${advice}`);
}

function number(what: string, text: string): number {
	if (/^\d{1,10}$/.test(text) && Number(text) <= PORT_MAX) return Number(text);
	throw new UsageError(`${what} must be a number, not "${text}"`);
}

function absolute(path: string): string {
	return /^\.{1,2}\//.test(path) ? process.getBuiltinModule("node:path").resolve(path) : path;
}
