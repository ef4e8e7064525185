/** What the program says about itself as a whole. */
import type { Guide } from "./guide.ts";

/** The guide to everything; its commands are in the catalogue. */
export const OVERVIEW: Guide = {
	examples: [
		{ run: "echo hi | socketry connect :8080", does: "talk to a server and read its answer" },
		{ run: "socketry relay 8080 ./app.sock", does: "a port for a Unix socket" },
		{ run: "socketry ls 8080", does: "who listens there, and who is connected" },
		{ run: "socketry compare --quick", does: "which kind of socket to use, in 10 s" },
		{
			run: "socketry compare --html page.html",
			does: "the same, thoroughly, as a page with plots",
		},
		{ run: "socketry compare --help", does: "what a command can do" },
	],
	usage: ["COMMAND [OPTIONS]"],
	description: [],
	words: "command",
	options: {
		help: { short: "h", text: "this text, or a command's" },
		version: { short: "V", text: "the version" },
	},
	notes: ["Colours follow NO_COLOR and FORCE_COLOR."],
	exits: [
		["0", "done"],
		["1", "network error"],
		["2", "wrong usage"],
		["3", "address in use or no permission"],
		["4", "data was cut"],
		["124", "time is up"],
		["128 + n", "ended by signal n"],
	],
};
