/** What callers give to be sent, checked. */
import { requireBytes } from "../arguments.ts";
import { LimitError, UnsupportedError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Destination } from "./destinations.ts";
import type { SendOptions } from "./send-details.ts";

/**
 * The bytes of one datagram.
 *
 * @throws {LimitError} more than the destination can take
 */
export function payloadOf(data: Uint8Array | string, { maxBytes }: Destination): Uint8Array {
	const bytes = typeof data === "string" ? Buffer.from(data) : requireBytes("data", data);
	if (bytes.length <= maxBytes) return bytes;
	const limit =
		maxBytes === LIMITS.udpPayloadBytesIpv4 ? "udpPayloadBytesIpv4" : "udpPayloadBytesIpv6";
	throw new LimitError(limit, bytes.length, maxBytes, "send it in several datagrams, or by TCP");
}

/**
 * Refuses what only one datagram can take along.
 *
 * @throws {UnsupportedError} there is some
 */
export function refusePassing(options: SendOptions | undefined): void {
	if (options?.descriptors === undefined && options?.credentials === undefined) return;
	const why = "descriptors and credentials belong to one datagram; use send()";
	throw new UnsupportedError("passing with a batch", why);
}
