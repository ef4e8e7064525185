/** The commands of the program, each loaded on use. */
import type { Command } from "./command.ts";

interface Entry {
	/** One line of `socketry --help`. */
	readonly summary: string;
	readonly load: () => Promise<Command>;
}

/** Every command by its name, in the order of the help. */
export const CATALOG: Readonly<Record<string, Entry>> = {
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
};

/** The text of `socketry --help`. */
export function generalHelp(): string {
	const rows = Object.entries(CATALOG).map(([name, { summary }]) => {
		return `  ${name.padEnd(10)}${summary}`;
	});
	return `Examples:
  echo hi | socketry connect :8080    talk to a server and read its answer
  socketry relay 8080 ./app.sock      a port for a Unix socket
  socketry ls 8080                    who listens there, and who is connected
  socketry compare --quick            which kind of socket to use, in 10 s
  socketry compare --html page.html   the same, thoroughly, as a page with plots
  socketry compare --help             what a command can do

Usage: socketry COMMAND [OPTIONS]

Commands:
${rows.join("\n")}

Options:
  -h, --help      this text, or a command's
  -V, --version   the version

Exit codes: 0 done, 1 network error, 2 wrong usage, 3 address in use or no
permission, 4 data was cut, 124 time is up, 128 + n ended by signal n.
Colours follow NO_COLOR and FORCE_COLOR.
`;
}
