/** What `socketry fault` says about itself. */
import type { Guide } from "../guide.ts";

/** Its options. */
export const OPTIONS = {
	latency: {
		heading: "Options, both ways:",
		value: "TIME",
		text: "everything arrives later: 200ms, 2s",
	},
	jitter: { value: "TIME", text: "so much more or less" },
	bandwidth: { value: "RATE", text: "of streams: 1000 bytes a second" },
	loss: { value: "SHARE", text: "of datagrams, 0..1: is lost" },
	duplicate: { value: "SHARE", text: "arrives twice" },
	reorder: { value: "SHARE", text: "is overtaken by others" },
	corrupt: { value: "SHARE", text: "has a bit turned" },
	toxic: {
		heading: "Any fault, one way; may be repeated:",
		value: "TYPE[@upstream][:NAME=VALUE,...]",
		multiple: true,
		text: "of streams: latency bandwidth slicer slow_close timeout limit_data reset_peer half_open; without @upstream it is for what the server sends. docs/fault.md has the values",
		completes: [
			"latency",
			"bandwidth",
			"slicer",
			"slow_close",
			"timeout",
			"limit_data",
			"reset_peer",
			"half_open",
		],
	},
	seed: {
		heading: "Others:",
		value: "N",
		text: "0..4294967295; what it was is told at the start",
	},
	control: {
		value: "ADDRESS",
		text: "change it while it runs, by the HTTP interface and the client libraries of Toxiproxy: 8474 is their port",
		completes: "address-to-listen",
	},
	json: { text: "tell of the start and each connection as JSON Lines" },
} as const;

/** The guide. */
export const GUIDE: Guide = {
	examples: [
		{ run: "socketry fault 8080 localhost:80 --latency 200ms --jitter 50ms" },
		{ run: "socketry fault ./slow.sock ./app.sock --toxic bandwidth:rate=64" },
		{ run: "socketry fault 5433 localhost:5432 --toxic reset_peer@upstream:bytes=4096" },
		{ run: "socketry fault udp://127.0.0.1:5300 udp://9.9.9.9:53 --loss 0.2 --seed 7" },
	],
	usage: ["FROM TO [OPTIONS]"],
	description: [
		"Listens at FROM, hands on to TO, and does on the way what networks do. Streams of any kind (8080, HOST:80, /path, @name, tcp:// unix: vsock://), or datagrams (udp:// unix-dgram:). Ends with Ctrl-C. The same seed gives the same faults.",
	],
	words: "route",
	options: OPTIONS,
	exits: [
		["0", "done"],
		["1", "network error"],
		["2", "wrong usage"],
		["3", "address in use or no permission"],
		["128 + n", "ended by signal n"],
	],
};
