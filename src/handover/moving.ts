/** Connections that go over to the new process: each at a moment when its program waits for input, with all that was read ahead of it. */
import { setTimeout as sleep } from "node:timers/promises";
import { requireObject } from "../arguments.ts";
import { callProgram } from "../call-program.ts";
import { Datagrams } from "../datagram/datagrams.ts";
import {
	HandoverError,
	InvalidTypeError,
	LimitError,
	SyscallError,
	TimeoutError,
} from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { adopt } from "../open/adopt.ts";
import { PacketStream } from "../packet/packet-stream.ts";
import type { OwnedDescriptor } from "../socket/owned-descriptor.ts";
import type { HandedOff } from "../stream/connection.ts";
import { Stream } from "../stream/stream.ts";
import type { Takes } from "./inheritance.ts";
import type { MessageOf } from "./protocol.ts";
import type { Wire } from "./wire.ts";

/** A connection with what the new process has to know of it. */
export interface StatefulConnection {
	readonly connection: Stream | PacketStream | Datagrams;
	/** Asked for once the connection is parted from this process, so that nothing changes afterwards; up to 16 MiB. Default: nothing. */
	readonly state?: (() => Uint8Array | string) | undefined;
}

/** A connection to be handed over. */
export type MovableConnection = Stream | PacketStream | Datagrams | StatefulConnection;

/** Takes a connection that has come, and what the old process said of it; empty when it said nothing. */
export type ConnectionListener = (connection: Stream | PacketStream, state: Uint8Array) => void;

/** Takes a datagram socket that has come, and what the old process said of it. */
export type DatagramsListener = (socket: Datagrams, state: Uint8Array) => void;

/** Who takes what comes. */
export interface Takers {
	readonly onConnection: ConnectionListener | undefined;
	readonly onDatagrams: DatagramsListener | undefined;
}

const PAUSE_MS = 5;
const FOREVER = {};

/** The bytes of a state, which may be text. */
export function stateBytes(state: unknown): Uint8Array {
	const bytes = typeof state === "string" ? Buffer.from(state) : state;
	if (!(bytes instanceof Uint8Array)) {
		throw new InvalidTypeError("state", "a Uint8Array or a string", state);
	}
	const allowed = LIMITS.handoverStateBytes;
	if (bytes.length <= allowed) return bytes;
	const advice = "put it into a file, and hand over its path";
	throw new LimitError("handoverStateBytes", bytes.length, allowed, advice);
}

/** What has become of connections. */
export interface Moved {
	readonly movedCount: number;
	readonly lostCount: number;
}

/**
 * Hands over those that are idle, or become so in time. A connection is idle when a read or receive is pending and nothing is queued to be sent.
 * When the new process takes no more, because it has ended, the one that was on its way is lost.
 */
export async function moveConnections(
	wire: Wire,
	connections: Iterable<MovableConnection>,
	takes: Required<Takes>,
	withinMs: number,
): Promise<Moved> {
	const left = new Set([...connections].map(withState).filter((each) => isTaken(each, takes)));
	const deadline = performance.now() + withinMs;
	let movedCount = 0;
	try {
		// What was fetched of the sockets that have just gone is handed on first.
		await new Promise(setImmediate);
		for (;;) {
			for (const each of left) {
				if (each.connection.closed) left.delete(each);
				const leaving = each.connection.handOff();
				if (leaving === undefined) continue;
				left.delete(each);
				if (!(await moveOne(wire, await leaving, each.state))) return { movedCount, lostCount: 1 };
				movedCount++;
			}
			if (left.size === 0 || performance.now() >= deadline) return { movedCount, lostCount: 0 };
			await sleep(PAUSE_MS);
		}
	} finally {
		await wire.send({ kind: "done" }).catch(() => {});
	}
}

function withState(each: MovableConnection): StatefulConnection {
	if (isMovable(each)) return { connection: each };
	const { connection } = requireObject("connection", each) as StatefulConnection;
	if (isMovable(connection)) return each;
	throw new InvalidTypeError("connection", "a Stream, a PacketStream or Datagrams", connection);
}

function isMovable(each: unknown): each is StatefulConnection["connection"] {
	return each instanceof Stream || each instanceof PacketStream || each instanceof Datagrams;
}

function isTaken({ connection }: StatefulConnection, takes: Required<Takes>): boolean | undefined {
	return connection instanceof Datagrams ? takes.takesDatagrams : takes.takesConnections;
}

async function moveOne(
	wire: Wire,
	{ socket, unread }: HandedOff,
	state: StatefulConnection["state"],
): Promise<boolean> {
	try {
		const bytes = stateBytes(state?.() ?? "");
		const sizes = { unreadBytes: unread.length, stateBytes: bytes.length };
		await wire.send({ kind: "connection", ...sizes }, socket.fd);
		await wire.sendBytes(unread);
		await wire.sendBytes(bytes);
		return true;
	} catch (error) {
		if (error instanceof HandoverError || error instanceof TimeoutError) return false;
		throw error;
	} finally {
		socket.close();
	}
}

/**
 * Takes connections until the old process has no more.
 *
 * @returns how many have come
 * @throws {HandoverError} "ended": the old process died meanwhile; what had not come has gone with it
 */
export async function receiveConnections(wire: Wire, takers: Takers): Promise<number> {
	for (let received = 0; ; received++) {
		const { message, descriptor } = await wire.expect(["connection", "done"], FOREVER);
		if (message.kind === "done") return received;
		if (descriptor === undefined) {
			throw new HandoverError("protocol", "A connection was handed over without its descriptor");
		}
		await receiveOne(wire, message, descriptor, takers);
	}
}

async function receiveOne(
	wire: Wire,
	sizes: MessageOf<"connection">,
	descriptor: OwnedDescriptor,
	takers: Takers,
): Promise<void> {
	let connection: StatefulConnection["connection"];
	let state: Uint8Array;
	try {
		const unread = await wire.expectBytes(sizes.unreadBytes, FOREVER);
		state = await wire.expectBytes(sizes.stateBytes, FOREVER);
		connection = connectionOf(descriptor);
		if (connection instanceof Stream) connection.restore(unread);
	} catch (error) {
		descriptor.close();
		// The client has gone meanwhile.
		if (error instanceof SyscallError && error.code === "ENOTCONN") return;
		throw error;
	}
	if (!callProgram(() => handOver(connection, state, takers))) connection.abort();
}

function handOver(
	connection: StatefulConnection["connection"],
	state: Uint8Array,
	{ onConnection, onDatagrams }: Takers,
): void {
	if (!(connection instanceof Datagrams)) onConnection?.(connection, state);
	else onDatagrams?.(connection, state);
}

function connectionOf(descriptor: OwnedDescriptor): StatefulConnection["connection"] {
	const { kind } = descriptor;
	if (kind === "datagrams" || kind === "stream" || kind === "packets") {
		return adopt(descriptor) as StatefulConnection["connection"];
	}
	throw new HandoverError("protocol", "Something else than a connection was handed over");
}
