/** What an authoritative server says about its names: pure, from question to answer. */
import dnsPacket, { type Answer, type DecodedPacket, type Packet } from "dns-packet";

/** All records at and below one name. */
export interface Zone {
	/** Its highest name, in lower case. */
	readonly name: string;
	/** In any order; the names in lower case. Names below the zone's that have no record do not exist. */
	readonly records: readonly Answer[];
}

/** RCODE of RFC 1035 section 4.1.1. */
const RCODES = { noError: 0, formatError: 1, nameError: 3, notImplemented: 4, refused: 5 } as const;

const OPCODE_MASK = 0x7800;
const TTL_SECONDS = 60;

/** A zone to try things with: its name `text` has more to say than the 512 bytes of a UDP answer hold. */
export function exampleZone(name: string): Zone {
	const at = { ttl: TTL_SECONDS };
	const lines = Array.from({ length: 20 }, (_, i) => `line ${i}: ${"socketry ".repeat(6)}`);
	return {
		name,
		records: [
			{ ...at, type: "A", name, data: "192.0.2.1" },
			{ ...at, type: "A", name: `www.${name}`, data: "192.0.2.80" },
			{ ...at, type: "A", name: `www.${name}`, data: "192.0.2.81" },
			{ ...at, type: "AAAA", name: `www.${name}`, data: "2001:db8::80" },
			{ ...at, type: "TXT", name: `text.${name}`, data: lines },
		],
	};
}

/** Answers a query, whatever the size of that. The question must be the only one. */
export function answer(zone: Zone, query: DecodedPacket): Packet {
	const [question, ...others] = query.questions ?? [];
	if (((query.flags ?? 0) & OPCODE_MASK) !== 0) return reply(query, RCODES.notImplemented);
	if (question === undefined || others.length > 0) return reply(query, RCODES.formatError);
	const name = question.name.toLowerCase();
	if (name !== zone.name && !name.endsWith(`.${zone.name}`)) return reply(query, RCODES.refused);
	const own = [...zone.records, authority(zone)].filter((record) => record.name === name);
	const answers = own
		.filter(({ type }) => type === question.type)
		.map((record) => ({ ...record, name: question.name }));
	if (answers.length > 0) return { ...reply(query, RCODES.noError), answers };
	// RFC 2308: who may remember for how long that there is nothing.
	const authorities = [authority(zone)];
	return {
		...reply(query, own.length > 0 ? RCODES.noError : RCODES.nameError),
		authorities,
	};
}

/** An answer without its content, which tells the client to ask again by TCP. */
export function truncate(full: Packet): Packet {
	const { id, flags = 0, questions } = full;
	return { type: "response", id, flags: flags | dnsPacket.TRUNCATED_RESPONSE, questions };
}

/** Bytes of UDP payload that the client takes: what it says by EDNS (RFC 6891), but no more than passes every network. */
export function payloadLimit(query: DecodedPacket): number {
	const option = query.additionals?.find((record) => record.type === "OPT");
	return Math.min(Math.max(option?.udpPayloadSize ?? 0, 512), 1_232);
}

function reply(query: DecodedPacket, rcode: number): Packet {
	const copied = (query.flags ?? 0) & (OPCODE_MASK | dnsPacket.RECURSION_DESIRED);
	const authoritative = rcode === RCODES.noError || rcode === RCODES.nameError;
	return {
		type: "response",
		id: query.id,
		flags: copied | (authoritative ? dnsPacket.AUTHORITATIVE_ANSWER : 0) | rcode,
		questions: query.questions ?? [],
	};
}

function authority({ name }: Zone): Answer {
	const data = { mname: name, rname: `admin.${name}`, serial: 1, minimum: TTL_SECONDS };
	return { type: "SOA", name, ttl: TTL_SECONDS, data };
}
