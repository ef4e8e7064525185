/** The promises of `ByteStream`, kept over TLS and over any Duplex of Node's. */
import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { socketpair } from "socketry";
import { fromDuplex, toDuplex } from "socketry/node";
import { memoryStreams } from "socketry/testing";
import type { ByteStream } from "#src/stream/contract.ts";
import type { PairFactory } from "#src/testing/check.ts";
import { byteStreamChecks } from "#src/testing/check-byte-stream.ts";
import { overTcp, overUnix, secured } from "./pairs.ts";

const PAIRS: Readonly<Record<string, PairFactory<ByteStream>>> = {
	"TLS 1.3 over TCP": () => overTcp("TLSv1.3"),
	"TLS 1.2 over TCP": () => overTcp("TLSv1.2"),
	"TLS 1.3 over a Unix socket": () => overUnix("TLSv1.3"),
	"TLS over memory": () => secured(memoryStreams()),
	"TLS within TLS": async () => await secured(await overTcp()),
	"a Duplex over a Unix socket": () => {
		const [left, right] = socketpair().map((end) =>
			fromDuplex(toDuplex(end, { allowHalfOpen: true })),
		);
		return [left as ByteStream, right as ByteStream];
	},
	"net.Socket": netSockets,
};

/** Node's own sockets answer by a reset what comes in after they are closed, and with that the kernel forgets the reply. */
const CANNOT: Readonly<Record<string, readonly string[]>> = {
	"net.Socket": ["a peer that goes on sending gets the reply", "unread bytes cost no reply"],
};

for (const [kind, makePair] of Object.entries(PAIRS)) {
	describe(`a byte stream over ${kind} keeps every promise`, () => {
		for (const { name, contract, run } of byteStreamChecks) {
			const skip = CANNOT[kind]?.includes(name) ? "net.Socket resets when it closes" : false;
			test(`${name}: ${contract}`, { skip }, () => run(makePair));
		}
	});
}

async function netSockets(): Promise<[ByteStream, ByteStream]> {
	const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as { port: number };
	const left = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
	const [[right]] = (await Promise.all([once(server, "connection"), once(left, "connect")])) as [
		[Socket],
		unknown,
	];
	server.close();
	return [fromDuplex(left), fromDuplex(right)];
}
