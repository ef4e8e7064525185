/** What `socketry ls` says about itself. */
import type { Guide } from "../guide.ts";

/** Its options. */
export const OPTIONS = {
	all: {
		about:
			"Show also time-wait (connections that are over), netlink (talk with the kernel), and sockets that no list of the kernel has.",
		short: "a",
		text: "also time-wait, netlink, and sockets in no kernel list",
	},
	long: {
		about:
			"Show all columns: queues, round-trip time, retransmits, user. A file or a pipe gets them in any case.",
		short: "l",
		text: "all columns: queues, round-trip time, retransmits, user",
	},
	tree: {
		about:
			"Show processes, and under each of them whom it talks to: an arrow to the left is a client that came, one to the right a server that was called, one to both sides the other end of a socketpair.",
		text: "processes, and under each of them whom it talks to",
	},
	watch: {
		about:
			"List again and again until Ctrl-C. A terminal is redrawn; a file or a pipe gets what has changed.",
		text: "until Ctrl-C; a terminal is redrawn, else what changes",
	},
	interval: {
		about: "Time between two listings of --watch, 1 s by default.",
		value: "TIME",
		text: "between two listings of --watch (default 1s)",
	},
	json: {
		about: "Write JSON Lines: one object for each socket.",
		text: "JSON Lines, as docs/ls.md describes them",
	},
	kind: {
		about: "Only sockets of these kinds.",
		value: "LIST",
		multiple: true,
		isList: true,
		text: "the same as words, and never taken for anything else",
		with: ["state", "port", "path", "pid", "user", "command"],
		completes: [
			"tcp",
			"mptcp",
			"udp",
			"udplite",
			"raw",
			"icmp",
			"unix",
			"unix-stream",
			"unix-dgram",
			"unix-seqpacket",
			"vsock",
			"vsock-dgram",
			"vsock-seqpacket",
			"netlink",
			"packet",
			"unknown",
		],
	},
	state: {
		value: "LIST",
		about: "Only sockets in one of these states.",
		multiple: true,
		isList: true,
		completes: [
			"listening",
			"established",
			"syn-sent",
			"syn-received",
			"fin-wait-1",
			"fin-wait-2",
			"time-wait",
			"close-wait",
			"last-ack",
			"closing",
			"bound",
			"unconnected",
			"unknown",
		],
	},
	port: {
		value: "LIST",
		about: "Only sockets with one of these ports, at either end.",
		multiple: true,
		isList: true,
		completes: "port",
	},
	path: {
		value: "LIST",
		about: "Only Unix sockets at this path or below it.",
		multiple: true,
		completes: "path",
	},
	pid: {
		value: "LIST",
		about: "Only sockets of the processes with these numbers.",
		multiple: true,
		isList: true,
		completes: "pid",
	},
	user: {
		value: "LIST",
		about: "Only sockets of these users, by name or number.",
		multiple: true,
		isList: true,
		completes: "owner",
	},
	command: {
		value: "LIST",
		about: "Only sockets of programs whose names have one of these in them.",
		multiple: true,
		isList: true,
		completes: "process",
	},
} as const;

/** The guide. */
export const GUIDE: Guide = {
	examples: [
		{ run: "socketry ls", does: "all sockets, with who is at the other end" },
		{ run: "socketry ls listening", does: "servers" },
		{ run: "socketry ls 5432", does: "a port, or the process of this number" },
		{ run: "socketry ls tcp nginx", does: "TCP sockets of a program" },
		{ run: "socketry ls /run", does: "Unix sockets below a folder" },
		{ run: "socketry ls --tree postgres", does: "who talks to whom" },
		{ run: "socketry ls --watch :443", does: "again every second" },
		{ run: "socketry ls --json | jq 'select(.tcp.retransmittedCount > 0)'" },
	],
	usage: ["[OPTIONS] [WORD...]"],
	description: [
		"A WORD is a kind (tcp, udp, unix, vsock), a state (listening, established), a port or process number, :PORT, /PATH, @NAME, or a part of an address or of the name of a program or user. Of words of one sort any may match, of different sorts all have to.",
	],
	words: "socket-word",
	options: OPTIONS,
	notes: ["Processes of other users can be seen by root only: what is missing is said."],
	details: [
		"The other end has a name wherever it is on this machine: the process that holds it, and for the client of a Unix socket the file that it is connected to.",
		"Where the kernel forbids sock_diag(7), /proc tells the same sockets with less about them. What cannot be seen is said on standard error, and in the lines of --json.",
	],
	lines: {
		socket: {
			when: "for each socket",
			fields: [
				"event",
				"kind",
				"state",
				"inode",
				"local",
				"peer",
				"holders",
				"uid",
				"user",
				"receiveQueueBytes",
				"sendQueueBytes",
				"waitingCount",
				"backlogCount",
				"tcp",
				"device",
				"subject",
				"file",
				"namespace",
			],
		},
		note: {
			when: "for something that is not shown",
			fields: ["code", "list", "message"],
		},
		summary: { when: "at the end of a listing", fields: ["time", "sockets", "notShown"] },
	},
	seeAlso: ["ss(8)", "lsof(8)", "sock_diag(7)", "proc(5)"],
	exits: [
		["0", "done, even if nothing was found"],
		["2", "wrong usage"],
		["130", "ended by Ctrl-C"],
	],
};
