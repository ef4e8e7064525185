import { describe, test } from "node:test";
import { socketpair } from "socketry";
import { memoryPackets, type PairFactory, packetChannelChecks } from "socketry/testing";
import type { PacketChannel } from "#src/packet/packet-contract.ts";
import { abstractName, connectedPackets, withSocketPath } from "../support/pairs.ts";

const KINDS: Readonly<Record<string, PairFactory<PacketChannel>>> = {
	"a seqpacket path": () => withSocketPath((path) => connectedPackets(`unix-seqpacket:${path}`)),
	"an abstract seqpacket name": () => connectedPackets(`unix-seqpacket:${abstractName()}`),
	"a seqpacket socketpair": () => socketpair("seqpacket"),
	memory: () => memoryPackets(),
};

for (const [kind, makePair] of Object.entries(KINDS)) {
	describe(`a packet channel over ${kind} keeps every promise`, () => {
		for (const { name, contract, run } of packetChannelChecks) {
			test(`${name}: ${contract}`, () => run(makePair));
		}
	});
}
