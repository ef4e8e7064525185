/**
 * Serves the zone `example.test` until it is interrupted.
 *
 *     node examples/dns/serve.ts 127.0.0.1 5300
 *     dig @127.0.0.1 -p 5300 www.example.test AAAA
 *     dig @127.0.0.1 -p 5300 text.example.test TXT
 */
import { serveDns } from "./server.ts";
import { exampleZone } from "./zone.ts";

const [host = "127.0.0.1", port = "0"] = process.argv.slice(2);
const server = await serveDns(exampleZone("example.test"), host, Number(port));
process.once("SIGINT", () => void stop());
process.once("SIGTERM", () => void stop());
console.log(`serving example.test on ${server.host} port ${server.port}, UDP and TCP`);

async function stop(): Promise<void> {
	await server.close();
	const { loopCount, amplifiedCount } = server.guard;
	console.log(`ignored ${loopCount} datagrams of servers, cut ${amplifiedCount} replies short`);
}
