/** The options of connect, listen and datagrams, checked before anything is opened, and whether or not they matter to the transport. */
import {
	requireBoolean,
	requireFunction,
	requireInteger,
	requireOneOf,
	requireOptions,
} from "../arguments.ts";
import { InvalidTypeError, OutOfRangeError } from "../errors.ts";
import {
	type ArrivalOptions,
	checkReceiveCredentials,
	checkReceiveDescriptors,
} from "../socket/arrived-control.ts";
import type { WaitOptions } from "../socket/wait.ts";
import type { SocketFileOptions } from "./socket-file.ts";
import { checkKeepAlive, type TcpSettings } from "./tcp-settings.ts";

/** Throws when an option's value is wrong; never called for undefined. */
export type Check = (name: string, value: unknown) => unknown;

/** How each option of a function is checked. */
export type Checks<O> = { readonly [Name in keyof O]-?: Check };

const INT32_MAX = 2_147_483_647;

/** For what is checked where it is used, before anything is opened. */
export const CHECKED_LATER: Check = () => undefined;

/** Those of everything that waits. */
export const WAIT_CHECKS: Checks<WaitOptions> = {
	signal: CHECKED_LATER,
	timeoutMs: CHECKED_LATER,
};

/** Those of what receives over Unix sockets. */
export const ARRIVAL_CHECKS: Checks<ArrivalOptions> = {
	receiveCredentials: checkReceiveCredentials,
	receiveDescriptors: checkReceiveDescriptors,
};

/** Those of TCP. */
const TCP_CHECKS: Checks<TcpSettings> = {
	keepAlive: checkKeepAlive,
	noDelay: requireBoolean,
};

/** Those of what can have a socket file. */
export const SOCKET_FILE_CHECKS: Checks<SocketFileOptions> = {
	group: CHECKED_LATER,
	makeDirectory: requireBoolean,
	mode: checkMode,
	onStale: (name, value) => requireOneOf(name, value, ["error", "replace-dead", "replace"]),
	owner: CHECKED_LATER,
};

/** What everything that opens sockets knows. */
export type OpenOption = "busyPollUs" | "prepare" | "resolver";

/** Those of everything that opens sockets. */
export const OPEN_CHECKS: Readonly<Record<OpenOption, Check>> = {
	busyPollUs: integer(0, 1_000_000),
	prepare: requireFunction,
	resolver: requireFunction,
};

/** Those of everything with connections, besides. */
export const CONNECTED_CHECKS: Checks<TcpSettings & ArrivalOptions> &
	Readonly<Record<OpenOption | "protocol", Check>> = {
	...OPEN_CHECKS,
	...TCP_CHECKS,
	...ARRIVAL_CHECKS,
	protocol: integer(0, INT32_MAX),
};

/**
 * Checks what would otherwise be found wrong when it is too late, or not at all.
 *
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} an option is wrong, or unknown
 */
export function checkOpenOptions<O extends object>(options: O, checks: Checks<O>): void {
	requireOptions(options, checks);
	// Inherited ones too, for they are read one by one.
	for (const name of Object.keys(checks) as (keyof O & string)[]) {
		const value = options[name];
		if (value !== undefined) checks[name](name, value);
	}
}

// 660 and "0660" are what people write who mean 0o660.
function checkMode(name: string, value: unknown): void {
	const wanted = "an integer from 0 to 0o777, written with 0o as in 0o660";
	if (typeof value !== "number") throw new InvalidTypeError(name, wanted, value);
	const isMode = Number.isInteger(value) && value >= 0 && value <= 0o777;
	if (!isMode) throw new OutOfRangeError(name, wanted, value);
}

/** A check for an integer from `min` to `max`. */
export function integer(min: number, max: number): Check {
	return (name, value) => requireInteger(name, value, min, max);
}
