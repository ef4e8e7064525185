/** The conformance suite of datagram channels; stream/datagram-contract.ts is what it holds an implementation to. */
import type { DatagramChannel } from "../datagram/datagram-contract.ts";
import { type CheckOptions, type PairFactory, runChecks } from "./check.ts";
import { datagramChannelChecks } from "./datagram-checks.ts";

/**
 * Checks that two connected ends keep every promise of `DatagramChannel`. They have to deliver eight datagrams that nobody receives.
 *
 * @param makePair makes two fresh ends for each check, each the other's peer; the check aborts them when it is done
 * @throws {CheckError} a promise was broken; its message has the name of the check and the promise
 * @throws {AggregateError} several were
 */
export function checkDatagrams(
	makePair: PairFactory<DatagramChannel>,
	options?: CheckOptions,
): Promise<void> {
	return runChecks(datagramChannelChecks, makePair, options);
}
