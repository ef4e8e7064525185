/** What `socketry connect` says about itself. */
import type { Guide } from "../guide.ts";

/** Its options. */
export const OPTIONS = {
	timeout: {
		about:
			"Leave with exit code 124 when it is not over after this time: seconds, or a number with ms, s, m or h.",
		value: "TIME",
		text: "leave with 124 after 5s, 500ms, 2m",
	},
	crlf: {
		about: "Send CRLF for each line feed, and end messages by it.",
		text: "line feeds are sent as CRLF",
	},
	hex: {
		about: "Show what comes in hexadecimal and as text, 16 bytes a line.",
		text: "show what comes in hexadecimal",
	},
	json: {
		about: "Write what comes as JSON Lines: one object for each piece that arrives.",
		text: "show what comes as JSON Lines",
	},
	keep: {
		about:
			"When the peer has ended, send on what standard input still says, however long that takes. Without it, sending ends once standard input has been silent for 50 ms.",
		text: "send on after the peer has ended",
	},
	message: {
		about:
			"Where messages begin and end on standard input and output, for kinds with messages. lines, the default: each line is a message. length: each has its length before it, 32 bits in network byte order. netstring: each as 5:hello, with a comma behind it. whole: all of standard input is one message, and what comes is written as it is.",
		value: "HOW",
		text: "of message kinds: lines (the default), length (32 bits in network byte order), netstring, whole (one message)",
		completes: ["lines", "length", "netstring", "whole"],
	},
	count: {
		about: "Leave after N messages have come.",
		value: "N",
		text: "of message kinds: leave after N messages",
	},
	idle: {
		about:
			"Of datagrams, which have no end: leave when standard input has ended and nothing came for this long, 2 s by default.",
		value: "TIME",
		text: "of datagrams: leave when standard input has ended and nothing came for this long; 2s by default",
	},
	proxy: {
		about:
			"Connect through a SOCKS5 proxy (socks5://HOST:PORT) or by the CONNECT of an HTTP proxy (http://HOST:PORT).",
		value: "URL",
		text: "through socks5://HOST:PORT or http://HOST:PORT",
	},
	tls: {
		about:
			"Speak TLS, and verify the server by the authorities that Node knows and by HOST of ADDRESS.",
		text: "with TLS; --tls-name NAME for another name than HOST, --tls-ca FILE for authorities of your own",
	},
	"tls-name": {
		value: "NAME",
		about:
			"With --tls: the name that the certificate of the server must have, where it is not HOST of ADDRESS.",
	},
	"tls-ca": {
		value: "FILE",
		about:
			"With --tls: a file of the certificates, in PEM, of the authorities to trust in place of those of Node.",
		completes: "file",
	},
	"tls-cert": {
		value: "FILE",
		text: "with --tls: show this certificate; its key is here or in --tls-key FILE",
		completes: "file",
	},
	"tls-key": {
		value: "FILE",
		about: "With --tls-cert: the private key, in PEM, where it is not in the same file.",
		completes: "file",
	},
	"as-owner": {
		about:
			"Go on only if the process that listens on the Unix socket belongs to this user, by number or name, which the kernel tells.",
		value: "USER",
		text: "only if this user, by number or name, owns the socket",
		completes: "user",
	},
	"send-fd": {
		about:
			"Pass the open descriptor N to the other process with the first byte or message, over a Unix socket. May be repeated.",
		value: "N",
		multiple: true,
		text: "pass descriptor N with the first byte or message",
	},
	"pass-fd": {
		about:
			"Connect, pass the connected socket on through standard output, which must be a Unix socket, and leave. This is what ProxyCommand with ProxyUseFdpass of OpenSSH expects.",
		text: "connect, pass the socket on through standard output and leave: for ProxyCommand with ProxyUseFdpass of OpenSSH",
	},
} as const;

/** The guide. */
export const GUIDE: Guide = {
	examples: [
		{
			run: "echo hello | socketry connect localhost:8080",
			does: "send, then read the answer",
		},
		{ run: "socketry connect ./app.sock", does: "talk to a Unix socket" },
		{ run: "socketry connect unix-seqpacket:/run/x.sock", does: "one line is one message" },
		{ run: "cat query | socketry connect udp://9.9.9.9:53 --message whole --count 1 --hex" },
		{ run: "socketry connect 8080 -- ./client --fast", does: "a program in our place" },
	],
	usage: ["ADDRESS [OPTIONS] [-- PROGRAM ARGUMENTS...]"],
	description: [
		"ADDRESS: 8080, HOST:80, /path, ./x.sock, @name, tcp:// udp:// unix: unix-dgram: unix-seqpacket: vsock:// tcp+srv:// fd:N systemd:NAME. The end of standard input is handed on as the end of sending, and what comes is read to its end.",
	],
	words: "address-to-connect",
	wordsMax: 1,
	runsProgram: true,
	options: OPTIONS,
	details: [
		"Sending ends with standard input, by shutdown(2), and reading goes on to the end of the peer, however long that takes: the reply of a server that answers after the end of its request is never lost. When the peer ends and standard input is a terminal, it is over at once.",
		"On a terminal, control characters that come are shown as \\x1b and the like; everywhere else standard output is an exact copy.",
		"With PROGRAM, that program gets the connection as its standard input and output in our place.",
	],
	lines: {
		data: {
			when: "for each piece that arrives",
			fields: ["time", "text", "b64", "from"],
		},
	},
	environment: [
		["NODE_EXTRA_CA_CERTS", "A file of further authorities for --tls."],
		["LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES", "The sockets of systemd:NAME."],
	],
	seeAlso: ["socketry-listen(1)", "socketry-wait(1)", "tcp(7)", "unix(7)", "udp(7)", "vsock(7)"],
	exits: [
		["0", "all delivered"],
		["1", "network error"],
		["2", "wrong usage"],
		["3", "no permission"],
		["4", "data was cut"],
		["124", "time is up"],
		["126/127", "PROGRAM cannot run/is not there"],
		["128 + n", "ended by signal n (130 Ctrl-C, 143 SIGTERM)"],
		["141", "nobody reads our output"],
	],
};
