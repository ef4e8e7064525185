/** An authoritative DNS server: UDP first, TCP for answers that do not fit. Cannot be used to flood a third party. */
import dnsPacket, { type DecodedPacket } from "dns-packet";
import {
	type Datagrams,
	datagrams,
	type Listener,
	listen,
	ReplyGuard,
	type Stream,
} from "socketry";
import { answer, payloadLimit, truncate, type Zone } from "./zone.ts";

/** RFC 7766 section 6.2.3: a server may close connections that say nothing. */
const IDLE_MS = 5_000;
const CONNECTIONS_MAX = 100;
const PREFIX_BYTES = 2;
/** Room for a burst of about a thousand questions. */
const RECEIVE_BUFFER_BYTES = 1_048_576;
const PORT_ATTEMPTS = 10;

/** Other services that answer whatever comes: one of them and this server would keep each other busy, once somebody forged a question. */
const ANSWERING_PORTS = [7, 13, 17, 19, 37, 53, 69, 111, 123, 137, 161, 389, 1_900, 5_353, 11_211];

/** A running server. */
export interface DnsServer {
	readonly host: string;
	/** Of both UDP and TCP. */
	readonly port: number;
	/** Datagrams that looked like answers, and replies that were cut because they would have been too large for what was asked. */
	readonly guard: ReplyGuard;
	close(): Promise<void>;
}

/**
 * Serves a zone.
 *
 * @param host numeric address, or `*` for all of them: each question is answered from the address that it was sent to
 * @param port 0 for a free one
 */
export async function serveDns(zone: Zone, host: string, port: number): Promise<DnsServer> {
	const [socket, listener] = await openBoth(host, port);
	const { address } = socket;
	const guard = new ReplyGuard({ serverPorts: [...ANSWERING_PORTS, address.port] });
	const serving = [serveDatagrams(zone, socket, guard), serveStreams(zone, listener)];
	const close = async (): Promise<void> => {
		listener.close();
		await socket.close();
		await Promise.all(serving);
	};
	return { host: address.host, port: address.port, guard, close };
}

/** The same port number by UDP and by TCP; a free one of UDP may be taken by TCP. */
async function openBoth(
	host: string,
	port: number,
): Promise<[Datagrams<"udp">, Listener<Stream<"tcp">>]> {
	for (let attempt = 1; ; attempt++) {
		const socket = await datagrams(
			{ transport: "udp", host, port },
			{
				details: { destination: true },
				onFull: "drop",
				receiveBufferBytes: RECEIVE_BUFFER_BYTES,
			},
		);
		const { port: chosen } = socket.address;
		try {
			return [socket, await listen({ transport: "tcp", host, port: chosen })];
		} catch (error) {
			socket.abort();
			if (port !== 0 || attempt === PORT_ATTEMPTS) throw error;
		}
	}
}

async function serveDatagrams(zone: Zone, socket: Datagrams, guard: ReplyGuard): Promise<void> {
	for await (const { data, from, destination } of socket) {
		const query = guard.heard(from, data.length) ? readQuery(data) : undefined;
		if (query === undefined) continue;
		const full = answer(zone, query);
		for (const reply of [full, truncate(full)]) {
			const bytes = dnsPacket.encode(reply);
			if (bytes.length > payloadLimit(query) || !guard.mayReply(from, bytes.length)) continue;
			// What cannot be sent to one client is no reason to serve the others no longer.
			await socket.send(bytes, from, { source: destination }).catch(() => undefined);
			break;
		}
	}
}

async function serveStreams(zone: Zone, listener: Listener<Stream>): Promise<void> {
	const open = new Set<Stream>();
	for await (const stream of listener) {
		if (open.size >= CONNECTIONS_MAX) stream.abort();
		else {
			open.add(stream);
			void serveStream(zone, stream).finally(() => open.delete(stream));
		}
	}
	for (const stream of open) stream.abort();
}

/** RFC 1035 section 4.2.2: each message after its length in two bytes; ends with the connection, however that ends. */
async function serveStream(zone: Zone, stream: Stream): Promise<void> {
	const wait = { timeoutMs: IDLE_MS };
	try {
		for (;;) {
			const prefix = Buffer.from(await stream.readExactly(PREFIX_BYTES, wait));
			const query = readQuery(await stream.readExactly(prefix.readUInt16BE(), wait));
			if (query === undefined) break;
			await stream.write(dnsPacket.streamEncode(answer(zone, query)), wait);
		}
		await stream.close(wait);
	} catch {
		stream.abort();
	}
}

/** Undefined for what is no query, an answer above all: nobody answers that. */
function readQuery(data: Uint8Array): DecodedPacket | undefined {
	try {
		const packet = dnsPacket.decode(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
		return packet.flag_qr ? undefined : packet;
	} catch {
		return undefined;
	}
}
