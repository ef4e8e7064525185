/** What `socketry fault` says about itself. */
import type { Guide } from "../guide.ts";

/** Its options. */
export const OPTIONS = {
	latency: {
		about: "Everything, the end too, arrives later by this time, never out of order.",
		heading: "Options, both ways:",
		value: "TIME",
		text: "everything arrives later: 200ms, 2s",
	},
	jitter: {
		about: "The latency of each chunk or message is so much more or less, at random.",
		value: "TIME",
		text: "so much more or less",
	},
	bandwidth: {
		about: "So many times 1000 bytes pass in a second, and no more.",
		value: "RATE",
		text: "so much and no more: 1000 bytes a second",
	},
	loss: {
		about: "Of datagrams and messages: this share of them, 0 to 1, is lost.",
		value: "SHARE",
		text: "of messages and datagrams, 0..1: is lost",
	},
	duplicate: {
		about: "Of datagrams and messages: this share of them arrives twice.",
		value: "SHARE",
		text: "arrives twice",
	},
	reorder: {
		about: "Of datagrams and messages: this share of them waits, and those after it overtake it.",
		value: "SHARE",
		text: "is overtaken by others",
	},
	corrupt: {
		about: "Of datagrams and messages: this share of them has one bit turned.",
		value: "SHARE",
		text: "has a bit turned",
	},
	toxic: {
		about:
			"Any one fault, in one direction; may be repeated. With their values: latency (latency, jitter: ms) and bandwidth (rate); of streams slicer (average_size, size_variation: bytes; delay: microseconds); of connections slow_close (delay: ms), timeout (timeout: ms), limit_data (bytes), reset_peer and half_open (bytes; timeout: ms); of messages and datagrams loss, duplicate, reorder (delay: ms), corrupt (probability). With @upstream it is for what the client sends, without it for what the server sends.",
		heading: "Any fault, one way; may be repeated:",
		value: "TYPE[@upstream][:NAME=VALUE,...]",
		multiple: true,
		text: "those above, of connections slow_close timeout limit_data reset_peer half_open, of streams slicer; without @upstream it is for what the server sends. docs/fault.md has the values",
		completes: [
			"latency",
			"bandwidth",
			"slicer",
			"slow_close",
			"timeout",
			"limit_data",
			"reset_peer",
			"half_open",
			"loss",
			"duplicate",
			"reorder",
			"corrupt",
		],
	},
	seed: {
		about:
			"A number from 0 to 4294967295. The same seed gives the same faults again; without one it is drawn, and told at the start.",
		heading: "Others:",
		value: "N",
		text: "0..4294967295; what it was is told at the start",
	},
	control: {
		about:
			"Serve the HTTP interface of Toxiproxy at this address, so that its client libraries can change the faults while they work, and make further relays of any kind. Without FROM and TO all of them come this way. Whoever reaches it can make this process listen and connect anywhere: leave it on this machine.",
		value: "ADDRESS",
		text: "change it while it runs, and make others, by the HTTP interface and the client libraries of Toxiproxy: 8474 is their port",
		completes: "address-to-listen",
	},
	mode: { value: "MODE", text: "of FROM, as of listen", with: ["allow"], like: "listen" },
	allow: { value: "user=A,B", multiple: true, like: "listen", completes: "access" },
	json: {
		about:
			"Tell of the start, of each fault that hits a message or ends a connection, and of each connection that has ended, as JSON Lines on standard output.",
		text: "tell of all that happens as JSON Lines",
	},
} as const;

/** The guide. */
export const GUIDE: Guide = {
	examples: [
		{ run: "socketry fault 8080 localhost:80 --latency 200ms --jitter 50ms" },
		{ run: "socketry fault ./slow.sock ./app.sock --toxic bandwidth:rate=64" },
		{ run: "socketry fault 5433 localhost:5432 --toxic reset_peer@upstream:bytes=4096" },
		{ run: "socketry fault udp://127.0.0.1:5300 udp://9.9.9.9:53 --loss 0.2 --seed 7" },
	],
	usage: ["FROM TO [OPTIONS]", "--control ADDRESS [OPTIONS]"],
	description: [
		"Listens at FROM, hands on to TO, and does on the way what networks do. Streams (8080, HOST:80, /path, @name, tcp:// unix: vsock://), messages of connections (unix-seqpacket:), or datagrams (udp:// unix-dgram:). Ends with Ctrl-C. The same seed gives the same faults.",
	],
	words: "from-to",
	options: OPTIONS,
	lines: {
		start: {
			when: "once it listens",
			fields: ["time", "from", "to", "seed", "toxics", "control"],
		},
		fault: {
			when: "when a fault hits a message or ends a connection",
			fields: ["time", "proxy", "connection", "direction", "toxic", "at"],
		},
		connection: {
			when: "when a connection is over, or a peer of datagrams forgotten",
			fields: ["time", "proxy", "connection", "upstream", "downstream", "fault"],
		},
		unreachable: {
			when: "when TO could not be reached",
			fields: ["time", "proxy", "connection", "error"],
		},
	},
	seeAlso: ["socketry-relay(1)", "tc-netem(8)"],
	exits: [
		["0", "done"],
		["1", "network error"],
		["2", "wrong usage"],
		["3", "address in use or no permission"],
		["128 + n", "ended by signal n"],
	],
};
