/** Connected pairs of every kind, for suites that hold each of them to the same promises. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ArrivalOptions, connect, listen, socketpair } from "socketry";
import { Socket, type SocketAddress, socket } from "socketry/socket";
import { Datagrams } from "#src/datagram/datagrams.ts";
import type { PacketStream } from "#src/packet/packet-stream.ts";
import { Stream } from "#src/stream/stream.ts";

/** Two ends of a connection made by `listen` and `connect`. */
export async function connectedStreams(
	address: `tcp:${string}` | `unix:${string}`,
	options: ArrivalOptions = {},
): Promise<[Stream, Stream]> {
	const listener = await listen(address, options);
	try {
		const [client, server] = await Promise.all([
			connect(listener.address, options),
			listener.accept(),
		]);
		return [client, server];
	} finally {
		listener.close();
	}
}

/** Two ends of a seqpacket connection made by `listen` and `connect`. */
export async function connectedPackets(
	address: `unix-seqpacket:${string}`,
	options: ArrivalOptions = {},
): Promise<[PacketStream, PacketStream]> {
	const listener = await listen(address, options);
	try {
		return await Promise.all([connect(address, options), listener.accept()]);
	} finally {
		listener.close();
	}
}

/** An abstract Unix name that nobody else uses. */
export function abstractName(): `@${string}` {
	return `@socketry-test-${randomBytes(8).toString("hex")}`;
}

/** Runs `body` with the path of a socket file that does not exist yet, in a folder of its own. */
export async function withSocketPath<T>(body: (path: string) => Promise<T>): Promise<T> {
	const folder = mkdtempSync(join(tmpdir(), "socketry-"));
	try {
		return await body(join(folder, "test.sock"));
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** Two ends over descriptors that were given away and adopted again. */
export function adoptedStreams(): [Stream, Stream] {
	const [left, right] = socketpair().map((end) =>
		Stream.over(Socket.fromFd(end.detach().detachFd()), "unix"),
	);
	return [left as Stream, right as Stream];
}

/** Two datagram sockets, bound and connected with each other. */
export async function connectedDatagrams(
	transport: "udp" | "unix-dgram",
	makeAddress: () => SocketAddress,
	options: ArrivalOptions = {},
): Promise<[Datagrams, Datagrams]> {
	const sockets = [makeAddress(), makeAddress()].map((address) => {
		const each = socket(address.family, "dgram");
		each.bind(address);
		return each;
	});
	const [left, right] = sockets as [Socket, Socket];
	await left.connect(right.getsockname());
	await right.connect(left.getsockname());
	return [Datagrams.over(left, transport, options), Datagrams.over(right, transport, options)];
}
