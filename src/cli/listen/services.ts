/** What can be done with connections besides talking: RFC 862, RFC 863, RFC 864. */
import { type Datagrams, ReplyGuard } from "../../index.ts";
import type { Connection } from "../incoming.ts";

/** Sends everything back. */
export async function echo(connection: Connection): Promise<void> {
	if ("write" in connection) {
		for await (const chunk of connection) await connection.write(chunk);
	} else {
		for await (const message of connection) await connection.send(message);
	}
	await connection.close();
}

/** Takes everything. */
export async function discard(connection: Connection): Promise<void> {
	for await (const _ of connection);
	await connection.close();
}

const PRINTABLE = 95;
const FIRST = 0x20;
const COLUMNS = 72;
const LINES = Array.from({ length: PRINTABLE }, (_, line) => {
	const codes = Array.from({ length: COLUMNS }, (__, i) => FIRST + ((line + i) % PRINTABLE));
	return Buffer.from(`${String.fromCharCode(...codes)}\r\n`);
});
const TEXT = Buffer.concat(LINES);

/** Sends text until the peer leaves, and takes what it says. */
export async function chargen(connection: Connection): Promise<void> {
	const taking = takeAll(connection);
	try {
		for (let i = 0; ; i++) {
			if ("write" in connection) await connection.write(TEXT);
			else await connection.send(LINES[i % PRINTABLE] as Buffer);
		}
	} catch {
		// The peer has left, which is how this ends.
	}
	connection.abort();
	await taking;
}

async function takeAll(connection: Connection): Promise<void> {
	try {
		for await (const _ of connection);
	} catch {
		// The peer has left.
	}
}

/** Sends datagrams back, but not so that anybody could be harmed by that; see `ReplyGuard`. */
export async function echoDatagrams(socket: Datagrams): Promise<void> {
	const { address } = socket;
	const guard = new ReplyGuard("port" in address ? { serverPorts: [address.port] } : {});
	for await (const { data, from, bytes } of socket) {
		if (!guard.heard(from, bytes) || !guard.mayReply(from, data.length)) continue;
		// Who cannot be answered did not ask to be.
		await socket.send(data, from).catch(() => {});
	}
}

/** Takes datagrams. */
export async function discardDatagrams(socket: Datagrams): Promise<void> {
	for await (const _ of socket);
}
