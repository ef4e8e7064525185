/**
 * Netlink messages and attributes between bytes and objects: pure, and made for any bytes at all. What is no message ends the reading, with
 * what came before it kept.
 *
 * @see netlink(7), linux/netlink.h
 */
import { readInt32, readUint32 } from "../socket/little-endian.ts";

/** Types of messages that belong to every protocol; linux/netlink.h. */
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
/** TCPDIAG_GETSOCK of linux/inet_diag.h: the older request for sockets of TCP, of both families at once, and the answers to it. */
export const TCPDIAG_GETSOCK = 18;
/** SOCK_DIAG_BY_FAMILY of linux/sock_diag.h: requests and answers of all its families. */
export const SOCK_DIAG_BY_FAMILY = 20;

/** The listing changed while the kernel went through it, so that something may be missing or be there twice. */
export const NLM_F_DUMP_INTR = 0x10;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;

const MESSAGE_HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
// The two highest bits tell how a value is laid out, not which one it is.
const ATTRIBUTE_TYPE_MASK = 0x3fff;

/** One message. */
export interface NetlinkMessage {
	readonly type: number;
	readonly flags: number;
	/** Number of the request that it answers. */
	readonly sequence: number;
	/** What follows the header, over the same memory. */
	readonly payload: Uint8Array;
}

/** The messages of one datagram. */
export interface NetlinkMessages {
	readonly messages: readonly NetlinkMessage[];
	/** `"cut"`: bytes are left that are no whole message. */
	readonly end: "whole" | "cut";
}

/** Encodes the request for a listing. */
export function encodeDumpRequest(
	sequence: number,
	payload: Uint8Array,
	type: number = SOCK_DIAG_BY_FAMILY,
): Uint8Array {
	const bytes = new Uint8Array(MESSAGE_HEADER_BYTES + payload.length);
	const view = new DataView(bytes.buffer);
	view.setUint32(0, bytes.length, true);
	view.setUint16(4, type, true);
	view.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, true);
	view.setUint32(8, sequence, true);
	bytes.set(payload, MESSAGE_HEADER_BYTES);
	return bytes;
}

/** Takes one datagram apart. Never throws. */
export function readMessages(bytes: Uint8Array): NetlinkMessages {
	const messages: NetlinkMessage[] = [];
	let offset = 0;
	while (offset < bytes.length) {
		const length = readUint32(bytes, offset);
		if (length < MESSAGE_HEADER_BYTES || length > bytes.length - offset) {
			return { messages, end: "cut" };
		}
		messages.push({
			type: readUint16(bytes, offset + 4),
			flags: readUint16(bytes, offset + 6),
			sequence: readUint32(bytes, offset + 8),
			payload: bytes.subarray(offset + MESSAGE_HEADER_BYTES, offset + length),
		});
		offset += align4(length);
	}
	return { messages, end: "whole" };
}

/** Reads the attributes from `offset` on, by their type; of two with one type the later counts. Never throws. */
export function readAttributes(bytes: Uint8Array, offset: number): ReadonlyMap<number, Uint8Array> {
	const attributes = new Map<number, Uint8Array>();
	let at = offset;
	while (at + ATTRIBUTE_HEADER_BYTES <= bytes.length) {
		const length = readUint16(bytes, at);
		if (length < ATTRIBUTE_HEADER_BYTES || length > bytes.length - at) break;
		const type = readUint16(bytes, at + 2) & ATTRIBUTE_TYPE_MASK;
		attributes.set(type, bytes.subarray(at + ATTRIBUTE_HEADER_BYTES, at + length));
		at += align4(length);
	}
	return attributes;
}

/** The error number of NLMSG_ERROR or NLMSG_DONE: 0, or a negative one. */
export function errorOf({ payload }: NetlinkMessage): number {
	return payload.length < 4 ? 0 : Math.min(0, readInt32(payload, 0));
}

function readUint16(bytes: Uint8Array, offset: number): number {
	return (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8);
}

function align4(length: number): number {
	return (length + 3) & ~3;
}
