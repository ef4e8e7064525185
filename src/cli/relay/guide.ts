/** What `socketry relay` says about itself. */
import type { Guide } from "../guide.ts";

const FIGURES = [
	"time",
	"open",
	"done",
	"cut",
	"failed",
	"refused",
	"bytesToRight",
	"bytesToLeft",
	"droppedDatagrams",
] as const;

/** Its options. */
export const OPTIONS = {
	max: {
		value: "N",
		text: "at most N of each FROM at once, 1000 by default",
		about:
			"At most N connections or sessions of each FROM at once, 1000 by default. Further connections wait in the kernel; datagrams of further senders are dropped and counted.",
	},
	idle: {
		about:
			"End connections and sessions that have been silent for so long. Connections have no such limit by default, sessions of datagrams 60 s.",
		value: "TIME",
		text: "end what has been silent for so long. Connections have no such limit by default, sessions of datagrams 60s",
	},
	drain: {
		value: "TIME",
		text: "after Ctrl-C: time for what is under way, 5s by default",
		about:
			"Time for what is under way to end, after Ctrl-C or SIGTERM (5s by default) or after another process has taken over (no limit by default). What has not ended then is cut.",
	},
	"connect-timeout": {
		about: "Time to reach TO, 10 s by default, for each connection.",
		value: "T",
		text: "time to reach TO, 10s by default",
	},
	"proxy-protocol": {
		about:
			"Tell TO who calls by a header of the PROXY protocol before the first byte: v1 is text, v2 binary.",
		value: "V",
		text: "tell TO who calls by a header: v1 or v2",
		completes: ["v1", "v2"],
	},
	"proxy-protocol-in": {
		value: "LIST",
		text: "read such a header from 10.0.0.0/8,::1, unix or any",
		about:
			"Who calls from an address of LIST is a proxy of yours, and must begin with a header of the PROXY protocol, which tells the real client. LIST has addresses and networks with commas between them; unix is whoever may connect to a Unix socket, any is everybody. From all others no header is read: whoever may send one may call himself anybody.",
		isList: true,
		completes: ["any", "unix", "127.0.0.1", "10.0.0.0/8"],
	},
	proxy: {
		value: "URL",
		text: "reach TO through socks5://HOST:PORT or http://HOST:PORT",
		about:
			"Reach TO, which must be TCP, through a SOCKS5 proxy or an HTTP proxy with CONNECT: socks5://HOST:PORT or http://HOST:PORT, with USER:PASSWORD@ if it asks for them. The proxy resolves the name.",
	},
	takeover: {
		value: "PATH",
		text: "restart without loss: take over from the process at PATH, if there is one; --notify tells systemd who serves",
		about:
			"Restart without loss. The process that runs with the same PATH, if there is one, hands over its listening sockets and ends once what is under way there has ended; see --drain. PATH is a socket of mode 0600 for this purpose alone.",
		completes: "file",
	},
	notify: {
		about:
			"Tell the service manager, if there is one, once it listens (READY=1) and that this is the main process of the service from now on (MAINPID), and when it is asked to end (STOPPING=1). Its unit is of Type=notify; with --takeover it needs NotifyAccess=all too.",
	},
	"no-descriptors": {
		text: "between Unix sockets: pass no descriptors on, and splice",
		about:
			"Between Unix sockets: leave out descriptors that are passed along, and so keep bytes in the kernel there too.",
	},
	"tls-in": {
		about:
			"Listen with TLS. FILE has the certificate in PEM, with those that lead to the authority, and the private key if there is no --tls-key.",
		value: "FILE",
		text: "listen with TLS: the certificate; the key is here or in --tls-key FILE. With --tls-client-ca FILE clients have to show one, too",
		completes: "file",
	},
	"tls-key": {
		value: "FILE",
		about:
			"With --tls-in: the private key, in PEM, where it is not in the file of the certificate.",
		completes: "file",
	},
	"tls-client-ca": {
		value: "FILE",
		about:
			"With --tls-in: clients must show a certificate that one of the authorities in this file has signed.",
		completes: "file",
	},
	"tls-out": {
		about:
			"Connect to TO with TLS, and verify it by the authorities that Node knows and by HOST of TO.",
		text: "connect with TLS; --tls-name, --tls-ca as of connect",
	},
	"tls-name": {
		value: "NAME",
		about:
			"With --tls-out: the name that the certificate of the server must have, where it is not HOST of TO.",
	},
	"tls-ca": {
		value: "FILE",
		about:
			"With --tls-out: a file of the certificates, in PEM, of the authorities to trust in place of those of Node.",
		completes: "file",
	},
	mode: { value: "MODE", text: "as of listen", with: ["allow"], like: "listen" },
	allow: { value: "user=A,B", multiple: true, like: "listen", completes: "access" },
	once: { about: "End after one connection.", text: "end after one connection" },
	json: {
		about: "Write events as JSON Lines on standard output.",
		text: "events as JSON Lines on standard output",
	},
	quiet: {
		about: "Do not say on standard error where it listens, nor what failed.",
		text: "do not say where it listens, nor what failed",
	},
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
	details: [
		"Bytes are spliced in the kernel. Between two Unix sockets, and with TLS, they go through the process instead.",
		"The first Ctrl-C, or SIGTERM, stops listening, removes our socket files and gives what is under way its time. Sessions of datagrams, which have no end, end at once, when what had come for them has left. The second one leaves at once.",
		"Where TO is not reached it is told and counted, and the relay goes on. It makes the exit code 1 where the relay ends by itself: with --once, or when another process has taken over. Ended by a signal it has 128 + n, whatever was not reached, and 4 if data was cut. Who is refused, by --allow or for want of a handshake or header that is due, is counted apart and changes no exit code.",
	],
	lines: {
		listening: {
			when: "once it listens, for each FROM",
			fields: ["time", "address", "to", "predecessorPid"],
		},
		successor: {
			when: "when another process has taken over",
			fields: ["time", "pid", "open"],
		},
		message: { when: "when something went wrong", fields: ["time", "text"] },
		figures: {
			when: "on SIGUSR1",
			fields: FIGURES,
		},
		summary: {
			when: "in the end",
			fields: FIGURES,
		},
	},
	seeAlso: ["socketry-listen(1)", "socketry-fault(1)", "splice(2)", "tcp(7)", "unix(7)", "udp(7)"],
	exits: [
		["0", "all delivered"],
		["1", "TO not reached with --once"],
		["2", "wrong usage"],
		["3", "address in use or no permission"],
		["4", "data was cut"],
		["128 + n", "ended by signal n"],
	],
};
