import { describe, test } from "node:test";
import { socketpair } from "socketry";
import { byteStreamChecks, memoryStreams, type PairFactory } from "socketry/testing";
import type { ByteStream } from "#src/stream/contract.ts";
import {
	abstractName,
	adoptedStreams,
	connectedStreams,
	withSocketPath,
} from "../support/pairs.ts";

const KINDS: Readonly<Record<string, PairFactory<ByteStream>>> = {
	"TCP over IPv4": () => connectedStreams("tcp://127.0.0.1:0"),
	"TCP over IPv6": () => connectedStreams("tcp://[::1]:0"),
	"a Unix path": () => withSocketPath((path) => connectedStreams(`unix:${path}`)),
	"an abstract Unix name": () => connectedStreams(`unix:${abstractName()}`),
	"a socketpair": () => socketpair("stream"),
	"a Unix path that takes descriptors": () =>
		withSocketPath((path) => connectedStreams(`unix:${path}`, { receiveDescriptors: true })),
	"a socketpair that takes descriptors and credentials": () =>
		socketpair("stream", { receiveDescriptors: 253, receiveCredentials: true }),
	"adopted descriptors": () => adoptedStreams(),
	memory: () => memoryStreams(),
	"much memory": () => memoryStreams({ capacityBytes: 1_000_003 }),
};

for (const [kind, makePair] of Object.entries(KINDS)) {
	describe(`a byte stream over ${kind} keeps every promise`, () => {
		for (const { name, contract, run } of byteStreamChecks) {
			test(`${name}: ${contract}`, () => run(makePair));
		}
	});
}
