/**
 * A server that answers a while after the end of the request: the reply has to arrive through every pair of programs, with and without our
 * relay between them.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { inFolder } from "../support/folder.ts";
import { freePort, lacking } from "../support/programs.ts";
import { PROGRAM, start, type Talking } from "./talk.ts";

// Longer than the half second that socat waits by default.
const LATE_S = 1;
const REQUEST = "request";
const REPLY = "7 bytes\n";
// ncat 7.93 as a server leaves at the end of the request, and so loses its own late replies: it gets a line, and no end before its reply.
const LINE_SCRIPT = `read line; sleep ${LATE_S}; echo 7 bytes`;
const SCRIPT = `n=$(wc -c); sleep ${LATE_S}; echo $n bytes`;

/** Kinds that others know too. */
export type Kind = "tcp" | "unix" | "seqpacket";

/** Pairs of programs that know the kind: ncat and nc.openbsd have no seqpackets. */
const PAIRS: Readonly<Record<Kind, number>> = { tcp: 12, unix: 12, seqpacket: 4 };

interface Place {
	readonly kind: Kind;
	/** As ours write it. */
	readonly address: string;
	readonly port: string;
	readonly path: string;
}

/** Command lines of clients that hand on the end of their input. */
const CLIENTS: Readonly<Record<string, (to: Place) => string[] | undefined>> = {
	socketry: ({ address }) => [...PROGRAM, "connect", address],
	// Told to wait: by itself it leaves after half a second.
	socat: ({ kind, port, path }) => {
		const forms = {
			tcp: `TCP:127.0.0.1:${port}`,
			unix: `UNIX-CONNECT:${path}`,
			seqpacket: `UNIX-CONNECT:${path},type=5`,
		};
		return ["socat", "-t", "100", "-", forms[kind]];
	},
	ncat: ({ kind, port, path }) => {
		if (kind === "seqpacket") return undefined;
		return kind === "tcp" ? ["ncat", "127.0.0.1", port] : ["ncat", "-U", path];
	},
	"nc.openbsd": ({ kind, port, path }) => {
		if (kind === "seqpacket") return undefined;
		return ["nc.openbsd", "-N", ...(kind === "tcp" ? ["127.0.0.1", port] : ["-U", path])];
	},
};

/** Command lines of servers, and what they say when they listen. */
const SERVERS: Readonly<Record<string, (at: Place) => [string[], RegExp] | undefined>> = {
	socketry: ({ address }) => [
		[...PROGRAM, "listen", address, "--once", "--exec", "--", "sh", "-c", SCRIPT],
		/listening/,
	],
	socat: ({ kind, port, path }) => {
		// Its own half second for the reply has to be lengthened too.
		const forms = {
			tcp: `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr`,
			unix: `UNIX-LISTEN:${path}`,
			seqpacket: `UNIX-LISTEN:${path},type=5`,
		};
		return [["socat", "-d", "-d", "-t", "100", forms[kind], `SYSTEM:${SCRIPT}`], /listening/];
	},
	ncat: ({ kind, port, path }) => {
		if (kind === "seqpacket") return undefined;
		const at = kind === "tcp" ? ["127.0.0.1", port] : ["-U", path];
		return [["ncat", "-v", "-l", ...at, "--sh-exec", LINE_SCRIPT], /Listening on/i];
	},
};

const usedPorts = new Set<string>();

async function unusedPort(): Promise<string> {
	for (;;) {
		const port = String(await freePort());
		if (usedPorts.has(port)) continue;
		usedPorts.add(port);
		return port;
	}
}

async function placeIn(kind: Kind, folder: string, name: string): Promise<Place> {
	const port = await unusedPort();
	const path = `${folder}/${name}`;
	const addresses = {
		tcp: `tcp://127.0.0.1:${port}`,
		unix: `unix:${path}`,
		seqpacket: `unix-seqpacket:${path}`,
	};
	return { kind, address: addresses[kind], port, path };
}

// The server first, and what a client connects to last; undefined where one of the programs does not know the kind.
async function linksOf(
	kind: Kind,
	server: string,
	relays: number,
	folder: string,
): Promise<{ commands: readonly (readonly [string[], RegExp])[]; near: Place } | undefined> {
	let near = await placeIn(kind, folder, "server");
	const serverCommand = SERVERS[server]?.(near);
	if (serverCommand === undefined) return undefined;
	const commands = [serverCommand];
	for (let i = 0; i < relays; i++) {
		const from = await placeIn(kind, folder, `relay${i}`);
		commands.push([[...PROGRAM, "relay", from.address, near.address, "--once"], /listening/]);
		near = from;
	}
	return { commands, near };
}

async function startLink([command, listens]: readonly [string[], RegExp]): Promise<Talking> {
	const talking = start(command, "none");
	await talking.said(listens);
	return talking;
}

// A server that leaves at the end of the request gets the reply out first, and the client its end after that.
function ask(command: readonly string[], server: string): Talking {
	if (server !== "ncat") return start(command, REQUEST);
	const talking = start(command, "open");
	talking.process.stdin?.write(`${REQUEST}\n`);
	talking.process.stdout?.once("data", () => talking.process.stdin?.end());
	return talking;
}

async function check(kind: Kind, client: string, server: string, relays: number): Promise<boolean> {
	return await inFolder(async (folder) => {
		const links = await linksOf(kind, server, relays, folder);
		if (links === undefined) return false;
		const clientCommand = CLIENTS[client]?.(links.near);
		if (clientCommand === undefined) return false;
		const running = await Promise.all(links.commands.map(startLink));
		const told = await ask(clientCommand, server).ended;
		const what = `${client} to ${server} by ${kind} over ${relays} relays`;
		assert.equal(told.stdout.toString(), REPLY, `${what}: ${told.stderr}`);
		assert.equal(told.code, 0, `${what}: ${told.stderr}`);
		for (const each of running) {
			const { code, stderr } = await each.ended;
			assert.equal(code, 0, `${what}: ${stderr}`);
		}
		return true;
	});
}

const skip = lacking("socat", "ncat", "nc.openbsd");

/** Tests every pair of programs over one kind of socket. */
export function testHalfClose(kind: Kind): void {
	for (const relays of [0, 1, 2]) {
		const between = ["directly", "through our relay", "through two of our relays"][relays];
		test(`late replies arrive by ${kind} ${between}`, { skip }, async (t: TestContext) => {
			const pairs = Object.keys(CLIENTS).flatMap((client) =>
				Object.keys(SERVERS).map((server) => [client, server] as const),
			);
			const checks = pairs.map(([client, server]) => check(kind, client, server, relays));
			const told = await Promise.all(checks);
			const count = told.filter((each) => each).length;
			t.diagnostic(`${count} pairs`);
			assert.equal(count, PAIRS[kind]);
		});
	}
}
