/** What `socketry explain` does. */
import { lstatSync } from "node:fs";
import { type Address, formatAddress, LIMITS, lookup } from "../../index.ts";
import { addressOfServer, findServices } from "../../open/services.ts";
import type { HostAddress } from "../../socket/address.ts";
import type { ServiceRecord } from "../../socket/resolve.ts";
import { mannerOf, readAddress } from "../address-argument.ts";
import type { Context } from "../command.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import { parseCommandLine } from "../options.ts";
import { OPTIONS } from "./guide.ts";

const MANNERS = {
	stream: "a stream of bytes in each direction, which ends by itself",
	packets: "a connection of messages, each whole and in order",
	datagrams: "datagrams: each whole or not at all, without connection or end",
};
const NAME_BYTES_MAX = 107;

/** Runs it. */
export async function run(args: readonly string[], { out, signal }: Context): Promise<number> {
	const { words, program } = parseCommandLine(args, OPTIONS);
	if (words.length === 0 || program !== undefined) {
		throw new UsageError("give the addresses to explain, such as 8080 or ./x.sock");
	}
	for (const word of words) out.write(await explain(word, signal));
	return EXIT.done;
}

async function explain(word: string, signal: AbortSignal): Promise<string> {
	const to = readAddress(word, "connect");
	const at = readAddress(word, "listen");
	const manner = mannerOf(to);
	const facts: [string, string][] = [
		["connect", formatAddress(to)],
		["listen", at.transport === "tcp+srv" ? "no: its servers do" : formatAddress(at)],
		["carries", manner === undefined ? "what the descriptor carries" : MANNERS[manner]],
		...(await factsOf(to, signal)),
	];
	if (to.transport === "udp") facts.push(["limit", "65,507 bytes a datagram, 65,527 over IPv6"]);
	else if (manner !== undefined && manner !== "stream") {
		facts.push(["limit", `${LIMITS.messageBytes} bytes a message, unless asked for more`]);
	}
	return `${word}\n${facts.map(([name, text]) => `  ${name.padEnd(10)}${text}\n`).join("")}`;
}

async function factsOf(address: Address, signal: AbortSignal): Promise<[string, string][]> {
	if ("host" in address) return [["resolves", await resolved(address, signal)]];
	if ("service" in address) return await factsOfService(address.service, signal);
	if ("path" in address) return factsOfPath(address.path);
	if (!("abstract" in address)) return [];
	return [["access", "the own user and root, unless --allow says otherwise; it has no file"]];
}

async function resolved(address: HostAddress, signal: AbortSignal): Promise<string> {
	if (address.host === "*") return "every address of this machine";
	try {
		const found = await lookup(address, { signal });
		return found.map(formatAddress).join(", ");
	} catch (error) {
		return `not: ${(error as Error).message}`;
	}
}

async function factsOfService(name: string, signal: AbortSignal): Promise<[string, string][]> {
	let servers: ServiceRecord[];
	try {
		servers = (await findServices(name, { signal })).flat();
	} catch (error) {
		return [["resolves", `not: ${(error as Error).message}`]];
	}
	const texts = servers.map(async (server): Promise<[string, string]> => {
		const { name: host, port, priority, weight } = server;
		const what = `${host}:${port}, priority ${priority}, weight ${weight}`;
		return ["server", `${what}: ${await resolved(addressOfServer(server), signal)}`];
	});
	return await Promise.all(texts);
}

function factsOfPath(path: string): [string, string][] {
	const bytes = Buffer.byteLength(path);
	const isLong = bytes > NAME_BYTES_MAX;
	const length = `${bytes} bytes; ${isLong ? "longer than a name can be (107), so reached by its directory" : "names have up to 107"}`;
	return [
		["there", whatIsAt(path)],
		["path", length],
	];
}

function whatIsAt(path: string): string {
	try {
		const stats = lstatSync(path);
		const mode = (stats.mode & 0o777).toString(8);
		if (stats.isSocket()) return `a socket file of user ${stats.uid}, mode ${mode}`;
		return "something that is no socket, which is never touched";
	} catch (error) {
		const { code } = error as { code?: string };
		return code === "ENOENT" ? "nothing: listening makes it" : `not to be seen: ${code}`;
	}
}
