/** A socket that was given by the process before: all that can fail is done before it is ours, and only then is it used. */
import type { DatagramTransport } from "../datagram/datagram-contract.ts";
import { listenerOver } from "../open/listen.ts";
import type { Listener } from "../open/listener.ts";
import { datagramsOver } from "../open/open-datagrams.ts";
import { type ClaimableFile, ownedFile } from "../open/socket-file.ts";
import type { PacketStream } from "../packet/packet-stream.ts";
import type { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import { TRANSPORTS } from "../socket/transport.ts";
import { takeInherited } from "../stream/inherited.ts";
import type { Stream } from "../stream/stream.ts";
import type { FileRecord } from "./protocol.ts";
import { carriesDatagrams, type Place, type ServingSocket } from "./sockets.ts";

/** One socket that was given. */
export class Heirloom {
	readonly #owned: OwnedDescriptor;
	// The former owner's until it is claimed.
	readonly #file: ClaimableFile | undefined;
	#place: Pick<Place, "address" | "options"> | undefined;
	#listener: Listener<Stream> | Listener<PacketStream> | undefined;

	/** @param owned taken */
	constructor(owned: OwnedDescriptor, file: FileRecord | null) {
		this.#owned = owned;
		this.#file = file === null ? undefined : inheritedFile(file);
	}

	/**
	 * Makes what can be made without a trace in the socket, which the process before still uses.
	 *
	 * @throws {InvalidAddressError} it is of another kind than it was asked for
	 */
	prepare(place: Pick<Place, "address" | "options">): void {
		this.#place = place;
		if (carriesDatagrams(place.address)) return;
		const { options } = place;
		this.#listener = this.#owned.moveInto((fd) =>
			takeInherited(
				fd,
				(transport) => TRANSPORTS[transport].type !== "dgram",
				"a socket of another kind was handed over",
				(socket, transport) => listenerOver(socket, transport, options, this.#file),
			),
		);
	}

	/** The object for it, which is ours from now on. */
	own(): ServingSocket {
		this.#file?.claim();
		const { options = {} } = this.#place ?? {};
		const listener = this.#listener;
		if (listener === undefined) return this.#ownDatagrams(options);
		this.#listener = undefined;
		try {
			// Again, so that those who connect see this process as their peer: SO_PEERCRED tells who called listen(2) last.
			listener.socket.listen(options.backlog);
		} catch {
			// It listens all the same.
		}
		return listener;
	}

	/** Lets it go, if it was not made ours. */
	close(): void {
		this.#listener?.close();
		this.#owned.close();
	}

	/** Ends it, for nobody has asked for it. */
	discard(): void {
		this.#file?.claim();
		this.#file?.remove();
		this.close();
	}

	#ownDatagrams(options: Place["options"]): ServingSocket {
		return this.#owned.moveInto((fd) =>
			takeInherited(
				fd,
				(transport) => TRANSPORTS[transport].type === "dgram",
				"a socket of another kind was handed over",
				(socket, transport) =>
					datagramsOver(socket, transport as DatagramTransport, options, this.#file),
			),
		);
	}
}

function inheritedFile({ path, dev, ino }: FileRecord): ClaimableFile {
	const file = ownedFile(Buffer.from(path, "latin1"), { dev: BigInt(dev), ino: BigInt(ino) });
	file.disown();
	return file;
}
