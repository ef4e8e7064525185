/** The commands of the program, each loaded on use. */
import type { Catalog } from "./command.ts";

/** Every command there is. */
export const CATALOG: Catalog = {
	connect: {
		summary: "talk to any kind of socket over standard input and output",
		load: async () => (await import("./connect/command.ts")).connect,
	},
	listen: {
		summary: "wait for connections or datagrams, and talk, run a program, echo",
		load: async () => (await import("./listen/command.ts")).listen,
	},
	relay: {
		summary: "join addresses: streams to streams, messages to messages",
		load: async () => (await import("./relay/command.ts")).relay,
	},
	wait: {
		summary: "wait until servers can be reached, for scripts that start things",
		load: async () => (await import("./wait/command.ts")).wait,
	},
	ping: {
		summary: "how long connecting takes, or a round trip to an echo server",
		load: async () => (await import("./ping/command.ts")).ping,
	},
	notify: {
		summary: "tell systemd how a service is: ready, its status, a sign of life",
		load: async () => (await import("./notify/command.ts")).notify,
	},
	explain: {
		summary: "what an address means, and what is there",
		load: async () => (await import("./explain/command.ts")).explain,
	},
	ls: {
		summary: "all sockets here: state, who has them, who is at the other end",
		load: async () => (await import("./ls/command.ts")).ls,
	},
	fault: {
		summary: "a relay with latency, loss, cuts and resets, repeatable by a seed",
		load: async () => (await import("./fault/command.ts")).fault,
	},
	compare: {
		summary: "TCP, UDP or Unix socket: measured here, with advice",
		load: async () => (await import("./compare/command.ts")).compare,
	},
	completion: {
		summary: "a script by which bash, zsh or fish complete all this",
		load: async () => (await import("./completion/command.ts")).completion,
	},
};
