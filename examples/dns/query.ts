/**
 * Asks a server for the records of a name, often if wanted, and prints them.
 *
 *     node examples/dns/query.ts 127.0.0.1:5300 www.example.test A
 *     node examples/dns/query.ts 127.0.0.1:5300 www.example.test A 1000
 */
import type { Answer, RecordType } from "dns-packet";
import { DnsClient, type DnsReply } from "./client.ts";

/** Questions under way at once: a server's receive buffer holds about so many. */
const UNDER_WAY = 200;

const [server = "127.0.0.1:53", name = "localhost", type = "A", times = "1"] =
	process.argv.slice(2);
const client = await DnsClient.open(server);
const start = performance.now();
try {
	const replies: DnsReply[] = [];
	let left = Number(times);
	const askers = Array.from({ length: UNDER_WAY }, async () => {
		while (left-- > 0) replies.push(await client.query(name, type as RecordType));
	});
	await Promise.all(askers);
	const elapsedMs = performance.now() - start;
	for (const { packet, by } of replies.slice(0, 1)) {
		console.log(`${rcodeOf(packet.flags ?? 0)} by ${by}, ${packet.answers?.length} records`);
		for (const record of packet.answers ?? []) console.log(format(record));
	}
	console.log(`${replies.length} answers in ${elapsedMs.toFixed(1)} ms`);
} finally {
	await client.close();
}

function rcodeOf(flags: number): string {
	const rcode = flags & 15;
	return ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"][rcode] ?? `${rcode}`;
}

function format(record: Answer): string {
	if (record.type === "OPT") return "OPT";
	return `${record.name} ${record.ttl} ${record.type} ${textOf(record.data)}`;
}

// Texts come in pieces; services and others have several fields.
function textOf(data: unknown): string {
	if (Array.isArray(data)) return data.map(String).join("");
	const hasFields = typeof data === "object" && data !== null && !Buffer.isBuffer(data);
	return hasFields ? Object.values(data).join(" ") : String(data);
}
