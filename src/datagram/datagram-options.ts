/** Options of datagram sockets that are open, and what they mean to the kernel and to both directions. */
import { AsyncResource } from "node:async_hooks";
import { requireBoolean, requireInteger, requireOneOf } from "../arguments.ts";
import { UnsupportedError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { Companions } from "../packet/companions.ts";
import type { ArrivalOptions } from "../socket/arrived-control.ts";
import { ENABLE } from "../socket/little-endian.ts";
import type { Socket } from "../socket/socket.ts";
import { IPPROTO_UDP, UDP_GRO } from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import type { SendSetup } from "./batch-sender.ts";
import type { DatagramTransport } from "./datagram-contract.ts";
import { type DetailSwitches, enableDetails } from "./datagram-details.ts";
import type { DatagramIntakeSetup } from "./datagram-intake.ts";
import { ErrorQueue, type NetworkErrorListener } from "./error-queue.ts";
import { Segmentation } from "./segmentation.ts";

/** Options of datagram sockets that are open: of `socketpair`, and among those of `datagrams` and `adopt`. */
export interface DatagramsOptions extends ArrivalOptions {
	/** Datagrams longer than this are cut, marked and counted, 1..67108864 bytes. Default: 65536 for UDP, which cuts none, and 262144 for others. */
	readonly maxMessageBytes?: number | undefined;
	/** What to receive with each datagram besides its bytes and sender. Default: nothing. */
	readonly details?: DetailSwitches | undefined;
	/**
	 * Is told what ICMP says about datagrams that were sent, of a connected socket and of others; no call fails for it then. Called when a
	 * receive or a send meets the errors, never after `close`. Default: nobody, and only calls of a connected socket fail. IP_RECVERR, ip(7).
	 */
	readonly onNetworkError?: NetworkErrorListener | undefined;
	/** Has the kernel cut and glue UDP datagrams where it can (UDP_SEGMENT, UDP_GRO), which changes nothing but the speed. Default true. */
	readonly offload?: boolean | undefined;
	/** Bytes of datagrams that may wait for the kernel, 1..1073741824. Default 262144. */
	readonly queueBytes?: number | undefined;
	/** What becomes of a datagram for which there is no room: its `send` waits (the default), or it is dropped and counted. */
	readonly onFull?: "wait" | "drop" | undefined;
}

/** Room for any UDP datagram, and for what GRO makes of several. */
const UDP_ROOM_BYTES = 65_536;
const MESSAGE_BYTES_MAX = 67_108_864;
const QUEUE_BYTES_MAX = 1_073_741_824;
/** What GRO says: struct cmsghdr and an int, padded; CMSG_SPACE(3). */
const STRIDE_CONTROL_BYTES = 24;

const gluing = new Uint8Array(4);

/** Makes a socket ready, and both its directions. */
export function applyDatagramsOptions(
	socket: Socket,
	transport: DatagramTransport,
	options: DatagramsOptions,
	isConnected: boolean,
): { intake: DatagramIntakeSetup; queue: SendSetup } {
	const isUdp = transport === "udp";
	const isUnix = transport === "unix-dgram";
	const offload = isUdp && requireBoolean("offload", options.offload ?? true);
	const errors = errorsFor(socket, isUdp, options);
	const queue: SendSetup = {
		socket,
		isConnected,
		tellsRoom: isUdp || isConnected,
		errors,
		segmentation: new Segmentation(socket, offload),
		limitBytes: requireInteger(
			"queueBytes",
			options.queueBytes ?? LIMITS.datagramQueueBytes,
			1,
			QUEUE_BYTES_MAX,
		),
		drops: requireOneOf("onFull", options.onFull ?? "wait", ["wait", "drop"]) === "drop",
	};
	const sizes = intakeSizes(isUdp, options);
	const detailBytes = enableDetails(socket, options.details);
	const intake: DatagramIntakeSetup = {
		...sizes,
		companions: new Companions(
			socket,
			isUnix,
			options,
			isUdp ? roomFor(socket, detailBytes) : detailBytes,
		),
		glue: offload ? () => glue(socket, detailBytes) : undefined,
		isDetailed: detailBytes > 0,
		errors,
	};
	return { intake, queue };
}

function errorsFor(
	socket: Socket,
	isUdp: boolean,
	{ onNetworkError }: DatagramsOptions,
): ErrorQueue | undefined {
	if (onNetworkError === undefined) return undefined;
	if (!isUdp) throw new UnsupportedError("network errors", "only UDP has them");
	// It runs whenever a call meets the errors: let it find its caller's AsyncLocalStorage.
	return new ErrorQueue(socket, AsyncResource.bind(onNetworkError));
}

function intakeSizes(
	isUdp: boolean,
	options: DatagramsOptions,
): Pick<DatagramIntakeSetup, "roomBytes" | "maxBytes"> {
	const maxBytes = requireInteger(
		"maxMessageBytes",
		options.maxMessageBytes ?? (isUdp ? UDP_ROOM_BYTES : LIMITS.messageBytes),
		1,
		MESSAGE_BYTES_MAX,
	);
	return { roomBytes: isUdp ? UDP_ROOM_BYTES : maxBytes, maxBytes };
}

// A former owner may have had the kernel glue datagrams, or do so until it knows that it is none any more: they come one by one here only if there is
// room for their stride.
function roomFor(socket: Socket, detailBytes: number): number {
	const isGluing =
		socket.descriptor.isForeign ||
		(sys.getsockopt(socket.fd, IPPROTO_UDP, UDP_GRO, gluing) > 0 && gluing[0] !== 0);
	return isGluing ? Math.max(detailBytes, STRIDE_CONTROL_BYTES) : detailBytes;
}

// A kernel without GRO refuses the option, and then delivers each datagram by itself.
function glue(socket: Socket, detailBytes: number): number {
	const glues = sys.setsockopt(socket.fd, IPPROTO_UDP, UDP_GRO, ENABLE) >= 0;
	return glues ? Math.max(detailBytes, STRIDE_CONTROL_BYTES) : detailBytes;
}
