/** What the options of connect, listen and datagrams have in common, checked before anything is opened. */
import { requireFunction, requireInteger, requireObject } from "../arguments.ts";

/** Most microseconds that an event loop can be kept hot. */
const BUSY_POLL_US_MAX = 1_000_000;

/**
 * Checks what would otherwise be found wrong when it is too late, or not at all.
 *
 * @throws {InvalidTypeError | OutOfRangeError} an option is wrong
 */
export function checkOpenOptions(options: object): void {
	const { busyPollUs, prepare, resolver, onOverload } = requireObject("options", options) as {
		readonly busyPollUs?: unknown;
		readonly prepare?: unknown;
		readonly resolver?: unknown;
		readonly onOverload?: unknown;
	};
	if (busyPollUs !== undefined) requireInteger("busyPollUs", busyPollUs, 0, BUSY_POLL_US_MAX);
	requireFunction("prepare", prepare);
	requireFunction("resolver", resolver);
	requireFunction("onOverload", onOverload);
}
