/** A client and a server with one relay between them, or several: of any kind, each a process of its own. */
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import {
	type Address,
	connect,
	formatAddress,
	type Listener,
	listen,
	type PacketStream,
	type Stream,
} from "socketry";
import { readProxyHeader } from "socketry/proxy";
import { type TlsStream, tlsConnect, tlsListen } from "socketry/tls";
import { Authority } from "../support/certificates.ts";
import { inFolder } from "../support/folder.ts";
import { startOurs, type Talking } from "./talk.ts";

/** What a client and a server have in their hands. */
export type Connection = Stream | PacketStream | TlsStream;

/** Kinds of address along the way, from the client to the server, and options of the relays between them. */
export interface ChainKind {
	readonly places: readonly ("tcp" | "unix" | "unix-seqpacket")[];
	/** Of each relay; files of certificates are FOLDER/ca and FOLDER/pem. */
	readonly args?: readonly (readonly string[])[];
}

/** A chain under way. */
export interface Chain {
	/** From the client to the server. */
	readonly relays: readonly Talking[];
	/** Where the server is; it listens until `accept`. */
	readonly to: Address;
	/** Where the client connects to. */
	readonly near: string;
	connect(): Promise<Connection>;
	accept(): Promise<Connection>;
}

/** One relay of every kind, two in a row, and what relays can do besides. */
export const KINDS: readonly ChainKind[] = [
	{ places: ["tcp", "tcp"] },
	{ places: ["tcp", "unix"] },
	{ places: ["unix", "tcp"] },
	{ places: ["unix", "unix"] },
	{ places: ["unix", "unix"], args: [["--no-descriptors"]] },
	{ places: ["unix-seqpacket", "unix-seqpacket"] },
	{ places: ["unix-seqpacket", "unix-seqpacket"], args: [["--no-descriptors"]] },
	{ places: ["tcp", "tcp", "tcp"] },
	{ places: ["unix", "tcp", "unix"] },
	{ places: ["unix-seqpacket", "unix-seqpacket", "unix-seqpacket"] },
	{ places: ["tcp", "tcp"], args: [["--proxy-protocol", "v1"]] },
	{ places: ["unix", "tcp"], args: [["--proxy-protocol", "v2"]] },
	{ places: ["tcp", "unix"], args: [["--tls-in", "FOLDER/pem"]] },
	{ places: ["unix", "tcp"], args: [["--tls-out", "--tls-ca", "FOLDER/ca"]] },
	{
		places: ["tcp", "tcp", "tcp"],
		args: [
			["--tls-out", "--tls-ca", "FOLDER/ca"],
			["--tls-in", "FOLDER/pem"],
		],
	},
];

const authority = new Authority();
const identity = authority.issue({ dns: ["localhost"], ips: ["127.0.0.1"] });

/** For the name of a test. */
export function nameOf({ places, args = [] }: ChainKind): string {
	return [places.join(" to "), ...args.flat()].join(" ").replaceAll("FOLDER/", "");
}

/** Runs `body` with a chain whose relays serve one connection; they must have ended when it returns, and must have left no file. */
export async function withChain(
	kind: ChainKind,
	body: (chain: Chain) => Promise<void>,
): Promise<void> {
	await inFolder(async (folder) => {
		writeFileSync(`${folder}/ca`, authority.cert);
		writeFileSync(`${folder}/pem`, `${identity.cert}\n${identity.key}`);
		const far = await listenAtEnd(kind, folder);
		const to = far.address;
		const relays: Talking[] = [];
		try {
			let near = formatAddress(to);
			for (let i = kind.places.length - 2; i >= 0; i--) {
				const args = argsOf(kind, i).map((word) => word.replace("FOLDER", folder));
				const relay = startOurs(["relay", placeIn(kind, i, folder), near, ...args, "--once"]);
				relays.unshift(relay);
				[, near = ""] = await relay.said(/^listening on (.*), for /m);
			}
			const isTls = argsOf(kind, 0).includes("--tls-in");
			await body({
				relays,
				to,
				near,
				connect: () => connectTo(near, isTls),
				async accept() {
					const connection = await far.accept();
					far.close();
					const hasHeader = argsOf(kind, 0).includes("--proxy-protocol");
					if (hasHeader) await readProxyHeader(connection as Stream);
					return connection;
				},
			});
			for (const { process } of relays)
				assert.notEqual(process.exitCode ?? process.signalCode, null);
			// A relay that was killed could not remove its own.
			const killed = relays.filter(({ process }) => process.signalCode === "SIGKILL");
			const files = readdirSync(folder).filter((name) => !["ca", "pem"].includes(name));
			assert.ok(files.length <= killed.length, files.join());
		} finally {
			far.close();
			for (const { process } of relays) process.kill("SIGKILL");
		}
	});
}

function argsOf({ args = [] }: ChainKind, i: number): readonly string[] {
	return args[i] ?? [];
}

function placeIn({ places }: ChainKind, i: number, folder: string): string {
	return places[i] === "tcp" ? "tcp://127.0.0.1:0" : `${places[i]}:${folder}/${i}`;
}

async function listenAtEnd(
	kind: ChainKind,
	folder: string,
): Promise<{ readonly address: Address; accept(): Promise<Connection>; close(): void }> {
	const last = kind.places.length - 1;
	const place = placeIn(kind, last, folder);
	if (!argsOf(kind, last - 1).includes("--tls-out")) {
		return (await listen(place)) as Listener<Stream> | Listener<PacketStream>;
	}
	return await tlsListen(place as `tcp:${string}`, { tls: identity });
}

async function connectTo(near: string, isTls: boolean): Promise<Connection> {
	if (!isTls) return (await connect(near)) as Stream | PacketStream;
	return await tlsConnect(near as `tcp:${string}`, { tls: { ca: authority.cert } });
}
