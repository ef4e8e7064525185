/** What TLS is put upon: a genuine `net.Socket`, which Node's TLS reads and writes natively, where Node knows the transport. */

import type { Socket as NetSocket } from "node:net";
import { optionsFor } from "../arguments.ts";
import { InvalidAddressError } from "../errors.ts";
import { CONNECT_CHECKS, connect } from "../open/connect.ts";
import type { Address } from "../socket/address.ts";
import { Stream } from "../stream/stream.ts";
import type { ConnectDuplexOptions } from "./connecting-duplex.ts";
import { type StreamDuplex, toDuplex } from "./stream-duplex.ts";
import { DUPLEX } from "./stream-duplex-options.ts";
import { netSocketOver } from "./to-net-socket.ts";

/**
 * Connects to an address of a byte stream.
 *
 * @throws {InvalidAddressError} its connections carry messages
 * @throws as `connect`
 */
export async function connectStream(
	address: Address,
	options: ConnectDuplexOptions,
): Promise<Stream> {
	const connection = await connect(address, optionsFor(options, CONNECT_CHECKS));
	if (connection instanceof Stream) return connection;
	connection.abort();
	throw new InvalidAddressError(address, "its connections carry messages, not bytes");
}

/** Connects, and puts TLS upon what is best for it, which is destroyed when that throws. */
export async function connectSecured<T>(
	address: Address,
	options: ConnectDuplexOptions,
	secure: (socket: NetSocket | StreamDuplex) => T,
): Promise<T> {
	const stream = await connectStream(address, options);
	const socket =
		stream.transport === "vsock"
			? toDuplex(stream, optionsFor(options, DUPLEX))
			: netSocketOver(stream, options);
	try {
		return secure(socket);
	} catch (error) {
		socket.destroy();
		throw error;
	}
}
