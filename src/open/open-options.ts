/** The options of connect, listen and datagrams, checked before anything is opened, and whether or not they matter to the transport. */
import {
	requireBoolean,
	requireFunction,
	requireInteger,
	requireObject,
	requireOneOf,
} from "../arguments.ts";
import { checkReceiveCredentials, checkReceiveDescriptors } from "../socket/arrived-control.ts";
import { checkRetry } from "./retry.ts";
import { checkKeepAlive } from "./tcp-settings.ts";

type Check = (name: string, value: unknown) => unknown;

const INT32_MAX = 2_147_483_647;

const CHECKS: readonly [name: string, check: Check][] = Object.entries({
	allow: requireFunction,
	attemptDelayMs: integer(10, 60_000),
	backlog: integer(0, INT32_MAX),
	broadcast: requireBoolean,
	busyPollUs: integer(0, 1_000_000),
	ipv6Only: requireBoolean,
	keepAlive: checkKeepAlive,
	makeDirectory: requireBoolean,
	mode: integer(0, 0o777),
	noDelay: requireBoolean,
	onNetworkError: requireFunction,
	onOverload: requireFunction,
	onRefused: requireFunction,
	onStale: (name, value) => requireOneOf(name, value, ["error", "replace-dead", "replace"]),
	prepare: requireFunction,
	protocol: integer(0, INT32_MAX),
	receiveCredentials: checkReceiveCredentials,
	receiveDescriptors: checkReceiveDescriptors,
	resolver: requireFunction,
	retry: checkRetry,
	reuseAddress: requireBoolean,
	reusePort: requireBoolean,
});

/**
 * Checks what would otherwise be found wrong when it is too late, or not at all.
 *
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an option is wrong
 */
export function checkOpenOptions(options: object): void {
	const given = requireObject("options", options) as Readonly<Record<string, unknown>>;
	for (const [name, check] of CHECKS) {
		const value = given[name];
		if (value !== undefined) check(name, value);
	}
}

function integer(min: number, max: number): Check {
	return (name, value) => requireInteger(name, value, min, max);
}
