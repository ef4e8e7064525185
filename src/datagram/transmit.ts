/** One datagram to the kernel, by the cheapest call that can carry it. */
import { type SyscallError, syscallError } from "../errors.ts";
import { sys } from "../sys/current.ts";
import { EAGAIN, ENOBUFS } from "../sys/errno.ts";
import type { Destination } from "./destinations.ts";

/** Sends one datagram: 0 or more, or -errno. */
export function transmit(fd: number, data: Uint8Array, to: Destination): number {
	const { name } = to;
	const control = to.passage === undefined ? to.control : to.passage.control;
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
