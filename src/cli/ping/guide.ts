/** What `socketry ping` says about itself. */
import type { Guide } from "../guide.ts";

/** Its options. */
export const OPTIONS = {
	count: { about: "Do it N times, 5 by default.", value: "N", text: "how often, 5 by default" },
	interval: {
		about: "Wait for so long between two, 1 s by default.",
		value: "TIME",
		text: "pause between two, 1s by default",
	},
	timeout: {
		about: "Give each so much time, 5 s by default.",
		value: "TIME",
		text: "time for each, 5s by default",
	},
	echo: {
		about:
			"Measure round trips over one connection, or of datagrams, to a server that sends everything back.",
		text: "measure round trips; needed for datagrams",
	},
	size: {
		about: "With --echo: send so many bytes each time, 64 by default; 4k and 1M are understood.",
		value: "BYTES",
		text: "with --echo: bytes to send, 64 by default",
	},
	json: {
		about: "Write a JSON line for each answer in place of text.",
		text: "a line of JSON for each on standard output",
	},
} as const;

/** The guide. */
export const GUIDE: Guide = {
	examples: [
		{ run: "socketry ping localhost:8080", does: "how long connecting takes, five times" },
		{ run: "socketry ping ./app.sock --count 100 --interval 0" },
		{ run: "socketry ping udp://localhost:7 --echo", does: "round trips to an echo server" },
		{ run: "socketry ping tcp://h:7 --echo --size 1k" },
	],
	usage: ["ADDRESS [OPTIONS]"],
	description: [
		"Connects again and again, and tells the time each takes. With --echo it sends bytes over one connection, or datagrams, to a server that sends them back, such as socketry listen ADDRESS --echo.",
	],
	words: "address-to-connect",
	wordsMax: 1,
	options: OPTIONS,
	lines: {
		pong: { when: "for each that was answered", fields: ["time", "number", "ms"] },
	},
	seeAlso: ["socketry-listen(1)", "socketry-wait(1)", "socketry-compare(1)"],
	exits: [
		["0", "all were answered"],
		["1", "some were not"],
		["2", "wrong usage"],
	],
};
