/** What a service tells its manager, and how that is written; sd_notify(3). */
import {
	type Known,
	requireArray,
	requireBoolean,
	requireInteger,
	requireObject,
	requireOneOf,
	requireOptions,
	requireString,
} from "../arguments.ts";
import { InvalidValueError, LimitError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Passable } from "../socket/passable.ts";

/** Descriptors for the service manager to keep; `FileDescriptorStoreMax=` of the unit has to allow it. */
export interface StoredDescriptors {
	/** By which the next process of the service finds them: 1 to 255 printable ASCII characters without colon. Default `"stored"`. */
	readonly name?: string | undefined;
	/** 1 to 253 of them, duplicated: they stay open here. */
	readonly descriptors: readonly Passable[];
	/** Whether the manager drops those that hang up or fail, such as a connection whose peer has gone. Default true. */
	readonly poll?: boolean | undefined;
}

/** What to tell; at least one field. */
export interface ServiceState {
	/** Start-up or reloading is finished. READY=1 */
	readonly ready?: boolean | undefined;
	/** The configuration is being read again: `ready` has to follow. RELOADING=1 with MONOTONIC_USEC */
	readonly reloading?: boolean | undefined;
	/** The service is about to end. STOPPING=1 */
	readonly stopping?: boolean | undefined;
	/** How it is, in one line for people. STATUS */
	readonly status?: string | undefined;
	/** Number of the error because of which it fails, 1..4095. ERRNO */
	readonly errno?: number | undefined;
	/** Which process is the service's main one from now on. MAINPID */
	readonly mainPid?: number | undefined;
	/** A sign of life; `"trigger"` has the manager act as if there were none. WATCHDOG */
	readonly watchdog?: boolean | "trigger" | undefined;
	/** Within which time signs of life must come from now on, 1..2147483647 ms. WATCHDOG_USEC */
	readonly watchdogMs?: number | undefined;
	/** Within which time more will be told, although starting, running or stopping takes longer than allowed; 1..2147483647 ms. EXTEND_TIMEOUT_USEC */
	readonly extendTimeoutMs?: number | undefined;
	/** Descriptors to be kept for the next process of this service. FDSTORE=1 */
	readonly fdstore?: StoredDescriptors | undefined;
	/** Name of descriptors to be dropped from the store. FDSTOREREMOVE=1 */
	readonly fdstoreRemove?: string | undefined;
	/** Other assignments, such as NOTIFYACCESS, or X_ and a name of one's own. */
	readonly variables?: Readonly<Record<string, string>> | undefined;
}

const STATE: Known<ServiceState> = {
	ready: true,
	reloading: true,
	stopping: true,
	status: true,
	errno: true,
	mainPid: true,
	watchdog: true,
	watchdogMs: true,
	extendTimeoutMs: true,
	fdstore: true,
	fdstoreRemove: true,
	variables: true,
};

const STORED: Known<StoredDescriptors> = {
	name: true,
	descriptors: true,
	poll: true,
};

const PID_MAX = 4_194_304;
const ERRNO_MAX = 4_095;
const MS_MAX = 2_147_483_647;
const DESCRIPTOR_NAME_CHARACTERS_MAX = 255;

/**
 * Writes a state as the service manager reads it: a line for each assignment.
 *
 * @param monotonicUs CLOCK_MONOTONIC in microseconds
 * @throws {InvalidTypeError | InvalidValueError | OutOfRangeError} a field is wrong, a value has a line break, or there is nothing to tell
 * @throws {LimitError} the service manager reads no more than 4096 bytes
 */
export function encodeState(state: ServiceState, monotonicUs: bigint): Uint8Array {
	requireOptions(state, STATE, "state");
	const lines = [
		...phaseLines(state, monotonicUs),
		...detailLines(state),
		...storeLines(state),
		...Object.entries(requireObject("variables", state.variables ?? {})).map(
			([name, value]) => `${requireVariable(name)}=${oneLine(name, value)}`,
		),
	];
	if (lines.length === 0) {
		throw new InvalidValueError("state", "must have something to tell", state);
	}
	const bytes = Buffer.from(`${lines.join("\n")}\n`);
	const allowed = LIMITS.notifyMessageBytes;
	if (bytes.length <= allowed) return bytes;
	const advice = "the service manager would ignore the message; shorten its texts";
	throw new LimitError("notifyMessageBytes", bytes.length, allowed, advice);
}

