/** What `socketry wait` says about itself. */
import type { Guide } from "../guide.ts";

/** Its options. */
export const OPTIONS = {
	timeout: {
		about:
			"Leave with exit code 124 when not all are reached after this time: seconds, or a number with ms, s, m or h. By default it waits for ever.",
		value: "TIME",
		text: "leave with 124 after 5s, 500ms, 2m; by default never",
	},
	quiet: {
		about: "Do not say on standard error what is waited for.",
		text: "do not say what is waited for",
	},
	json: {
		about: "Write a JSON line for each ADDRESS that is reached.",
		text: "a line of JSON for each that is reached",
	},
} as const;

/** The guide. */
export const GUIDE: Guide = {
	examples: [
		{ run: "socketry wait localhost:5432 && ./migrate" },
		{ run: "socketry wait ./app.sock db:5432 --timeout 30s -- ./start" },
	],
	usage: ["ADDRESS... [OPTIONS] [-- PROGRAM ARGUMENTS...]"],
	description: [
		"Waits until somebody accepts connections at every ADDRESS, trying again and again, with pauses from 50 ms to 1 s. Names are resolved each time, and may be unknown at first. PROGRAM is then run, and its exit code is ours.",
	],
	words: "address-of-server",
	runsProgram: true,
	options: OPTIONS,
	lines: {
		reachable: { when: "for each address that is reached", fields: ["time", "address"] },
	},
	seeAlso: ["socketry-ping(1)", "socketry-connect(1)"],
	exits: [
		["0", "all reached"],
		["2", "wrong usage"],
		["124", "time is up"],
		["126/127", "PROGRAM cannot run/is not there"],
	],
};
