import type { ByteStream } from "../stream/contract.ts";
import { argumentChecks } from "./byte-stream-checks/arguments.ts";
import { backPressureChecks } from "./byte-stream-checks/back-pressure.ts";
import { closingChecks } from "./byte-stream-checks/closing.ts";
import { deadlineChecks } from "./byte-stream-checks/deadlines.ts";
import { delimiterChecks } from "./byte-stream-checks/delimiters.ts";
import { halfCloseChecks } from "./byte-stream-checks/half-close.ts";
import { readingChecks } from "./byte-stream-checks/reading.ts";
import { signalChecks } from "./byte-stream-checks/signals.ts";
import { transferChecks } from "./byte-stream-checks/transfer.ts";
import { type Check, type CheckOptions, type PairFactory, runChecks } from "./check.ts";

/** Every check of the suite, to be made a test each. */
export const byteStreamChecks: readonly Check<ByteStream>[] = [
	...transferChecks,
	...readingChecks,
	...delimiterChecks,
	...backPressureChecks,
	...halfCloseChecks,
	...closingChecks,
	...deadlineChecks,
	...signalChecks,
	...argumentChecks,
];

/**
 * Checks that two connected ends keep every promise of `ByteStream`; takes about a second. They have to hold 32 KiB that nobody reads.
 *
 * @param makePair makes two fresh ends for each check, which aborts them when it is done
 * @throws {CheckError} a promise was broken; its message has the name of the check and the promise
 * @throws {AggregateError} several were
 */
export function checkByteStream(
	makePair: PairFactory<ByteStream>,
	options?: CheckOptions,
): Promise<void> {
	return runChecks(byteStreamChecks, makePair, options);
}
