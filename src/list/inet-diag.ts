/** The kernel's lists of TCP, UDP and their kin: requests and answers of inet_diag. Pure. See sock_diag(7), linux/inet_diag.h. */
import { ipv4ToText, ipv6ToText } from "../socket/ip.ts";
import { readUint32 } from "../socket/little-endian.ts";
import type { SocketAddress } from "../socket/sockaddr.ts";
import { AF_INET, AF_INET6, IPPROTO_MPTCP, IPPROTO_RAW } from "../sys/constants.ts";
import {
	type KernelSocket,
	type SocketKind,
	type SocketState,
	stateOf,
	type TcpFigures,
} from "./kernel-socket.ts";
import { readAttributes } from "./netlink.ts";

const REQUEST_BYTES = 56;
const TCP_REQUEST_BYTES = 60;
const ANSWER_BYTES = 72;
const REQ_PROTOCOL = 3;
const INET_DIAG_INFO = 2;
const INET_DIAG_CONG = 4;
const INET_DIAG_SKV6ONLY = 11;
const EXTENSIONS = (1 << (INET_DIAG_INFO - 1)) | (1 << (INET_DIAG_CONG - 1));
const TCP_INFO_BYTES_MIN = 104;
const PROTOCOL_BYTE_MAX = 255;

/** Number of that state in include/net/tcp_states.h. */
const TCP_TIME_WAIT = 6;
/** The set of all states, a bit each. */
const ALL_STATES = 0xffff_ffff;
/** The same without connections that are over, of which a busy server has ten thousands. */
const LIVING_STATES: number = ALL_STATES - (1 << TCP_TIME_WAIT);
/** States without another end, and their numbers: for these alone the kernel leaves its table of connections alone, which takes milliseconds. */
const TCP_ALONE: Readonly<Partial<Record<SocketState, number>>> = {
	listening: 1 << 10,
	bound: 1 << 13,
	unconnected: 0,
};

/**
 * Encodes the request for the sockets of one family and protocol.
 *
 * @param family AF_INET or AF_INET6
 * @param states bit n for state n of TCP
 */
export function encodeInetRequest(
	family: number,
	protocol: number,
	states: number = ALL_STATES,
): Uint8Array {
	const isWide = protocol > PROTOCOL_BYTE_MAX;
	const bytes = new Uint8Array(REQUEST_BYTES + (isWide ? 8 : 0));
	const view = new DataView(bytes.buffer);
	bytes[0] = family;
	bytes[1] = isWide ? IPPROTO_RAW : protocol;
	bytes[2] = EXTENSIONS;
	view.setUint32(4, states, true);
	if (isWide) {
		view.setUint16(REQUEST_BYTES, 8, true);
		view.setUint16(REQUEST_BYTES + 2, REQ_PROTOCOL, true);
		view.setUint32(REQUEST_BYTES + 4, protocol, true);
	}
	return bytes;
}

/** Encodes the older request for sockets of TCP, of IPv4 and IPv6 in one pass: TCPDIAG_GETSOCK. */
export function encodeTcpRequest(states: number): Uint8Array {
	const bytes = new Uint8Array(TCP_REQUEST_BYTES);
	bytes[3] = EXTENSIONS;
	new DataView(bytes.buffer).setUint32(TCP_REQUEST_BYTES - 8, states, true);
	return bytes;
}

/** What to ask for when sockets of TCP in these states are wanted, with their other ends; of all states when there are none. */
export function tcpStatesFor(states: readonly SocketState[]): number {
	if (states.length === 0 || states.includes("time-wait")) return ALL_STATES;
	return states.reduce((set, state) => set | (TCP_ALONE[state] ?? LIVING_STATES), 0) >>> 0;
}

/** Decodes one answer; undefined when it is none. Never throws. */
export function decodeInet(kind: SocketKind, payload: Uint8Array): KernelSocket | undefined {
	const family = payload[0];
	if (payload.length < ANSWER_BYTES || (family !== AF_INET && family !== AF_INET6))
		return undefined;
	const isTcp = kind === "tcp" || kind === "mptcp";
	const plain = stateOf(payload[1] as number);
	// Such sockets of TCP are listed for the address that they have taken only.
	const state = isTcp && plain === "unconnected" ? "bound" : plain;
	const device = readUint32(payload, 40);
	const peer = addressAt(payload, family, 24, 6, device);
	const attributes = readAttributes(payload, ANSWER_BYTES);
	const isOnly = attributes.get(INET_DIAG_SKV6ONLY);
	const hasPeer = peer.port !== 0 || !isUnspecified(peer.host);
	const inode = readUint32(payload, 68);
	// What has no socket any more, or none yet, has zeros there.
	const isWhole = inode > 0 || !["time-wait", "syn-received"].includes(state);
	return {
		kind,
		state,
		inode,
		local: addressAt(payload, family, 8, 4, device),
		peer: state === "listening" || !hasPeer ? undefined : peer,
		device: device || undefined,
		...(isOnly && { isIpv6Only: isOnly[0] !== 0 }),
		uid: isWhole ? readUint32(payload, 64) : undefined,
		receiveQueue: isWhole ? readUint32(payload, 56) : undefined,
		sendQueue: isWhole ? readUint32(payload, 60) : undefined,
		tcp: isTcp && state !== "listening" ? figuresOf(attributes) : undefined,
	};
}

/** Whether an IP address is that of no host. */
export function isUnspecified(host: string): boolean {
	return host === "0.0.0.0" || host === "::";
}

function addressAt(
	bytes: Uint8Array,
	family: number,
	hostOffset: number,
	portOffset: number,
	device: number,
): Extract<SocketAddress, { host: string }> {
	const port = ((bytes[portOffset] as number) << 8) | (bytes[portOffset + 1] as number);
	if (family === AF_INET) return { family: "inet", host: ipv4ToText(bytes, hostOffset), port };
	const host = ipv6ToText(bytes, hostOffset);
	const isLinkLocal = bytes[hostOffset] === 0xfe && ((bytes[hostOffset + 1] ?? 0) & 0xc0) === 0x80;
	return { family: "inet6", host, port, ...(isLinkLocal && device > 0 && { scope: device }) };
}

// The places are those of struct tcp_info, which only grows at its end; linux/tcp.h.
function figuresOf(attributes: ReadonlyMap<number, Uint8Array>): TcpFigures | undefined {
	const info = attributes.get(INET_DIAG_INFO);
	if (info === undefined || info.length < TCP_INFO_BYTES_MIN) return undefined;
	const name = attributes.get(INET_DIAG_CONG);
	return {
		roundTripUs: readUint32(info, 68),
		roundTripVariationUs: readUint32(info, 72),
		retransmittedCount: readUint32(info, 100),
		unansweredCount: info[2] as number,
		congestionWindow: readUint32(info, 80),
		...(name && { congestionControl: asciiUntilNul(name) }),
	};
}

function asciiUntilNul(bytes: Uint8Array): string {
	const end = bytes.indexOf(0);
	return String.fromCharCode(...bytes.subarray(0, Math.min(end < 0 ? bytes.length : end, 16)));
}

/** The protocols of these lists, by kind. */
export const INET_PROTOCOLS: readonly (readonly [kind: SocketKind, protocol: number])[] = [
	["tcp", 6],
	["mptcp", IPPROTO_MPTCP],
	["udp", 17],
	["udplite", 136],
];
