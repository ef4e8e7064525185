import { describe, test } from "node:test";
import { socketpair } from "socketry";
import { memoryPackets, type PairFactory, packetChannelChecks } from "socketry/testing";
import type { PacketChannel } from "#src/packet/packet-contract.ts";
import { abstractName, connectedPackets, withSocketPath } from "../support/pairs.ts";

const KINDS: Readonly<Record<string, PairFactory<PacketChannel>>> = {
	"a seqpacket path": () => withSocketPath((path) => connectedPackets(`unix-seqpacket:${path}`)),
	"an abstract seqpacket name": () => connectedPackets(`unix-seqpacket:${abstractName()}`),
	"a seqpacket socketpair": () => socketpair("seqpacket"),
	"a seqpacket path that takes descriptors": () =>
		withSocketPath((path) =>
			connectedPackets(`unix-seqpacket:${path}`, { receiveDescriptors: true }),
		),
	"an abstract seqpacket name that takes credentials": () =>
		connectedPackets(`unix-seqpacket:${abstractName()}`, { receiveCredentials: true }),
	"a seqpacket socketpair that takes descriptors and credentials": () =>
		socketpair("seqpacket", { receiveDescriptors: 253, receiveCredentials: "pidfd" }),
	"a seqpacket socketpair with room for large messages that takes descriptors": () =>
		socketpair("seqpacket", { maxMessageBytes: 1_000_000, receiveDescriptors: true }),
	"whole messages": () => wholePackets(),
	memory: () => memoryPackets(),
};

// The same promises, kept by receiveMessage().
function wholePackets(): [PacketChannel, PacketChannel] {
	const ends = socketpair("seqpacket", { receiveDescriptors: true, receiveCredentials: true });
	for (const end of ends) {
		end.receive = async (options) => {
			const message = await end.receiveMessage(options);
			return message === null ? null : message.data;
		};
	}
	return ends;
}

for (const [kind, makePair] of Object.entries(KINDS)) {
	describe(`a packet channel over ${kind} keeps every promise`, () => {
		for (const { name, contract, run } of packetChannelChecks) {
			test(`${name}: ${contract}`, () => run(makePair));
		}
	});
}
