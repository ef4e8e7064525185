/** The settings of a TCP connection as `net.Socket` has them: quiet where they do not apply. */
import type { Stream } from "../stream/stream.ts";
import {
	IPPROTO_TCP,
	SO_KEEPALIVE,
	SOL_SOCKET,
	TCP_KEEPIDLE,
	TCP_NODELAY,
} from "../sys/constants.ts";
import { sys } from "../sys/current.ts";

const SECONDS_MAX = 32_767;

/** Sends small writes at once, or gathers them. */
export function setNoDelay(stream: Stream, enable: boolean): void {
	set(stream, IPPROTO_TCP, TCP_NODELAY, enable ? 1 : 0);
}

/** Probes a silent peer, after so long; 0 keeps the time that is set. */
export function setKeepAlive(stream: Stream, enable: boolean, initialDelayMs: number): void {
	set(stream, SOL_SOCKET, SO_KEEPALIVE, enable ? 1 : 0);
	const seconds = Math.min(Math.trunc(initialDelayMs / 1_000), SECONDS_MAX);
	if (enable && seconds > 0) set(stream, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
}

function set(stream: Stream, level: number, name: number, value: number): void {
	if (stream.transport !== "tcp" || stream.closed) return;
	sys.setsockopt(stream.socket.fd, level, name, new Uint8Array(Int32Array.of(value).buffer));
}
