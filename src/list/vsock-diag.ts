/** The kernel's list of vsock sockets: request and answers of vsock_diag. Pure. See vsock(7), linux/vm_sockets_diag.h. */
import { readUint32 } from "../socket/little-endian.ts";
import type { VsockAddress } from "../socket/sockaddr.ts";
import { AF_VSOCK, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } from "../sys/constants.ts";
import { type KernelSocket, type SocketKind, stateOf } from "./kernel-socket.ts";

const REQUEST_BYTES = 24;
const ANSWER_BYTES = 32;
const ANY = 0xffff_ffff;
const KINDS: Readonly<Record<number, SocketKind>> = {
	[SOCK_STREAM]: "vsock",
	[SOCK_DGRAM]: "vsock-dgram",
	[SOCK_SEQPACKET]: "vsock-seqpacket",
};

/** Encodes the request for all of them. */
export function encodeVsockRequest(): Uint8Array {
	const bytes = new Uint8Array(REQUEST_BYTES);
	bytes[0] = AF_VSOCK;
	new DataView(bytes.buffer).setUint32(4, ANY, true);
	return bytes;
}

/** Decodes one answer; undefined when it is none. Never throws. */
export function decodeVsock(payload: Uint8Array): KernelSocket | undefined {
	const kind = KINDS[payload[1] ?? 0];
	if (payload.length < ANSWER_BYTES || payload[0] !== AF_VSOCK || kind === undefined) {
		return undefined;
	}
	const peer = placeAt(payload, 12);
	return {
		kind,
		state: stateOf(payload[2] as number),
		inode: readUint32(payload, 20),
		local: placeAt(payload, 4),
		peer: peer.cid === ANY && peer.port === ANY ? undefined : peer,
	};
}

function placeAt(bytes: Uint8Array, offset: number): VsockAddress {
	return { family: "vsock", cid: readUint32(bytes, offset), port: readUint32(bytes, offset + 4) };
}
