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
	details: [
		"socketry talks to every kind of socket, waits for others, joins them, lists them, and disturbs them on purpose. It is part of the library of the same name: whatever its commands do, programs can do too.",
		"Messages and progress go to standard error, results to standard output. The first Ctrl-C, SIGTERM or SIGHUP ends a command in good order: it stops listening, gives what is under way its time and removes its socket files. The second one ends it at once.",
	],
	topics: {
		Addresses: [
			["8080", "TCP on this machine: localhost to connect to, 127.0.0.1 to listen on."],
			[":8080, tcp://:8080, *:8080", "TCP everywhere to listen on, localhost to connect to."],
			["host:80, [::1]:80, tcp://host:80", "TCP; every address of a name is tried."],
			[
				"tcp+srv://_pg._tcp.example.org",
				"The servers of a service, as the SRV records of its domain tell them. Only to connect to.",
			],
			[
				"/run/x.sock, ./x.sock, unix:x.sock",
				"A Unix socket. A path needs a slash where nothing else says that it is one, and may have up to 4095 bytes. A dead socket file is replaced, a live one never, and what is no socket is never touched.",
			],
			["@name, unix:@name, abstract:name", "A name in the abstract namespace of Linux."],
			["udp://host:53, udp://*:53", "UDP."],
			["unix-dgram:/run/x, unix-seqpacket:/run/x", "Messages over Unix sockets."],
			["vsock://2:5000", "A virtual machine and its host: context identifier and port."],
			["fd:3, systemd:name", "A descriptor that was inherited, or passed by systemd."],
		],
		"Times and sizes": [
			["5, 5s, 300ms, 2m, 1h", "Seconds, or with the unit."],
			["64, 4k, 64KiB, 1M", "Bytes, or 1024 and 1024 times 1024 of them."],
		],
		"JSON Lines": [
			[
				"type, v",
				"With --json each line on standard output is an object with its type and the version of its form, 1; most have time, in UTC. New fields may come; what a field means does not change within a version. The page of each command lists them.",
			],
		],
	},
	environment: [
		["NO_COLOR", "No colours, if it is not empty."],
		["FORCE_COLOR", "Colours even where no terminal is; 0 forbids them."],
		["LC_ALL, LC_CTYPE, LANG", "Signs beyond ASCII are used where one of these says UTF-8."],
	],
	seeAlso: ["socat(1)", "ss(8)", "socket(7)", "tcp(7)", "udp(7)", "unix(7)", "vsock(7)"],
	options: {
		help: {
			short: "h",
			text: "this text, or a command's",
			about:
				"Print a short help that begins with examples, and leave; after a COMMAND that of the command.",
		},
		version: { short: "V", text: "the version", about: "Print the version, and leave." },
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
