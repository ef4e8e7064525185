/** Serves comparisons at an address of any kind. */
import { type Address, datagrams, listen } from "../../index.ts";
import { ByteLink } from "./byte-link.ts";
import { DatagramServer } from "./datagram-server.ts";
import { PacketLink } from "./packet-link.ts";
import { Sessions } from "./sessions.ts";

/** A running server of one kind. */
export interface Server {
	/** Where it is reached, with the port that the kernel chose. */
	readonly address: Address;
	/** Stops: open conversations break off, socket files are removed. */
	close(): void;
}

/**
 * Starts to serve.
 *
 * @param onRefused told when a client was sent away, and why
 * @throws {SyscallError} EADDRINUSE, EACCES and others
 */
export async function serve(
	address: Address,
	onRefused?: (reason: string) => void,
): Promise<Server> {
	const { transport } = address;
	if (transport === "udp" || transport === "unix-dgram") {
		const socket = await datagrams(address, { onStale: "replace-dead" });
		const server = new DatagramServer(socket);
		return { address: socket.address, close: () => server.close() };
	}
	const listener = await listen(address, { onStale: "replace-dead" });
	const sessions = new Sessions(onRefused);
	const accepting = async (): Promise<void> => {
		for await (const connection of listener) {
			const link =
				"receiveInto" in connection ? new PacketLink(connection) : new ByteLink(connection);
			void sessions.serve(link);
		}
	};
	const close = (): void => {
		listener.close();
		sessions.close();
	};
	accepting().catch(close);
	return { address: listener.address, close };
}
