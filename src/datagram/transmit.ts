/** One datagram to the kernel, by the cheapest call that can carry it. */
import { type SyscallError, syscallError } from "../errors.ts";
import { callWithLongPath } from "../socket/long-path.ts";
import { sys } from "../sys/current.ts";
import { EAGAIN, ENOBUFS } from "../sys/errno.ts";
import type { Destination } from "./destinations.ts";
import { sendUnfragmented } from "./unfragmented.ts";

/** Sends one datagram: 0 or more, or -errno. */
export function transmit(fd: number, data: Uint8Array, to: Destination): number {
	const { name, longPath, isUnfragmented } = to;
	const control = to.passage === undefined ? to.control : to.passage.control;
	if (longPath !== undefined) {
		return callWithLongPath(longPath, (reached) => transmitTo(fd, data, reached, control));
	}
	return isUnfragmented
		? sendUnfragmented(fd, () => transmitTo(fd, data, name, control))
		: transmitTo(fd, data, name, control);
}

/** Makes one system call with the name of a destination. Returns what it returns, or -errno when a long path leads nowhere. */
export function reaching(
	{ name, longPath }: Destination,
	call: (name: Uint8Array) => number,
): number {
	return longPath === undefined ? call(name) : callWithLongPath(longPath, call);
}

function transmitTo(
	fd: number,
	data: Uint8Array,
	name: Uint8Array,
	control: Uint8Array | undefined,
): number {
	if (control !== undefined) {
		return sys.sendmsg(fd, [data], name.length === 0 ? null : name, control, 0);
	}
	return name.length === 0
		? sys.send(fd, data, 0, data.length, 0)
		: sys.sendto(fd, data, 0, data.length, 0, name);
}

/** Whether a call failed for want of room only: at this socket, at the peer's, or at the network card. */
export function isFull(rc: number): boolean {
	return rc === EAGAIN || rc === ENOBUFS;
}

/** The error of a `transmit` that failed. */
export function transmitError(rc: number, { target, passage }: Destination): SyscallError {
	return syscallError(passage === undefined ? "sendto" : "sendmsg", rc, target);
}
