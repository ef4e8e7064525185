/**
 * What the network says about datagrams that were sent: ICMP errors, by the error queue of the socket. Whoever asks for them gets them as
 * reports, and no call fails for them any more.
 */
import { errnoName } from "../errno-name.ts";
import type { UdpAddress } from "../socket/address.ts";
import { findControl } from "../socket/control.ts";
import { ENABLE, readInt32, readUint32 } from "../socket/little-endian.ts";
import { decodeSocketAddress, SOCKADDR_BYTES_MAX } from "../socket/sockaddr.ts";
import type { Socket } from "../socket/socket.ts";
import { fromSocketAddress } from "../socket/transport.ts";
import {
	IP_RECVERR,
	IPPROTO_IP,
	IPPROTO_IPV6,
	IPV6_RECVERR,
	MSG_ERRQUEUE,
} from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { EMSGSIZE } from "../sys/errno.ts";
import { peerAt } from "./peer-cache.ts";

/** Why a datagram did not arrive. */
export interface NetworkError {
	/** The same as Node's: `"ECONNREFUSED"`, `"EHOSTUNREACH"`, `"EMSGSIZE"`, ... */
	readonly code: string;
	/** Negative error number. */
	readonly errno: number;
	/** `"unreachable"`: port, host or network. `"too-big"`: for the path; see `mtu`. `"expired"`: the hop limit was reached. */
	readonly kind: "unreachable" | "too-big" | "expired" | "other";
	/** Who found out: this machine, or somebody on the path by ICMP. */
	readonly origin: "local" | "icmp" | "icmp6" | "other";
	/** Type and code of the ICMP message; 0 for the origin `"local"`. */
	readonly icmpType: number;
	readonly icmpCode: number;
	/** Where the datagram was sent to. */
	readonly peer: UdpAddress;
	/** Numeric address of the host that reported it, when it is known. */
	readonly reporter?: string;
	/** Largest packet that gets through, headers included; for `"too-big"`. */
	readonly mtu?: number;
}

/** Is told of each. */
export type NetworkErrorListener = (error: NetworkError) => void;

// linux/errqueue.h: struct sock_extended_err { errno, origin, type, code, pad, info, data }, then the reporter's sockaddr.
const EXTENDED_BYTES = 16;
const ORIGINS = ["other", "local", "icmp", "icmp6"] as const;

// Bounds the time that a flood of errors can take at once; the rest comes with the next call.
const REPORTS_MAX = 64;

const nothing = [new Uint8Array(0)];
const name = new Uint8Array(SOCKADDR_BYTES_MAX);
const control = new Uint8Array(512);

/** The error queue of one UDP socket. */
export class ErrorQueue {
	readonly #socket: Socket;
	readonly #listener: NetworkErrorListener;

	constructor(socket: Socket, listener: NetworkErrorListener) {
		this.#socket = socket;
		this.#listener = listener;
		const isIpv6 = socket.family === "inet6";
		if (isIpv6) socket.setsockopt(IPPROTO_IPV6, IPV6_RECVERR, ENABLE);
		// On an IPv6 socket for what was sent to IPv4.
		sys.setsockopt(socket.openFd(), IPPROTO_IP, IP_RECVERR, ENABLE);
	}

	/** Passes on what is queued. Returns whether some of it came from the network: then the call that failed was not the one at fault. */
	drain(): boolean {
		let isForeign = false;
		for (let count = 0; count < REPORTS_MAX && !this.#socket.closed; count++) {
			if (sys.recvmsg(this.#socket.fd, nothing, name, control, MSG_ERRQUEUE) < 0) break;
			const error = readError(sys.out[0] as number, sys.out[1] as number);
			if (error === undefined) continue;
			if (error.origin !== "local") isForeign = true;
			this.#tell(error);
		}
		return isForeign;
	}

	// From a frame of its own: the listener may throw, or close the socket.
	#tell(error: NetworkError): void {
		queueMicrotask(() => {
			if (!this.#socket.closed) this.#listener(error);
		});
	}
}

function readError(nameLength: number, controlLength: number): NetworkError | undefined {
	const find = (level: number, type: number): number =>
		findControl(control, 0, controlLength, level, type, EXTENDED_BYTES);
	const ipv6 = find(IPPROTO_IPV6, IPV6_RECVERR);
	const at = ipv6 >= 0 ? ipv6 : find(IPPROTO_IP, IP_RECVERR);
	if (at < 0 || nameLength === 0) return undefined;
	return decode(at, peerAt(name, 0, nameLength) as UdpAddress);
}

function decode(at: number, peer: UdpAddress): NetworkError {
	const errno = -readInt32(control, at);
	const origin = ORIGINS[control[at + 4] as number] ?? "other";
	const icmpType = control[at + 5] as number;
	const reporter = reporterAt(at + EXTENDED_BYTES);
	return {
		code: errnoName(errno),
		errno,
		kind: kindOf(errno, origin, icmpType),
		origin,
		icmpType,
		icmpCode: control[at + 6] as number,
		peer,
		...(reporter !== undefined && { reporter }),
		...(errno === EMSGSIZE && { mtu: readUint32(control, at + 8) }),
	};
}

// Types of RFC 792 and of RFC 4443.
function kindOf(
	errno: number,
	origin: NetworkError["origin"],
	icmpType: number,
): NetworkError["kind"] {
	if (errno === EMSGSIZE) return "too-big";
	if (origin !== "icmp" && origin !== "icmp6") return "other";
	const [unreachable, expired] = origin === "icmp" ? [3, 11] : [1, 3];
	if (icmpType === unreachable) return "unreachable";
	return icmpType === expired ? "expired" : "other";
}

// AF_UNSPEC when it is not known.
function reporterAt(offset: number): string | undefined {
	const bytes = control.subarray(offset, offset + 28);
	if (bytes.length < 2 || (bytes[0] === 0 && bytes[1] === 0)) return undefined;
	const reporter = decodeSocketAddress(bytes);
	if (reporter.family !== "inet" && reporter.family !== "inet6") return undefined;
	// Written as peers are: an IPv6 socket hears of IPv4 hosts by mapped addresses.
	const address = fromSocketAddress("udp", reporter);
	return "host" in address ? address.host : undefined;
}
