/** The kinds of socket that are compared, and what the kernel promises for each. */

/** Names as in addresses; `pipe` is the reference without a socket. */
export type Kind = "unix" | "unix-seqpacket" | "unix-dgram" | "tcp" | "udp" | "pipe";

/** One answer about a kind. */
export interface Promised {
	readonly answer: "yes" | "no";
	/** What the short answer leaves out. */
	readonly note?: string;
}

/** What a program may rely on. */
export interface Guarantees {
	/** What was sent first arrives first. */
	readonly ordered: Promised;
	/** Nothing is lost while both ends live. */
	readonly reliable: Promised;
	/** One send is one receive. */
	readonly boundaries: Promised;
	/** The other end may be on another machine. */
	readonly otherMachines: Promised;
	/** Open files and sockets can be handed over. */
	readonly descriptors: Promised;
	/** What the kernel vouches for about the peer. */
	readonly identity: Promised;
}

/** What is said of one kind. */
export interface KindFacts {
	readonly label: string;
	readonly guarantees: Guarantees;
}

const YES: Promised = { answer: "yes" };
const NO: Promised = { answer: "no" };
// SO_PEERCRED; unix(7).
const CREDENTIALS: Promised = { answer: "yes", note: "process, user, group" };

/** Every kind in the order of the tables. */
export const KINDS: { readonly [Name in Kind]: KindFacts } = {
	unix: {
		label: "Unix stream",
		guarantees: {
			ordered: YES,
			reliable: YES,
			boundaries: NO,
			otherMachines: NO,
			descriptors: YES,
			identity: CREDENTIALS,
		},
	},
	"unix-seqpacket": {
		label: "Unix seqpacket",
		guarantees: {
			ordered: YES,
			reliable: YES,
			boundaries: YES,
			otherMachines: NO,
			descriptors: YES,
			identity: CREDENTIALS,
		},
	},
	"unix-dgram": {
		label: "Unix datagram",
		guarantees: {
			ordered: YES,
			reliable: { answer: "yes", note: "a full receiver makes senders wait" },
			boundaries: YES,
			otherMachines: NO,
			descriptors: YES,
			identity: { answer: "yes", note: "per message, if asked" },
		},
	},
	tcp: {
		label: "TCP",
		guarantees: {
			ordered: YES,
			reliable: YES,
			boundaries: NO,
			otherMachines: YES,
			descriptors: NO,
			identity: { answer: "no", note: "address; more by TLS" },
		},
	},
	udp: {
		label: "UDP",
		guarantees: {
			ordered: NO,
			reliable: NO,
			boundaries: YES,
			otherMachines: YES,
			descriptors: NO,
			identity: { answer: "no", note: "address, forgeable" },
		},
	},
	pipe: {
		label: "pipe",
		guarantees: {
			ordered: YES,
			reliable: YES,
			boundaries: NO,
			otherMachines: NO,
			descriptors: NO,
			identity: NO,
		},
	},
};

/** All names in the order of the tables. */
export const KIND_NAMES: readonly Kind[] = Object.keys(KINDS) as Kind[];

/** The promises in the order of the tables, with the heads of their columns. */
export const PROMISES: readonly (readonly [keyof Guarantees, string])[] = [
	["ordered", "ordered"],
	["reliable", "reliable"],
	["boundaries", "whole"],
	["otherMachines", "network"],
	["descriptors", "files"],
	["identity", "who is the peer"],
];

/** What the heads of the columns mean. */
export const PROMISES_EXPLAINED =
	"whole: one send is one receive; network: reaches other machines; files: can hand over open files";

/** Whether a text names a kind. */
export function isKind(text: string): text is Kind {
	return Object.hasOwn(KINDS, text);
}
