/** What `socketry relay` says about itself. */
import type { Guide } from "../guide.ts";

/** Its options. */
export const OPTIONS = {
	max: {
		value: "N",
		text: "at most N connections or sessions of each FROM, 1000 by default; further connections wait",
	},
	idle: {
		value: "TIME",
		text: "end what has been silent for so long. Connections have no such limit by default, sessions of datagrams 60s",
	},
	drain: {
		value: "TIME",
		text: "after Ctrl-C: time for what is under way, 5s by default",
	},
	"connect-timeout": { value: "T", text: "time to reach TO, 10s by default" },
	"proxy-protocol": {
		value: "V",
		text: "tell TO who calls by a header: v1 or v2",
		completes: ["v1", "v2"],
	},
	"no-descriptors": {
		text: "between Unix sockets: leave out descriptors that are passed along, and so keep bytes in the kernel there too",
	},
	"tls-in": {
		value: "FILE",
		text: "listen with TLS: the certificate, and the key in the same file or in --tls-key FILE",
		completes: "file",
	},
	"tls-key": {
		value: "FILE",
		about:
			"With --tls-in: the private key, in PEM, where it is not in the file of the certificate.",
		completes: "file",
	},
	"tls-out": { text: "connect with TLS; --tls-name, --tls-ca as of connect" },
	"tls-name": { value: "NAME", like: "connect" },
	"tls-ca": { value: "FILE", like: "connect" },
	mode: { value: "MODE", text: "as of listen", with: ["allow"], like: "listen" },
	allow: { value: "user=A,B", multiple: true, like: "listen" },
	once: { text: "end after one connection" },
	json: { text: "events as JSON Lines on standard output" },
	quiet: { text: "do not say where it listens, nor what failed" },
} as const;

/** The guide. */
export const GUIDE: Guide = {
	examples: [
		{ run: "socketry relay 8080 ./app.sock", does: "a port for a Unix socket" },
		{
			run: "socketry relay ./db.sock db.example:5432",
			does: "a Unix socket for a server",
		},
		{ run: "socketry relay :80=127.0.0.1:8080 :443=127.0.0.1:8443" },
		{ run: "socketry relay udp://*:53 udp://9.9.9.9:53 --idle 10s" },
		{ run: "socketry relay 8080 ./app.sock --proxy-protocol v2" },
	],
	usage: ["FROM TO [OPTIONS]", "FROM=TO [FROM=TO...] [OPTIONS]"],
	description: [
		"Listens on FROM and joins each connection to one of its own to TO: streams to streams, messages to messages. The end of one direction is handed on and ends only that direction, so that no reply is lost. Bytes stay in the kernel. Each sender of datagrams has a session. Addresses are written as for listen.",
	],
	words: "route",
	options: OPTIONS,
	notes: ["SIGUSR1 prints figures; on a terminal they are shown all the time."],
	exits: [
		["0", "all delivered"],
		["1", "TO not reached"],
		["2", "wrong usage"],
		["3", "address in use or no permission"],
		["4", "data was cut"],
		["128 + n", "ended by signal n with nothing cut"],
	],
};
