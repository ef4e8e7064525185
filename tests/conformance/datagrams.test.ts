import { describe, test } from "node:test";
import { socketpair } from "socketry";
import { datagramChannelChecks, type PairFactory } from "socketry/testing";
import type { DatagramChannel } from "#src/datagram/datagram-contract.ts";
import { connectedDatagrams } from "../support/pairs.ts";

const KINDS: Readonly<Record<string, PairFactory<DatagramChannel>>> = {
	"UDP over IPv4": () =>
		connectedDatagrams("udp", () => ({ family: "inet", host: "127.0.0.1", port: 0 })),
	"UDP over IPv6": () =>
		connectedDatagrams("udp", () => ({ family: "inet6", host: "::1", port: 0 })),
	"Unix sockets": () => connectedDatagrams("unix-dgram", () => ({ family: "unix" })),
	"a socketpair": () => socketpair("dgram"),
	"a socketpair that takes descriptors": () => socketpair("dgram", { receiveDescriptors: true }),
	"a socketpair that takes credentials": () => socketpair("dgram", { receiveCredentials: true }),
	"Unix sockets that take descriptors and credentials": () =>
		connectedDatagrams("unix-dgram", () => ({ family: "unix" }), {
			receiveDescriptors: 253,
			receiveCredentials: true,
		}),
	"a socketpair with room for large datagrams that takes descriptors": () =>
		socketpair("dgram", { maxMessageBytes: 1_000_000, receiveDescriptors: true }),
};

for (const [kind, makePair] of Object.entries(KINDS)) {
	describe(`a datagram channel over ${kind} keeps every promise`, () => {
		for (const { name, contract, run } of datagramChannelChecks) {
			test(`${name}: ${contract}`, () => run(makePair));
		}
	});
}
