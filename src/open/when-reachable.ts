/** `whenReachable`: waits for a server, for scripts that start what needs it. */
import { optionsFor, requireOptions } from "../arguments.ts";
import type { Address } from "../socket/address.ts";
import { CONNECT_CHECKS, type ConnectOptions, connect } from "./connect.ts";

/**
 * Waits until somebody accepts connections at an address: connects, again and again, and closes the connection at once. That a server
 * accepts need not mean that it is ready for work.
 *
 * @param options those of `connect`; by default it tries for ever, pauses growing from 50 ms to 1 s, also when the name is not known yet
 * @throws as `connect`; an address that is wrong or forbidden is told at once
 * @throws {TimeoutError | AbortError} `cause` says why it was not reached last
 */
export async function whenReachable(
	address: string | Address,
	options: ConnectOptions = {},
): Promise<void> {
	requireOptions(options, CONNECT_CHECKS);
	const retry = { delayMs: 50, maxDelayMs: 1_000, alsoAfter: ["ENOTFOUND"], ...options.retry };
	const connection = await connect(address, { ...optionsFor(options, CONNECT_CHECKS), retry });
	await connection.close();
}
