/**
 * Senders' addresses by their raw bytes. Most datagrams come from a sender who was heard before, so that an address is decoded once and no
 * key is made to find it again. One cache a thread, of bounded size: a newcomer takes the place of an older peer.
 */
import type { AddressOf } from "../socket/address.ts";
import { decodeSocketAddress, SOCKADDR_BYTES_MAX } from "../socket/sockaddr.ts";
import { fromSocketAddress } from "../socket/transport.ts";
import type { DatagramTransport } from "./datagram-contract.ts";

interface Peer {
	readonly name: Uint8Array;
	readonly address: AddressOf<DatagramTransport>;
}

// Pairs of places: 4,096 peers. A peer costs about 300 bytes.
const PAIRS = 2_048;

const TRANSPORT_OF_FAMILY: Readonly<Record<string, DatagramTransport>> = {
	inet: "udp",
	inet6: "udp",
	unix: "unix-dgram",
	vsock: "vsock-dgram",
};

const peers: (Peer | undefined)[] = [];
let latest: Peer | undefined;

/**
 * The address in `names` at `offset`, as an object that is shared and frozen.
 *
 * @param length as the kernel told it
 */
export function peerAt(
	names: Uint8Array,
	offset: number,
	length: number,
): AddressOf<DatagramTransport> {
	const size = Math.min(length, SOCKADDR_BYTES_MAX);
	if (latest !== undefined && matches(latest, names, offset, size)) return latest.address;
	const place = 2 * (hash(names, offset, size) & (PAIRS - 1));
	const first = peers[place];
	if (first !== undefined && matches(first, names, offset, size)) {
		latest = first;
		return first.address;
	}
	const second = peers[place + 1];
	if (second !== undefined && matches(second, names, offset, size)) latest = second;
	else latest = decode(names.slice(offset, offset + size));
	peers[place + 1] = first;
	peers[place] = latest;
	return latest.address;
}

function matches({ name }: Peer, names: Uint8Array, offset: number, size: number): boolean {
	if (name.length !== size) return false;
	// From the end: the beginning, family and network, is what most names have in common.
	for (let i = Math.min(size, SOCKADDR_BYTES_MAX) - 1; i >= 0; i--) {
		if (name[i] !== names[offset + i]) return false;
	}
	return true;
}

// FNV-1a; a peer who makes names collide only costs us their decoding.
function hash(names: Uint8Array, offset: number, size: number): number {
	let value = 0x811c_9dc5;
	for (let i = offset; i < offset + size; i++) {
		value = Math.imul(value ^ (names[i] as number), 0x0100_0193);
	}
	return value ^ (value >>> 15);
}

function decode(name: Uint8Array): Peer {
	const decoded = decodeSocketAddress(name);
	const transport = TRANSPORT_OF_FAMILY[decoded.family] as DatagramTransport;
	return { name, address: Object.freeze(fromSocketAddress(transport, decoded)) };
}
