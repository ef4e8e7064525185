/**
 * A server that answers a while after the end of the request: the reply has to arrive through every pair of programs, with and without our
 * relay between them.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { inFolder } from "../support/folder.ts";
import { freePort, lacking } from "../support/programs.ts";
import { PROGRAM, start, startOurs, type Talking } from "./talk.ts";

// Longer than the half second that socat waits by default.
const LATE_S = 0.6;
const SIDE_BY_SIDE = 4;
const REQUEST = "request";
const REPLY = "7 bytes\n";
// ncat 7.93 as a server leaves at the end of the request, and so loses its own late replies: it gets a line, and no end.
const LINE_SCRIPT = `read line; sleep ${LATE_S}; echo 7 bytes`;
const SCRIPT = `n=$(wc -c); sleep ${LATE_S}; echo $n bytes`;

/** Kinds that others know too. */
export type Kind = "tcp" | "unix" | "seqpacket";

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
		return ["socat", "-t", "10", "-", forms[kind]];
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
		return [["socat", "-d", "-d", "-t", "10", forms[kind], `SYSTEM:${SCRIPT}`], /listening/];
	},
	ncat: ({ kind, port, path }) => {
		if (kind === "seqpacket") return undefined;
		const at = kind === "tcp" ? ["127.0.0.1", port] : ["-U", path];
		return [["ncat", "-v", "-l", ...at, "--sh-exec", LINE_SCRIPT], /Listening on/i];
	},
};

async function placeIn(kind: Kind, folder: string, name: string): Promise<Place> {
	const port = String(await freePort());
	const path = `${folder}/${name}`;
	const addresses = {
		tcp: `tcp://127.0.0.1:${port}`,
		unix: `unix:${path}`,
		seqpacket: `unix-seqpacket:${path}`,
	};
	return { kind, address: addresses[kind], port, path };
}

async function check(kind: Kind, client: string, server: string, relays: number): Promise<boolean> {
	// With its input open, only ours leaves when the server does.
	if (server === "ncat" && client !== "socketry") return false;
	return await inFolder(async (folder) => {
		const at = await placeIn(kind, folder, "server");
		const serverCommand = SERVERS[server]?.(at);
		if (serverCommand === undefined) return false;
		const listening = start(serverCommand[0], "none");
		await listening.said(serverCommand[1]);
		const running: Talking[] = [listening];
		let to = at;
		for (let i = 0; i < relays; i++) {
			const next = await placeIn(kind, folder, `relay${i}`);
			const relay = startOurs(["relay", next.address, to.address, "--once"]);
			await relay.said(/listening/);
			running.push(relay);
			to = next;
		}
		const clientCommand = CLIENTS[client]?.(to);
		if (clientCommand === undefined) {
			for (const each of running) each.process.kill("SIGKILL");
			return false;
		}
		const talking = start(clientCommand, server === "ncat" ? "open" : REQUEST);
		if (server === "ncat") talking.process.stdin?.write(`${REQUEST}\n`);
		const told = await talking.ended;
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
			const told: boolean[] = [];
			for (let i = 0; i < pairs.length; i += SIDE_BY_SIDE) {
				const some = pairs.slice(i, i + SIDE_BY_SIDE);
				const checks = some.map(([client, server]) => check(kind, client, server, relays));
				told.push(...(await Promise.all(checks)));
			}
			t.diagnostic(`${told.filter((each) => each).length} pairs`);
		});
	}
}
