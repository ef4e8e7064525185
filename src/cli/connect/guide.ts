/** What `socketry connect` says about itself. */
import type { Guide } from "../guide.ts";

/** Its options. */
export const OPTIONS = {
	timeout: { value: "TIME", text: "leave with 124 after 5s, 500ms, 2m" },
	crlf: { text: "line feeds are sent as CRLF" },
	hex: { text: "show what comes in hexadecimal" },
	json: { text: "show what comes as JSON Lines" },
	keep: { text: "send on after the peer has ended" },
	message: {
		value: "HOW",
		text: "of message kinds: lines (the default), length (32 bits in network byte order), netstring, whole (one message)",
		completes: ["lines", "length", "netstring", "whole"],
	},
	count: { value: "N", text: "of message kinds: leave after N messages" },
	idle: {
		value: "TIME",
		text: "of datagrams: leave when standard input has ended and nothing came for this long; 2s by default",
	},
	proxy: { value: "URL", text: "through socks5://HOST:PORT or http://HOST:PORT" },
	tls: {
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
		value: "UID",
		text: "only if this user, by number or name, owns the socket",
		completes: "user",
	},
	"send-fd": {
		value: "N",
		multiple: true,
		text: "pass descriptor N with the first byte or message",
	},
	"pass-fd": {
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
		{ run: "dig-like | socketry connect udp://9.9.9.9:53 --message whole --count 1 --hex" },
		{ run: "socketry connect 8080 -- ./client --fast", does: "a program in our place" },
	],
	usage: ["ADDRESS [OPTIONS] [-- PROGRAM ARGUMENTS...]"],
	description: [
		"ADDRESS: 8080, HOST:80, /path, ./x.sock, @name, tcp:// udp:// unix: unix-dgram: unix-seqpacket: vsock:// fd:N systemd:NAME. The end of standard input is handed on as the end of sending, and what comes is read to its end.",
	],
	words: "address-to-connect",
	runsProgram: true,
	options: OPTIONS,
	exits: [
		["0", "all delivered"],
		["1", "network error"],
		["2", "wrong usage"],
		["3", "no permission"],
		["4", "data was cut"],
		["124", "time is up"],
		["126/127", "PROGRAM cannot run/is not there"],
	],
};
