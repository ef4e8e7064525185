/** What `socketry explain` says about itself. */
import type { Guide } from "../guide.ts";

/** It has no options. */
export const OPTIONS = {} as const;

/** The guide. */
export const GUIDE: Guide = {
	examples: [
		{ run: "socketry explain 8080" },
		{ run: "socketry explain ./app.sock" },
		{ run: "socketry explain udp://example.org:53" },
		{ run: "socketry explain tcp+srv://_xmpp-client._tcp.example.org" },
	],
	usage: ["ADDRESS..."],
	description: [
		"Tells what an address means to connect and to listen, which addresses a name has, who is there now and what would happen, and which limits apply. Nothing is connected to.",
	],
	words: "address-to-connect",
	options: OPTIONS,
	seeAlso: ["socketry-ls(1)"],
	exits: [
		["0", "understood"],
		["2", "it is no address"],
	],
};
