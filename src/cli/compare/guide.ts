/** What `socketry compare` says about itself. */
import type { Guide } from "../guide.ts";

/** Its options. */
export const OPTIONS = {
	quick: {
		about: "Fewer and shorter rounds: about ten seconds in all.",
		text: "fewer and shorter rounds, about ten seconds in all",
	},
	duration: {
		about: "Measure for so long in all: seconds, or a number with ms, s or m. 35 s by default.",
		value: "TIME",
		text: "measure for so long, such as 30 or 2m (default 35 s)",
	},
	size: {
		about:
			"Size of the message of the round trips, in bytes: 64 by default; 4k and 64KiB are understood.",
		value: "BYTES",
		text: "message of the round trips, such as 64 or 4k (default 64)",
	},
	kind: {
		about:
			"Only these kinds: unix, unix-seqpacket, unix-dgram, tcp, udp, pipe, with commas between them.",
		value: "LIST",
		text: "some of unix,unix-seqpacket,unix-dgram,tcp,udp,pipe",
		isList: true,
		completes: ["unix", "unix-seqpacket", "unix-dgram", "tcp", "udp", "pipe"],
	},
	html: {
		about: "Write the result also to a file as one page with plots and without scripts.",
		value: "FILE",
		text: "write the result as one page without scripts",
		completes: "file",
	},
	json: { about: "Write JSON Lines in place of tables.", text: "JSON Lines instead of tables" },
	serve: {
		about:
			"Answer the comparisons of others at this address, and compare nothing here. May be repeated, once for each kind.",
		value: "ADDRESS",
		multiple: true,
		text: "answer the comparisons of others; may be repeated",
		completes: "address-to-listen",
	},
	to: {
		about:
			"Measure against a server that was started by --serve. May be repeated, once for each kind.",
		value: "ADDRESS",
		multiple: true,
		text: "measure against such a server; may be repeated",
		completes: "address-to-connect",
	},
	"internal-serve": { value: "KINDS", isHidden: true },
} as const;

/** The guide. */
export const GUIDE: Guide = {
	examples: [
		{ run: "socketry compare", does: "measure all kinds here, about 40 s" },
		{ run: "socketry compare --quick", does: "the same in about ten seconds" },
		{ run: "socketry compare --size 4k --kind tcp,unix" },
		{ run: "socketry compare --html page.html", does: "also as a page with plots" },
		{ run: "socketry compare --json | jq 'select(.metric == \"round_trip_p50\")'" },
		{
			heading: "Across a network, on the other machine and then on this one:",
			run: "socketry compare --serve tcp://*:7000 --serve udp://*:7000",
		},
		{ run: "socketry compare --to tcp://other:7000 --to udp://other:7000" },
	],
	usage: ["[OPTIONS]"],
	description: [
		"Holds real conversations with a second process over every kind of socket, and says what each costs, what it promises, and which one to use when.",
	],
	options: OPTIONS,
	notes: [
		"Anyone who reaches an address given to --serve may use it: it sends nothing but echoes and counts, and limits what one client can ask for.",
	],
	details: [
		"Everything is measured in rounds, each of which goes through all kinds. A figure is the median of its rounds, with an interval that holds the true median with 90 % confidence or more. Kinds whose intervals overlap, or that differ by less than 5 %, are called no different.",
	],
	lines: {
		environment: {
			when: "first",
			fields: [
				"date",
				"machine",
				"processors",
				"virtual",
				"kernel",
				"node",
				"socketry",
				"load",
				"remote",
				"rounds",
				"size",
			],
		},
		result: {
			when: "for each figure of a kind",
			fields: [
				"kind",
				"place",
				"metric",
				"unit",
				"message_bytes",
				"better",
				"value",
				"low",
				"high",
				"rounds",
				"lost",
			],
		},
		round_trips: {
			when: "for each kind",
			fields: ["kind", "count", "repeated", "ranks", "us"],
		},
		guarantees: {
			when: "for each kind",
			fields: [
				"kind",
				"ordered",
				"reliable",
				"boundaries",
				"other_machines",
				"descriptors",
				"identity",
			],
		},
		skipped: { when: "for each kind that is not available here", fields: ["kind", "reason"] },
		advice: { when: "for each piece of advice", fields: ["when", "use", "why"] },
		summary: { when: "last", fields: ["kinds", "skipped"] },
		listening: { when: "of --serve, for each address", fields: ["address"] },
	},
	seeAlso: ["socketry-ping(1)"],
	exits: [
		["0", "done"],
		["1", "network error"],
		["2", "wrong usage"],
		["3", "address in use or no permission"],
		["130", "ended by Ctrl-C"],
	],
};
