/**
 * Finds the IPv4 addresses of a name in the local network.
 *
 *     node examples/mdns/query.ts eth0 printer.local
 */
import { addresses, ask, openMdns } from "./mdns.ts";

/** Everybody gets this long for an answer, and the question is asked so often. */
const PATIENCE_MS = 1_000;
const ATTEMPTS = 3;

const [networkInterface = "lo", name = "localhost.local"] = process.argv.slice(2);
const socket = await openMdns(networkInterface);
const found = new Set<string>();
for (let attempt = 0; attempt < ATTEMPTS && found.size === 0; attempt++) {
	await ask(socket, name);
	const signal = AbortSignal.timeout(PATIENCE_MS);
	while (found.size === 0) {
		const arrived = await socket.receive({ signal }).catch(() => undefined);
		if (arrived === undefined) break;
		for (const address of addresses(arrived.data, name)) found.add(address);
	}
}
await socket.close();
console.log(found.size > 0 ? [...found].join("\n") : `nobody knows ${name}`);
process.exitCode = found.size > 0 ? 0 : 1;
