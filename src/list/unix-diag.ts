/** The kernel's list of Unix sockets: request and answers of unix_diag. Pure. See sock_diag(7), linux/unix_diag.h. */
import { readUint32 } from "../socket/little-endian.ts";
import { decodeSocketAddress, type SocketAddress } from "../socket/sockaddr.ts";
import { AF_UNIX } from "../sys/constants.ts";
import { type KernelSocket, stateOf, unixKindOf } from "./kernel-socket.ts";
import { readAttributes } from "./netlink.ts";

const REQUEST_BYTES = 24;
const ANSWER_BYTES = 16;
// UDIAG_SHOW_NAME, _VFS, _PEER, _ICONS, _RQLEN, _UID: all but how memory is used.
const SHOW = 0x5f;
const UNIX_DIAG_NAME = 0;
const UNIX_DIAG_VFS = 1;
const UNIX_DIAG_PEER = 2;
const UNIX_DIAG_ICONS = 3;
const UNIX_DIAG_RQLEN = 4;
const UNIX_DIAG_UID = 7;
const NAME_BYTES_MAX = 108;

/** Encodes the request for all of them. */
export function encodeUnixRequest(): Uint8Array {
	const bytes = new Uint8Array(REQUEST_BYTES);
	const view = new DataView(bytes.buffer);
	bytes[0] = AF_UNIX;
	view.setUint32(4, 0xffff_ffff, true);
	view.setUint32(12, SHOW, true);
	return bytes;
}

/** Decodes one answer; undefined when it is none. Never throws. */
export function decodeUnix(payload: Uint8Array): KernelSocket | undefined {
	const kind = unixKindOf(payload[1] ?? 0);
	if (payload.length < ANSWER_BYTES || payload[0] !== AF_UNIX || kind === undefined) {
		return undefined;
	}
	const attributes = readAttributes(payload, ANSWER_BYTES);
	const number = (type: number, offset = 0): number | undefined => {
		const value = attributes.get(type);
		return value && value.length >= offset + 4 ? readUint32(value, offset) : undefined;
	};
	return {
		kind,
		state: stateOf(payload[2] as number),
		inode: readUint32(payload, 4),
		local: nameOf(attributes.get(UNIX_DIAG_NAME)),
		uid: number(UNIX_DIAG_UID),
		receiveQueue: number(UNIX_DIAG_RQLEN),
		sendQueue: number(UNIX_DIAG_RQLEN, 4),
		peerInode: number(UNIX_DIAG_PEER),
		fileInode: number(UNIX_DIAG_VFS),
		waitingInodes: numbersIn(attributes.get(UNIX_DIAG_ICONS)),
	};
}

function nameOf(bytes: Uint8Array | undefined): SocketAddress | undefined {
	if (bytes === undefined || bytes.length === 0 || bytes.length > NAME_BYTES_MAX) return undefined;
	return decodeSocketAddress(Uint8Array.of(AF_UNIX, 0, ...bytes));
}

function numbersIn(bytes: Uint8Array | undefined): readonly number[] | undefined {
	if (bytes === undefined || bytes.length < 4) return undefined;
	const numbers: number[] = [];
	for (let at = 0; at + 4 <= bytes.length; at += 4) numbers.push(readUint32(bytes, at));
	return numbers;
}
