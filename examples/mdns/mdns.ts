/** Multicast DNS, RFC 6762: names ending in .local, which everybody in the network is asked for at once. */
import dnsPacket, { type Answer, type DecodedPacket, type Packet } from "dns-packet";
import { type Datagrams, datagrams } from "socketry";

const GROUP = "224.0.0.251";
const PORT = 5_353;
/** What every sender uses, section 11. */
const HOP_LIMIT = 255;
/** Section 10: of records with a host name. */
const TTL_SECONDS = 120;

/**
 * Joins the group, as one of perhaps many programs of this machine.
 *
 * @param networkInterface name of the interface by which the group is joined and asked
 */
export async function openMdns(networkInterface: string): Promise<Datagrams> {
	const socket = await datagrams(`udp://0.0.0.0:${PORT}`, { reuseAddress: true });
	try {
		socket.multicast.join(GROUP, { interface: networkInterface });
		socket.multicast.setInterface(networkInterface);
		socket.multicast.setHopLimit(HOP_LIMIT);
		return socket;
	} catch (error) {
		socket.abort();
		throw error;
	}
}

/** Asks everybody for the IPv4 addresses of a name; answers come to `addresses`. */
export async function ask(socket: Datagrams, name: string): Promise<void> {
	await send(socket, { type: "query", questions: [{ name, type: "A" }] });
}

/** What a datagram says of the addresses of a name; nothing when it is about something else, a question or nonsense. */
export function addresses(data: Uint8Array, name: string): string[] {
	const packet = decode(data);
	if (packet?.flag_qr !== true) return [];
	const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])];
	return records.flatMap((record) =>
		record.type === "A" && isSameName(record.name, name) ? [record.data] : [],
	);
}

/** Answers questions for the address of a name until the socket is closed, and tells of each. */
export async function answerFor(
	socket: Datagrams,
	name: string,
	address: string,
	onQuestion: (asker: string) => void,
): Promise<void> {
	// The bit "flush" says that these are all the addresses of the name; section 10.2.
	const record: Answer = { type: "A", name, ttl: TTL_SECONDS, data: address, flush: true };
	for await (const { data, from } of socket) {
		const packet = decode(data);
		// An answer is never answered, and who asks from another port is no member: a simple resolver, or somebody far away.
		if (packet === undefined || packet.flag_qr || !("port" in from) || from.port !== PORT) continue;
		const isAsked = packet.questions?.some(
			(question) =>
				(question.type === "A" || String(question.type) === "ANY") &&
				isSameName(question.name, name),
		);
		if (!isAsked) continue;
		onQuestion("host" in from ? from.host : "");
		await send(socket, {
			type: "response",
			flags: dnsPacket.AUTHORITATIVE_ANSWER,
			answers: [record],
		});
	}
}

async function send(socket: Datagrams, packet: Packet): Promise<void> {
	await socket.send(dnsPacket.encode({ id: 0, ...packet }), `udp://${GROUP}:${PORT}`);
}

function isSameName(left: string, right: string): boolean {
	return left.toLowerCase() === right.toLowerCase();
}

function decode(data: Uint8Array): DecodedPacket | undefined {
	try {
		return dnsPacket.decode(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
	} catch {
		return undefined;
	}
}
