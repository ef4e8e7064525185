/** Messages over a connection and datagrams to one peer, seen as the same thing. */
import {
	type Address,
	type Datagrams,
	give,
	type OwnedDescriptor,
	type PacketStream,
} from "../../index.ts";

/** A message with what came along. */
export interface Message {
	readonly data: Uint8Array;
	readonly descriptors: readonly OwnedDescriptor[];
	/** Of datagrams: who sent it. */
	readonly from: Address | undefined;
}

/** Messages in both directions. */
export interface Channel {
	/** Whether the peer says when it has ended. */
	readonly tellsEnd: boolean;
	/** The socket that it has for itself, of datagrams. */
	readonly socket?: Datagrams;
	/** Sends a message; what is listed in `descriptors` is given away. */
	send(data: Uint8Array, descriptors?: readonly OwnedDescriptor[]): Promise<void>;
	/** The next message, null at the end. */
	receive(): Promise<Message | null>;
	/** Ends sending, where that can be said. */
	closeWrite(): Promise<void>;
	/** Takes nothing more from the peer: what had come is received, and then the end. Of channels that queue what comes. */
	finish?(): void;
	close(): Promise<void>;
	abort(): void;
}

const NONE: readonly OwnedDescriptor[] = [];

/** A connection of messages. */
export function packetChannel(packets: PacketStream, passes: boolean): Channel {
	return {
		tellsEnd: true,
		send: (data, descriptors = NONE) =>
			packets.send(
				data,
				descriptors.length > 0 ? { descriptors: descriptors.map(give) } : undefined,
			),
		async receive() {
			const message = passes ? await packets.receiveMessage() : await packets.receive();
			if (message === null) return null;
			return message instanceof Uint8Array
				? { data: message, descriptors: NONE, from: undefined }
				: { ...message, from: undefined };
		},
		closeWrite: () => packets.closeWrite(),
		close: () => packets.close(),
		abort: () => packets.abort(),
	};
}

/** Datagrams to and from the one peer of a connected socket. */
export function datagramChannel(socket: Datagrams): Channel {
	return {
		tellsEnd: false,
		socket,
		send: (data, descriptors = NONE) =>
			socket.send(
				data,
				undefined,
				descriptors.length > 0 ? { descriptors: descriptors.map(give) } : undefined,
			),
		async receive() {
			const { data, from, descriptors = NONE } = await socket.receive();
			return { data, from, descriptors };
		},
		closeWrite: () => socket.flush(),
		close: () => socket.close(),
		abort: () => socket.abort(),
	};
}
