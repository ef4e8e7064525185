/** The settings that a TCP connection wants before its first byte, in one place for both ends. */
import { type Known, requireInteger, requireOptions } from "../arguments.ts";
import { check, InvalidTypeError } from "../errors.ts";
import type { Socket } from "../socket/socket.ts";
import {
	IPPROTO_TCP,
	SO_KEEPALIVE,
	SOL_SOCKET,
	TCP_KEEPCNT,
	TCP_KEEPIDLE,
	TCP_KEEPINTVL,
	TCP_NODELAY,
} from "../sys/constants.ts";
import { sys } from "../sys/current.ts";

/** When a silent peer is found to be gone; tcp(7). A field left out keeps the system's value. */
export interface KeepAlive {
	/** Silence before the first probe, 1..32767 seconds; the system's default is two hours. */
	readonly idleSeconds?: number | undefined;
	/** Between probes, 1..32767 seconds; the system's default is 75. */
	readonly intervalSeconds?: number | undefined;
	/** Unanswered probes after which the connection fails with ETIMEDOUT, 1..127; the system's default is 9. */
	readonly count?: number | undefined;
}

/** TCP settings of `connect` and `listen`; they mean nothing for other transports. */
export interface TcpSettings {
	/** Whether small writes leave at once rather than wait for an acknowledgement (Nagle's algorithm). Default true, unlike the kernel. */
	readonly noDelay?: boolean | undefined;
	/** Probes of a silent connection. Default false: none. */
	readonly keepAlive?: boolean | KeepAlive | undefined;
}

const KNOWN: Known<KeepAlive> = { idleSeconds: true, intervalSeconds: true, count: true };
const SECONDS_MAX = 32_767;
const COUNT_MAX = 127;

/**
 * Checks `keepAlive`.
 *
 * @throws {InvalidTypeError | OutOfRangeError} it is no boolean and no object of figures, or a figure is wrong
 */
export function checkKeepAlive(name: string, value: unknown): void {
	if (typeof value === "boolean") return;
	if (typeof value !== "object" || value === null) {
		throw new InvalidTypeError(name, "true, false or an object", value);
	}
	const { idleSeconds, intervalSeconds, count } = requireOptions(value as KeepAlive, KNOWN, name);
	checkFigure("idleSeconds", idleSeconds, SECONDS_MAX);
	checkFigure("intervalSeconds", intervalSeconds, SECONDS_MAX);
	checkFigure("count", count, COUNT_MAX);
}

/** Sets them on a socket, checked as they are; a listening one hands them on to what it accepts; tcp(7). */
export function applyTcpSettings(socket: Socket, settings: TcpSettings): void {
	const { noDelay, keepAlive } = settings;
	if (noDelay !== false) setInteger(socket, IPPROTO_TCP, TCP_NODELAY, 1);
	if (keepAlive === undefined || keepAlive === false) return;
	setInteger(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
	if (keepAlive === true) return;
	const { idleSeconds, intervalSeconds, count } = keepAlive;
	if (idleSeconds !== undefined) setInteger(socket, IPPROTO_TCP, TCP_KEEPIDLE, idleSeconds);
	if (intervalSeconds !== undefined) {
		setInteger(socket, IPPROTO_TCP, TCP_KEEPINTVL, intervalSeconds);
	}
	if (count !== undefined) setInteger(socket, IPPROTO_TCP, TCP_KEEPCNT, count);
}

function checkFigure(name: string, value: unknown, max: number): void {
	if (value !== undefined) requireInteger(`keepAlive.${name}`, value, 1, max);
}

function setInteger(socket: Socket, level: number, option: number, value: number): void {
	const bytes = new Uint8Array(Int32Array.of(value).buffer);
	check(sys.setsockopt(socket.openFd(), level, option, bytes), "setsockopt");
}
