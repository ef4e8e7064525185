/** Questions to name servers, by the client that Node has. */
import type { promises } from "node:dns";

/**
 * A client of its own, so that its questions can be cancelled without touching those of others.
 *
 * @param servers undefined for the system's, or those that `dns.setServers` has set
 * @throws what Node throws: a server is none
 */
export function nameServerClient(servers?: readonly string[]): promises.Resolver {
	// Not imported: loading node:dns costs more than a millisecond, which only names need to pay.
	const dns = process.getBuiltinModule("node:dns");
	const client = new dns.promises.Resolver();
	const wanted = servers ?? dns.getServers();
	// What getServers tells has lost the zones of link-local servers.
	if (`${client.getServers()}` !== `${wanted}`) client.setServers(wanted);
	return client;
}
