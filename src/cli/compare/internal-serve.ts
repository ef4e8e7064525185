/** What the server process of a local comparison runs: one server for each kind, until its standard input ends. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatAddress, parseAddress } from "../../index.ts";
import { ByteLink } from "./byte-link.ts";
import { isKind, type Kind } from "./kinds.ts";
import { makePipe, PipeChannel } from "./pipe-channel.ts";
import { type Server, serve } from "./serve.ts";
import type { Announcement } from "./server-process.ts";
import { converse } from "./sessions.ts";

/**
 * Serves until whoever started this process closes its standard input, or dies.
 *
 * @param list names of kinds, separated by commas
 * @param announce told once when all are ready
 */
export async function serveForParent(
	list: string,
	announce: (text: string) => void,
): Promise<void> {
	// Ctrl-C goes to both processes: the parent is the one to end this.
	for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
		process.removeAllListeners(name);
		process.on(name, () => undefined);
	}
	const directory = mkdtempSync(join(tmpdir(), "socketry-compare-"));
	process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
	const servers: Pick<Server, "close">[] = [];
	const addresses: Record<string, string | [string, string]> = {};
	const unavailable: Partial<Record<Kind, string>> = {};
	for (const kind of list.split(",").filter(isKind)) {
		try {
			addresses[kind] =
				kind === "pipe"
					? servePipe(directory, servers)
					: await serveSocket(kind, directory, servers);
		} catch (error) {
			unavailable[kind] = (error as Error).message;
		}
	}
	announce(`${JSON.stringify({ directory, addresses, unavailable } satisfies Announcement)}\n`);
	process.stdin.resume();
	await once(process.stdin, "end");
	for (const server of servers) server.close();
}

async function serveSocket(
	kind: Exclude<Kind, "pipe">,
	directory: string,
	servers: Pick<Server, "close">[],
): Promise<string> {
	const isLocal = kind !== "tcp" && kind !== "udp";
	const place = isLocal ? `${kind}:${join(directory, `${kind}.sock`)}` : `${kind}://127.0.0.1:0`;
	const server = await serve(parseAddress(place));
	servers.push(server);
	return formatAddress(server.address);
}

// The client's input and output, in this order.
function servePipe(directory: string, servers: Pick<Server, "close">[]): [string, string] {
	const answers = join(directory, "answers.pipe");
	const requests = join(directory, "requests.pipe");
	makePipe(answers);
	makePipe(requests);
	const link = new ByteLink(new PipeChannel(requests, answers));
	servers.push({ close: () => link.abort() });
	converse(link).catch(() => link.abort());
	return [answers, requests];
}
