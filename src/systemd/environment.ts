/** What a service manager says in the environment, but for the descriptors: where to notify it, and how often. */
import { SystemdError } from "../errors.ts";
import { quote } from "../show-value.ts";

/** Where notifications go: a Unix datagram socket, or a socket of the machine outside. */
export type NotifyPlace =
	| { readonly family: "unix"; readonly path: string }
	| { readonly family: "unix"; readonly abstract: string }
	| {
			readonly family: "vsock";
			readonly type: "stream" | "seqpacket" | "dgram" | undefined;
			readonly cid: number;
			readonly port: number;
	  };

const VSOCK = /^vsock(?:-(stream|seqpacket|dgram))?:(\d{1,10}):(\d{1,10})$/;
const UINT32_MAX = 0xffff_ffff;

// sd_watchdog_enabled(3): 0 is no time; beyond 2^53 a number is not exact, and 285 years are as good as none.
const MICROSECONDS = /^[1-9]\d{0,15}$/;

/**
 * Where the service manager wants to be notified; undefined when there is none.
 *
 * @throws {SystemdError} NOTIFY_SOCKET has no known form
 * @see sd_notify(3)
 */
export function notifyPlace(): NotifyPlace | undefined {
	const { NOTIFY_SOCKET: text } = process.env;
	if (text === undefined || text === "") return undefined;
	if (text.startsWith("/")) return { family: "unix", path: text };
	if (text.startsWith("@") && text.length > 1) return { family: "unix", abstract: text.slice(1) };
	const [, type, cid, port] = VSOCK.exec(text) ?? [];
	// Every CID is none to send to.
	if (cid !== undefined && Number(cid) < UINT32_MAX && Number(port) <= UINT32_MAX) {
		return {
			family: "vsock",
			type: type as "stream" | "seqpacket" | "dgram" | undefined,
			cid: Number(cid),
			port: Number(port),
		};
	}
	throw new SystemdError(
		"NOTIFY_SOCKET",
		`NOTIFY_SOCKET must be an absolute path, @NAME or vsock:CID:PORT, but is ${quote(text)}`,
	);
}

/**
 * Within how many milliseconds the service manager wants a sign of life; undefined when it wants none from this process.
 *
 * @throws {SystemdError} WATCHDOG_USEC or WATCHDOG_PID is malformed
 * @see sd_watchdog_enabled(3)
 */
export function watchdogTimeoutMs(): number | undefined {
	const { WATCHDOG_USEC: text, WATCHDOG_PID: pid } = process.env;
	if (text === undefined) return undefined;
	if (pid !== undefined && positive("WATCHDOG_PID", pid) !== process.pid) return undefined;
	return positive("WATCHDOG_USEC", text) / 1_000;
}

/** The environment of this process, as a copy. */
export function environment(): Record<string, string | undefined> {
	return { ...process.env };
}

function positive(variable: string, text: string): number {
	if (MICROSECONDS.test(text)) return Number(text);
	const why = `must be a decimal number from 1 on, but is ${quote(text)}`;
	throw new SystemdError(variable, `${variable} ${why}`);
}
