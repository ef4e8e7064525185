/** What `socketry compare` says about itself. */
import type { Guide } from "../guide.ts";

/** Its options. */
export const OPTIONS = {
	quick: { text: "fewer and shorter rounds, about ten seconds in all" },
	duration: { value: "TIME", text: "measure for so long, such as 30 or 2m (default 35 s)" },
	size: { value: "BYTES", text: "message of the round trips, such as 64 or 4k (default 64)" },
	kind: {
		value: "LIST",
		text: "some of unix,unix-seqpacket,unix-dgram,tcp,udp,pipe",
		isList: true,
		completes: ["unix", "unix-seqpacket", "unix-dgram", "tcp", "udp", "pipe"],
	},
	html: { value: "FILE", text: "write the result as one page without scripts", completes: "file" },
	json: { text: "JSON Lines instead of tables" },
	serve: {
		value: "ADDRESS",
		multiple: true,
		text: "answer the comparisons of others; may be repeated",
		completes: "address-to-listen",
	},
	to: {
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
	exits: [
		["0", "done"],
		["1", "network error"],
		["2", "wrong usage"],
		["3", "address in use or no permission"],
		["130", "ended by Ctrl-C"],
	],
};
