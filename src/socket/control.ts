/**
 * Control messages (cmsg): bytes to messages and back, in the layout of 64-bit little-endian Linux.
 *
 * Whatever the bytes are, reading ends: each step moves on by a header at least, and a message that
 * does not fit ends it.
 */
import { requireArray, requireBytes, requireInteger, requireObject } from "../arguments.ts";
import { LimitError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import {
	IPPROTO_UDP,
	SCM_CREDENTIALS,
	SCM_RIGHTS,
	SOL_SOCKET,
	UDP_SEGMENT,
} from "../sys/constants.ts";
import { readInt32, readUint32 } from "./little-endian.ts";
import type { Credentials } from "./option-value.ts";

/** One control message; cmsg(3). */
export interface ControlMessage {
	/** Level such as SOL_SOCKET. */
	readonly level: number;
	/** Type within the level, such as SCM_RIGHTS. */
	readonly type: number;
	/** What it carries. When received, a view of the bytes that were read. */
	readonly data: Uint8Array;
}

// struct cmsghdr: size_t cmsg_len, int cmsg_level, int cmsg_type; then data, padded to size_t.
const HEADER_BYTES = 16;
const ALIGN_BYTES = 8;
const INT_MIN = -0x8000_0000;
const INT_MAX = 0x7fff_ffff;
const UINT32_MAX = 0xffff_ffff;

/**
 * Tells the room in bytes that one message takes with its header and padding; CMSG_SPACE(3).
 *
 * @throws {OutOfRangeError} `dataBytes` is no integer from 0 to 2147483647
 */
export function controlSpaceBytes(dataBytes: number): number {
	return HEADER_BYTES + align(requireInteger("dataBytes", dataBytes, 0, INT_MAX));
}

/**
 * Encodes messages one after the other, as sendmsg(2) takes them.
 *
 * @throws {InvalidTypeError} a field has the wrong type
 * @throws {OutOfRangeError} level or type is no int
 */
export function encodeControl(messages: readonly ControlMessage[]): Uint8Array {
	requireArray("control", messages);
	let size = 0;
	for (const { data } of messages) size += controlSpaceBytes(requireBytes("data", data).length);
	const bytes = new Uint8Array(size);
	const view = new DataView(bytes.buffer);
	let offset = 0;
	for (const { level, type, data } of messages) {
		view.setUint32(offset, HEADER_BYTES + data.byteLength, true);
		view.setInt32(offset + 8, requireInteger("level", level, INT_MIN, INT_MAX), true);
		view.setInt32(offset + 12, requireInteger("type", type, INT_MIN, INT_MAX), true);
		bytes.set(requireBytes("data", data), offset + HEADER_BYTES);
		offset += controlSpaceBytes(data.byteLength);
	}
	return bytes;
}

/**
 * Iterates over the messages in exactly the bytes that recvmsg(2) filled.
 *
 * Data are views, valid as long as `input` is. A header whose length is shorter than itself or
 * longer than what is left ends the iteration.
 */
export function* controlMessages(input: Uint8Array): Generator<ControlMessage, void, undefined> {
	const bytes = requireBytes("bytes", input);
	let offset = 0;
	while (offset < bytes.length) {
		const end = messageEnd(bytes, offset, bytes.length);
		if (end < 0) return;
		yield {
			level: readInt32(bytes, offset + 8),
			type: readInt32(bytes, offset + 12),
			data: bytes.subarray(offset + HEADER_BYTES, end),
		};
		offset += align(end - offset);
	}
}

/**
 * Finds the first message of one kind without making an object: for what is asked of every
 * datagram.
 *
 * @param start where the messages begin in `bytes`
 * @param end where they end, as recvmsg(2) told it
 * @param least bytes of data that the message must have
 * @returns where its data begin, or -1
 */
export function findControl(
	bytes: Uint8Array,
	start: number,
	end: number,
	level: number,
	type: number,
	least: number,
): number {
	const limit = Math.min(end, bytes.length);
	let offset = start;
	while (offset < limit) {
		const messageLimit = messageEnd(bytes, offset, limit);
		if (messageLimit < 0) return -1;
		const isWanted =
			readInt32(bytes, offset + 8) === level &&
			readInt32(bytes, offset + 12) === type &&
			messageLimit - offset - HEADER_BYTES >= least;
		if (isWanted) return offset + HEADER_BYTES;
		offset += align(messageLimit - offset);
	}
	return -1;
}

/**
 * Makes the message that passes descriptors; unix(7). They stay open here.
 *
 * @throws {LimitError} more than 253, which is the kernel's limit for one message
 * @throws {OutOfRangeError} a number is no descriptor
 */
export function rightsMessage(descriptors: readonly number[]): ControlMessage {
	requireArray("descriptors", descriptors);
	checkDescriptorsCount(descriptors.length);
	const data = new Uint8Array(descriptors.length * 4);
	const view = new DataView(data.buffer);
	for (const [i, fd] of descriptors.entries()) {
		view.setInt32(i * 4, requireInteger("descriptor", fd, 0, INT_MAX), true);
	}
	return { level: SOL_SOCKET, type: SCM_RIGHTS, data };
}

/**
 * Makes the message that states who sends; the kernel refuses what is not true, but for the
 * privileged. unix(7)
 *
 * @throws {OutOfRangeError} an id is out of range
 */
export function credentialsMessage(credentials: Credentials): ControlMessage {
	const { pid, uid, gid } = requireObject("credentials", credentials) as Credentials;
	const data = new Uint8Array(12);
	const view = new DataView(data.buffer);
	view.setInt32(0, requireInteger("pid", pid, 0, INT_MAX), true);
	view.setUint32(4, requireInteger("uid", uid, 0, UINT32_MAX), true);
	view.setUint32(8, requireInteger("gid", gid, 0, UINT32_MAX), true);
	return { level: SOL_SOCKET, type: SCM_CREDENTIALS, data };
}

/**
 * Makes the message that has the kernel cut one write into datagrams; udp(7), UDP_SEGMENT.
 *
 * @param segmentBytes 1..65535, payload of each datagram but the last
 * @throws {OutOfRangeError} out of range
 */
export function segmentMessage(segmentBytes: number): ControlMessage {
	const size = requireInteger("segmentBytes", segmentBytes, 1, 65_535);
	return { level: IPPROTO_UDP, type: UDP_SEGMENT, data: Uint8Array.of(size, size >> 8) };
}

// Returns -1 when no whole message is there.
function messageEnd(bytes: Uint8Array, offset: number, limit: number): number {
	if (limit - offset < HEADER_BYTES) return -1;
	const length = readUint32(bytes, offset);
	const isTooLong = readInt32(bytes, offset + 4) !== 0 || length > limit - offset;
	return isTooLong || length < HEADER_BYTES ? -1 : offset + length;
}

function align(bytes: number): number {
	return Math.ceil(bytes / ALIGN_BYTES) * ALIGN_BYTES;
}

/** @throws {LimitError} more descriptors than one message takes */
export function checkDescriptorsCount(count: number): void {
	const { descriptorsPerMessageCount } = LIMITS;
	if (count <= descriptorsPerMessageCount) return;
	const advice = "send the rest with another message";
	throw new LimitError("descriptorsPerMessageCount", count, descriptorsPerMessageCount, advice);
}
