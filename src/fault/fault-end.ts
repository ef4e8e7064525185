/** One end of a disturbed connection: a stream of bytes or a channel of messages, used alike. */
import { requireObject } from "../arguments.ts";
import { InvalidValueError } from "../errors.ts";
import type { PacketChannel } from "../packet/packet-contract.ts";
import type { ByteStream } from "../stream/contract.ts";
import type { FaultKind } from "./toxic.ts";

/** What faults need of a connection. */
export interface FaultEnd {
	/** The next bytes, or the next message; null at the end. */
	receive(): Promise<Uint8Array | null>;
	/** Hands bytes or a message on, by themselves. */
	send(data: Uint8Array): Promise<void>;
	closeWrite(): Promise<void>;
	close(): Promise<void>;
	abort(): void;
}

/**
 * Makes an end of a connection.
 *
 * @throws {InvalidTypeError} it is none
 * @throws {InvalidValueError} it is not of this kind
 */
export function faultEnd(connection: ByteStream | PacketChannel, kind: FaultKind): FaultEnd {
	requireObject("connection", connection);
	const found: FaultKind = "receive" in connection ? "packets" : "stream";
	if (found !== kind) {
		throw new InvalidValueError("plan", `must be made with kind "${found}" for this`, kind);
	}
	return {
		receive: () => ("receive" in connection ? connection.receive() : connection.read()),
		send: async (data) => {
			if ("receive" in connection) return await connection.send(data);
			// Each leaves on its own: a slice that waited for the next one would be none.
			await connection.write(data);
			await connection.flush();
		},
		closeWrite: () => connection.closeWrite(),
		close: () => connection.close(),
		abort: () => connection.abort(),
	};
}
