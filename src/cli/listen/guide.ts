/** What `socketry listen` says about itself. */
import type { Guide } from "../guide.ts";

/** Its options. */
export const OPTIONS = {
	exec: {
		about:
			"Run PROGRAM for each connection, which is its standard input and output. It finds SOCKETRY_ADDRESS and SOCKETRY_PEER in its environment, over TCP REMOTE_ADDR and REMOTE_PORT, and over Unix sockets without TLS SOCKETRY_PEER_PID, SOCKETRY_PEER_UID and SOCKETRY_PEER_GID.",
		heading: "What to do with connections; without any of these they are talked to here:",
		text: "run PROGRAM with the connection as its input and output",
	},
	echo: {
		about:
			"Send everything back (RFC 862). An echo of datagrams is guarded: it cannot be made to flood others, nor to talk with another echo for ever.",
		text: "send everything back; take everything",
		with: ["discard"],
	},
	discard: { about: "Take everything and answer nothing." },
	chargen: { about: "Send text without end (RFC 864).", text: "send text without end" },
	once: {
		about: "End after one connection. This is the default where connections are talked to here.",
		heading: "Options:",
		text: "end after one connection, or go on; --keep is the default where connections are served side by side",
		with: ["keep"],
	},
	keep: { about: "Go on after the first connection." },
	max: {
		about: "Serve at most N connections at once, 1000 by default; others wait in the kernel.",
		value: "N",
		text: "serve at most N at once, 1000 by default; others wait",
	},
	mode: {
		about:
			"Permissions of the socket file, three octal digits such as 660. There is no moment in which others get in.",
		value: "MODE",
		text: "permissions of the socket file, such as 660",
		completes: ["600", "660", "666"],
	},
	allow: {
		about:
			"Of Unix sockets: serve connections of these users only, whose names or numbers the kernel tells; group=C likewise. May be repeated: whoever one of them lets in is let in. Names that begin with @ are for the own user and root without it.",
		value: "user=A,B",
		multiple: true,
		text: "of Unix sockets: who may connect; also group=C",
		completes: "access",
	},
	timeout: { value: "TIME", text: "leave with 124 after 5s, 500ms, 2m", like: "connect" },
	crlf: {
		text: "as of connect; answers to datagrams go to who spoke last",
		with: ["hex", "json", "message", "count", "idle"],
		like: "connect",
	},
	hex: { like: "connect" },
	json: { like: "connect" },
	message: { value: "HOW", like: "connect" },
	count: { value: "N", like: "connect" },
	idle: { value: "TIME", like: "connect" },
	"tls-cert": {
		value: "FILE",
		text: "with TLS: the certificate; the key is here or in --tls-key FILE. With --tls-ca FILE clients have to show one, too",
		about:
			"Connections begin with a handshake of TLS. FILE has the certificate in PEM, with those that lead to the authority, and the private key if there is no --tls-key.",
		completes: "file",
	},
	"tls-key": {
		value: "FILE",
		about: "With --tls-cert: the private key, in PEM, where it is not in the same file.",
		completes: "file",
	},
	"tls-ca": {
		value: "FILE",
		about:
			"With --tls-cert: clients must show a certificate that one of the authorities in this file has signed.",
		completes: "file",
	},
	"proxy-protocol-in": {
		value: "LIST",
		text: "as of relay",
		with: ["takeover", "notify"],
		like: "relay",
	},
	takeover: {
		value: "PATH",
		about:
			"With --exec, --echo, --discard or --chargen: restart without loss. The process that runs with the same PATH, if there is one, hands over its listening socket and ends once its connections have ended. PATH is a socket of mode 0600 for this purpose alone.",
		completes: "file",
	},
	notify: { like: "relay" },
	quiet: {
		about: "Do not say on standard error where it listens.",
		text: "do not say where it listens",
	},
} as const;

/** The guide. */
export const GUIDE: Guide = {
	examples: [
		{ run: "socketry listen 8080", does: "one connection, here" },
		{ run: "socketry listen ./app.sock --mode 600 --keep" },
		{ run: "socketry listen :7000 --echo", does: "to everybody who connects" },
		{
			run: "socketry listen @name --exec -- ./handler",
			does: "a program for each connection",
		},
		{ run: "socketry listen udp://*:5140", does: "datagrams, a line each" },
	],
	usage: ["ADDRESS [OPTIONS] [--exec -- PROGRAM ARGUMENTS...]"],
	description: [
		"ADDRESS: 8080 (this machine only), :8080 (everywhere), HOST:80, /path, ./x.sock, @name, tcp:// udp:// unix: unix-dgram: unix-seqpacket: vsock:// fd:N systemd:NAME. A dead socket file is replaced, a live one never; ours is removed.",
	],
	words: "address-to-listen",
	wordsMax: 1,
	runsProgram: true,
	options: OPTIONS,
	details: [
		"Without a service, standard input and output are joined to one connection, or with --keep to one after another. With --exec, --echo, --discard or --chargen connections are served side by side.",
		"For datagrams, what comes is written out, and what is typed goes to who spoke last.",
	],
	lines: {
		listening: { when: "once it listens", fields: ["time", "address", "predecessorPid"] },
		successor: { when: "when another process has taken over", fields: ["time", "pid"] },
		connected: { when: "for each connection", fields: ["time", "peer"] },
		data: { when: "for each piece that arrives", fields: ["time", "text", "b64", "from"] },
		disconnected: { when: "when a connection is over", fields: ["time", "peer"] },
	},
	environment: [["LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES", "The sockets of systemd:NAME."]],
	files: [
		[
			".NAME.socketry-lock",
			"Beside the socket file NAME while that is made or removed: of several that start at once, one wins.",
		],
	],
	seeAlso: ["socketry-connect(1)", "socketry-relay(1)", "tcp(7)", "unix(7)", "udp(7)", "vsock(7)"],
	exits: [
		["0", "all delivered"],
		["1", "network error"],
		["2", "wrong usage"],
		["3", "address in use or no permission"],
		["4", "data was cut"],
		["124", "time is up"],
		["128 + n", "ended by signal n (130 Ctrl-C, 143 SIGTERM)"],
		["141", "nobody reads our output"],
	],
};
