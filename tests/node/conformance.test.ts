/** Streams that were Node's for a while, or are Node's below, keep every promise of a byte stream. */
import { describe, test } from "node:test";
import { fromDuplex, fromNetSocket, toDuplex, toNetSocket } from "socketry/node";
import { byteStreamChecks, type PairFactory } from "socketry/testing";
import type { ByteStream } from "#src/stream/contract.ts";
import type { Stream } from "#src/stream/stream.ts";
import { TRANSPORTS } from "./sockets.ts";

async function thereAndBack(stream: Stream): Promise<Stream> {
	return await fromNetSocket(await toNetSocket(stream, { allowHalfOpen: true }));
}

for (const [transport, makePair] of TRANSPORTS) {
	const kinds: Readonly<Record<string, PairFactory<ByteStream>>> = {
		"that was a net.Socket": async () => {
			const [left, right] = await makePair();
			return await Promise.all([thereAndBack(left), thereAndBack(right)]);
		},
		"over a duplex over a stream": async () => {
			const [left, right] = await makePair();
			const over = (stream: Stream): ByteStream =>
				fromDuplex(toDuplex(stream, { allowHalfOpen: true }));
			return [over(left), over(right)];
		},
	};
	for (const [kind, factory] of Object.entries(kinds)) {
		describe(`a byte stream of ${transport} ${kind} keeps every promise`, () => {
			for (const { name, contract, run } of byteStreamChecks) {
				test(`${name}: ${contract}`, () => run(factory));
			}
		});
	}
}
