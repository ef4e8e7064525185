/** The conformance suite of packet channels; stream/packet-contract.ts is what it holds an implementation to. */
import type { PacketChannel } from "../packet/packet-contract.ts";
import { type Check, type CheckOptions, type PairFactory, runChecks } from "./check.ts";
import { endChecks } from "./packet-checks/ends.ts";
import { messageChecks } from "./packet-checks/messages.ts";
import { waitChecks } from "./packet-checks/waits.ts";

/** Every check of the suite, to be made a test each. */
export const packetChannelChecks: readonly Check<PacketChannel>[] = [
	...messageChecks,
	...endChecks,
	...waitChecks,
];

/**
 * Checks that two connected ends keep every promise of `PacketChannel`. They have to hold ten messages that nobody receives.
 *
 * @param makePair makes two fresh ends for each check, which aborts them when it is done
 * @throws {CheckError} a promise was broken; its message has the name of the check and the promise
 * @throws {AggregateError} several were
 */
export function checkPacketChannel(
	makePair: PairFactory<PacketChannel>,
	options?: CheckOptions,
): Promise<void> {
	return runChecks(packetChannelChecks, makePair, options);
}
