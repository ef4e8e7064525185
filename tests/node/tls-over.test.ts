/** Node's TLS over sockets of ours, natively and by way of a duplex, at either end. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import tls from "node:tls";
import { listen } from "socketry";
import { connectDuplex, toDuplex, toNetSocket } from "socketry/node";
import type { Stream } from "#src/stream/stream.ts";
import { turns } from "#src/testing/expectations.ts";
import { abstractName } from "../support/pairs.ts";
import { makeCertificate } from "./certificate.ts";
import { bytesOf, closed, TRANSPORTS } from "./sockets.ts";

const certificate = makeCertificate();
const { ca } = certificate;

type Wrap = (stream: Stream) => Promise<import("node:stream").Duplex>;

const WRAPS: readonly [name: string, wrap: Wrap][] = [
	["net.Socket", async (stream) => toNetSocket(stream)],
	["duplex", async (stream) => toDuplex(stream)],
];

for (const [transport, makePair] of TRANSPORTS) {
	for (const [clientKind, wrapClient] of WRAPS) {
		for (const [serverKind, wrapServer] of WRAPS) {
			describe(`TLS over ${transport}: client over a ${clientKind}, server over a ${serverKind}`, () => {
				const secured = async (): Promise<[tls.TLSSocket, tls.TLSSocket]> => {
					const [left, right] = await makePair();
					const [near, far] = await Promise.all([wrapClient(left), wrapServer(right)]);
					const server = new tls.TLSSocket(far as never, {
						isServer: true,
						secureContext: tls.createSecureContext(certificate),
					});
					const client = tls.connect({ socket: near as never, ca, servername: "localhost" });
					await once(client, "secureConnect");
					return [client, server];
				};

				test("megabytes pass in both directions at once", async () => {
					const [client, server] = await secured();
					assert.equal(client.authorized, true);
					const large = bytesOf(4_000_000);
					const received: Buffer[] = [];
					server.pipe(server);
					client.on("data", (chunk) => received.push(chunk));
					client.end(large);
					await once(client, "end");
					assert.ok(Buffer.concat(received).equals(large));
					await Promise.all([closed(client), closed(server)]);
				});

				test("the side that ends first is answered, and nobody sees an error", async () => {
					for (const isClientFirst of [true, false]) {
						const ends = await secured();
						const [first, second] = isClientFirst ? ends : [ends[1], ends[0]];
						second.resume();
						first.resume().end("farewell");
						await Promise.all([closed(first), closed(second)]);
					}
				});

				test("who reads late has everything that came before the end", async () => {
					for (const isHalfClosed of [false, true]) {
						const [client, server] = await secured();
						client.on("error", () => undefined);
						if (isHalfClosed) server.allowHalfOpen = true;
						if (isHalfClosed) client.end();
						server.resume().end(Buffer.alloc(300_000, 1));
						let bytes = 0;
						for await (const chunk of client) {
							bytes += (chunk as Buffer).length;
							// Long enough for the end to come meanwhile.
							await turns(100);
						}
						assert.equal(bytes, 300_000);
						await Promise.all([closed(client), closed(server)]);
					}
				});

				test("destroying one side closes the other", async () => {
					const [client, server] = await secured();
					client.resume().on("error", () => undefined);
					server.destroy();
					await Promise.all([closed(client), closed(server)]);
				});
			});
		}
	}
}

test("a TLS server over duplexes has a farewell of every client, many one after another", async () => {
	const server = tls.createServer(certificate, (socket) => socket.end("hello"));
	const address = `unix:${abstractName()}` as const;
	const listener = await listen(address);
	const accepting = (async () => {
		for await (const stream of listener) server.emit("connection", toDuplex(stream));
	})();
	for (let i = 0; i < 50; i++) {
		const socket = connectDuplex(address);
		const client = tls.connect({ socket, ca, servername: "localhost" });
		let text = "";
		client.setEncoding("utf8").on("data", (chunk) => {
			text += chunk;
		});
		await once(client, "close");
		assert.equal(text, "hello");
	}
	listener.close();
	await accepting;
});
