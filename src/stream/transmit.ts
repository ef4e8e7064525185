/** One datagram to the kernel, by the cheapest call that can carry it. */
import { sys } from "../sys/current.ts";
import type { Destination } from "./destinations.ts";

/** Sends one datagram: 0 or more, or -errno. */
export function transmit(fd: number, data: Uint8Array, { name, control }: Destination): number {
	if (control !== undefined) {
		return sys.sendmsg(fd, [data], name.length === 0 ? null : name, control, 0);
	}
	return name.length === 0
		? sys.send(fd, data, 0, data.length, 0)
		: sys.sendto(fd, data, 0, data.length, 0, name);
}
