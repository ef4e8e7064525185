/**
 * Sending without fragmentation by IPv4. There is no control message for that, unlike IPv6: an option of the socket is set for the time of
 * one call.
 */
import {
	IP_MTU_DISCOVER,
	IP_PMTUDISC_DO,
	IP_PMTUDISC_PROBE,
	IPPROTO_IP,
} from "../sys/constants.ts";
import { sys } from "../sys/current.ts";

const FORBIDDEN = int32(IP_PMTUDISC_DO);
// Asked each time: who holds the socket may set the option too.
const before = new Uint8Array(4);

/**
 * Makes a call that sends with fragmentation forbidden, and sets the option back.
 *
 * @param send returns 0 or more, or -errno
 * @returns what it returned, or -errno of the option: then nothing was sent
 * @see ip(7) for IP_MTU_DISCOVER
 */
export function sendUnfragmented(fd: number, send: () => number): number {
	const asked = sys.getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, before);
	if (asked < 0) return asked;
	const [mode] = before;
	if (mode === IP_PMTUDISC_DO || mode === IP_PMTUDISC_PROBE) return send();
	const set = sys.setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, FORBIDDEN);
	if (set < 0) return set;
	const rc = send();
	sys.setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, before);
	return rc;
}

function int32(value: number): Uint8Array {
	return new Uint8Array(Int32Array.of(value).buffer);
}