/**
 * Checks the name of a descriptor and returns it.
 *
 * @throws {InvalidTypeError | InvalidValueError} it is no string, or one that a service manager would ignore
 */
export function requireDescriptorName(name: string, value: unknown): string {
	const text = requireString(name, value);
	if (text.length <= DESCRIPTOR_NAME_CHARACTERS_MAX && /^[ -9;-~]+$/.test(text)) return text;
	const why = `must be 1 to ${DESCRIPTOR_NAME_CHARACTERS_MAX} printable ASCII characters without colon`;
	throw new InvalidValueError(name, why, value);
}

function phaseLines(state: ServiceState, monotonicUs: bigint): string[] {
	const lines = [];
	if (isOn("ready", state.ready)) lines.push("READY=1");
	if (isOn("reloading", state.reloading)) {
		lines.push("RELOADING=1", `MONOTONIC_USEC=${monotonicUs}`);
	}
	if (isOn("stopping", state.stopping)) lines.push("STOPPING=1");
	return lines;
}

function detailLines(state: ServiceState): string[] {
	const lines = [];
	const { status, errno, mainPid, watchdog, watchdogMs, extendTimeoutMs } = state;
	if (status !== undefined) lines.push(`STATUS=${oneLine("status", status)}`);
	if (errno !== undefined) lines.push(`ERRNO=${requireInteger("errno", errno, 1, ERRNO_MAX)}`);
	if (mainPid !== undefined) {
		lines.push(`MAINPID=${requireInteger("mainPid", mainPid, 1, PID_MAX)}`);
	}
	if (typeof watchdog === "string") {
		lines.push(`WATCHDOG=${requireOneOf("watchdog", watchdog, ["trigger"])}`);
	} else if (isOn("watchdog", watchdog)) lines.push("WATCHDOG=1");
	if (watchdogMs !== undefined) {
		lines.push(`WATCHDOG_USEC=${microseconds("watchdogMs", watchdogMs)}`);
	}
	if (extendTimeoutMs !== undefined) {
		lines.push(`EXTEND_TIMEOUT_USEC=${microseconds("extendTimeoutMs", extendTimeoutMs)}`);
	}
	return lines;
}

function storeLines({ fdstore, fdstoreRemove }: ServiceState): string[] {
	if (fdstore !== undefined && fdstoreRemove !== undefined) {
		const why = "must be told apart from fdstore: both have one name in a message";
		throw new InvalidValueError("fdstoreRemove", why, fdstoreRemove);
	}
	if (fdstoreRemove !== undefined) {
		return ["FDSTOREREMOVE=1", `FDNAME=${requireDescriptorName("fdstoreRemove", fdstoreRemove)}`];
	}
	if (fdstore === undefined) return [];
	requireOptions(fdstore, STORED, "fdstore");
	const { descriptors, name, poll = true } = fdstore;
	if (requireArray("fdstore.descriptors", descriptors).length === 0) {
		throw new InvalidValueError("fdstore.descriptors", "must not be empty", descriptors);
	}
	const lines = ["FDSTORE=1"];
	if (name !== undefined) lines.push(`FDNAME=${requireDescriptorName("fdstore.name", name)}`);
	if (!requireBoolean("fdstore.poll", poll)) lines.push("FDPOLL=0");
	return lines;
}

function isOn(name: string, value: boolean | undefined): boolean {
	return requireBoolean(name, value ?? false);
}

function microseconds(name: string, ms: number): number {
	return requireInteger(name, ms, 1, MS_MAX) * 1_000;
}

// A line break would begin another assignment, and the service manager drops messages with a NUL.
function oneLine(name: string, value: unknown): string {
	const text = requireString(name, value);
	if (!/[\n\0]/.test(text)) return text;
	throw new InvalidValueError(name, "must have no line break and no NUL", value);
}

function requireVariable(name: string): string {
	if (/^[A-Z_][A-Z0-9_]*$/.test(name)) return name;
	throw new InvalidValueError(
		"variables",
		"must have names of A-Z, 0-9 and _ which do not begin with a digit",
		name,
	);
}
