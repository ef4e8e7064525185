/** What callers give to be sent, checked. */
import { requireBytes, requireBytesOrText, requireInteger } from "../arguments.ts";
import { LimitError, UnsupportedError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Destination } from "./destinations.ts";
import type { SegmentRun } from "./segment-run.ts";
import type { SendOptions } from "./send-details.ts";

const MESSAGE_BYTES_MAX = 67_108_864;

/**
 * The bytes of one datagram.
 *
 * @throws {LimitError} more than the destination can take
 */
export function payloadOf(data: Uint8Array | string, { maxBytes }: Destination): Uint8Array {
	const bytes = requireBytesOrText("data", data);
	if (bytes.length <= maxBytes) return bytes;
	const limit =
		maxBytes === LIMITS.udpPayloadBytesIpv4 ? "udpPayloadBytesIpv4" : "udpPayloadBytesIpv6";
	throw new LimitError(limit, bytes.length, maxBytes, "send it in several datagrams, or by TCP");
}

/**
 * Bytes that are to leave as datagrams of one length.
 *
 * @throws {OutOfRangeError} no datagram to the destination can have this length
 */
export function runOf(data: Uint8Array, stride: number, to: Destination): SegmentRun {
	requireInteger("stride", stride, 1, Math.min(to.maxBytes, MESSAGE_BYTES_MAX));
	const bytes = requireBytes("data", data);
	return { data: bytes, bytes: bytes.length, stride, to, sentBytes: 0 };
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
