/** What the web servers of this folder have in common: the addresses of the command line, and a quiet end. */
import type { Server } from "node:http";
import { formatAddress, listen } from "socketry";
import { attachHttp } from "socketry/node";

/** Has a server serve at addresses, by default at one of this host, and stop when it is told to: requests that run are answered first. */
export async function serveAt(server: Server, addresses: readonly string[]): Promise<void> {
	process.once("SIGTERM", () => server.close());
	process.once("SIGINT", () => server.close());
	for (const address of addresses.length > 0 ? addresses : ["tcp://127.0.0.1:8080"]) {
		// A proxy of another user needs the `mode` or the `group` of a socket file, too.
		const listener = await listen(address as `tcp:${string}`, { onStale: "replace-dead" });
		attachHttp(server, listener);
		console.log(`serving ${formatAddress(listener.address)}`);
	}
}
