/** Whom a comparison talks to: one target for each kind. */
import { type Address, connect, datagrams, formatAddress } from "../../index.ts";
import { ByteLink } from "./byte-link.ts";
import { DatagramLink } from "./datagram-link.ts";
import { isKind, type Kind } from "./kinds.ts";
import type { Link } from "./link.ts";
import { PacketLink } from "./packet-link.ts";
import { PipeChannel } from "./pipe-channel.ts";
import { MESSAGE_BYTES_MAX } from "./protocol.ts";

const CONNECT_MS = 5_000;
/** Largest UDP datagram over IPv4. */
const UDP_BYTES_MAX = 65_507;
/** What a network usually carries in one piece. */
const UDP_BYTES_UNDIVIDED = 1_400;

/** Someone to measure against. */
export interface Target {
	readonly kind: Kind;
	/** The address, or what stands in its place. */
	readonly place: string;
	/** Size of a large message. */
	readonly largeBytes: number;
	/** Opens a link for a conversation. */
	open(signal: AbortSignal): Promise<Link>;
	/** Opens a connection and closes it again; undefined where there is no such thing. */
	readonly openAndClose?: (signal: AbortSignal) => Promise<void>;
}

/** The kind of socket that an address stands for; undefined for one that is not compared. */
export function kindOf(address: Address): Kind | undefined {
	const { transport } = address;
	return isKind(transport) ? transport : undefined;
}

/** A server of this kind at an address. */
export function socketTarget(kind: Kind, address: Address, isRemote: boolean): Target {
	const udpBytes = isRemote ? UDP_BYTES_UNDIVIDED : UDP_BYTES_MAX;
	const isDatagram = kind === "udp" || kind === "unix-dgram";
	return {
		kind,
		place: formatAddress(address),
		largeBytes: kind === "udp" ? udpBytes : MESSAGE_BYTES_MAX,
		open: async (signal) => {
			if (isDatagram) return new DatagramLink(await openDatagrams(address, signal));
			const connection = await openConnection(address, signal);
			return "receiveInto" in connection ? new PacketLink(connection) : new ByteLink(connection);
		},
		openAndClose: async (signal) => {
			const opened = isDatagram
				? await openDatagrams(address, signal)
				: await openConnection(address, signal);
			await opened.close();
		},
	};
}

/** A server behind two named pipes. */
export function pipeTarget(inputPath: string, outputPath: string): Target {
	return {
		kind: "pipe",
		place: outputPath,
		largeBytes: MESSAGE_BYTES_MAX,
		open: async () => new ByteLink(new PipeChannel(inputPath, outputPath)),
	};
}

function openConnection(address: Address, signal: AbortSignal): ReturnType<typeof connect> {
	return connect(address, { timeoutMs: CONNECT_MS, signal });
}

function openDatagrams(address: Address, signal: AbortSignal): ReturnType<typeof datagrams> {
	return datagrams(undefined, { connect: address, signal });
}
