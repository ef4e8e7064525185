/** The old process's part of a hand-over: one conversation with one that wants to take over. */
import { AbortError, HandoverError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Listener } from "../open/listener.ts";
import type { PacketStream } from "../packet/packet-stream.ts";
import { type Message, type MessageOf, PROTOCOLS } from "./protocol.ts";
import { recordOf, type ServingSocket } from "./sockets.ts";
import type { Wire } from "./wire.ts";

/** A socket to hand over. */
export interface EstateSocket {
	readonly name: string;
	readonly asked: string;
	readonly socket: ServingSocket;
}

/** What there is to hand over. */
export interface Estate {
	/** The listener of the post. */
	readonly post: Listener<PacketStream>;
	readonly sockets: readonly EstateSocket[];
	readonly state: Uint8Array;
	/** Time for the other process to start, in milliseconds. */
	readonly startMs: number;
	/** Withdraws it. */
	readonly signal: AbortSignal;
}

/** The process that has taken over. */
export interface Heir {
	readonly pid: number;
	/** Whether it wants connections too. */
	readonly takesConnections: boolean;
	/** Whether it wants datagram sockets one by one too. */
	readonly takesDatagrams: boolean;
}

const STEP = { timeoutMs: LIMITS.handoverStepMs };

/** Waits for the first word of whoever knocks. Errors as `Wire.expect`. */
export async function greet(wire: Wire, signal: AbortSignal): Promise<MessageOf<"hello">> {
	const options = { timeoutMs: LIMITS.handoverHelloMs, signal };
	return (await wire.expect(["hello"], options)).message;
}

/**
 * Offers everything to the one at the other end of the wire, and waits until it has taken it.
 *
 * @param hello what it has said
 * @returns from here on it is the heir's
 * @throws everything is as it was; the other side may still wait for a word
 */
export async function bequeath(
	wire: Wire,
	hello: MessageOf<"hello">,
	estate: Estate,
): Promise<Heir> {
	const { signal } = estate;
	const protocol = PROTOCOLS.find((each) => hello.protocols.includes(each));
	if (protocol === undefined) {
		throw new HandoverError("version", `This process speaks version ${PROTOCOLS.join(", ")} only`);
	}
	await offer(wire, estate, protocol);
	await wire.expect(["ready"], { timeoutMs: estate.startMs, signal });
	await wire.send({ kind: "yours" });
	const { takesConnections, takesDatagrams } = await awaitDecision(wire, signal);
	return { pid: hello.pid, takesConnections, takesDatagrams: takesDatagrams === true };
}

async function offer(wire: Wire, estate: Estate, protocol: number): Promise<void> {
	const { post, state } = estate;
	const sockets = estate.sockets.filter(({ socket }) => !socket.closed);
	const welcome: Message = {
		kind: "welcome",
		protocol,
		pid: process.pid,
		socketCount: sockets.length,
		stateBytes: state.length,
		file: recordOf(post.file),
	};
	await wire.send(welcome, post.socket.fd);
	for (const { name, asked, socket } of sockets) {
		const file = recordOf(socket.file);
		await wire.send({ kind: "socket", name, asked, file }, socket.socket.openFd());
	}
	await wire.sendBytes(state);
}

// An heir that has said `mine` owns everything. So who waits no longer first makes sure that it cannot be said any more, and then looks whether
// it has been.
async function awaitDecision(wire: Wire, signal: AbortSignal): Promise<MessageOf<"mine">> {
	try {
		return (await wire.expect(["mine"], { ...STEP, signal })).message;
	} catch (error) {
		if (error instanceof HandoverError) throw error;
		wire.endReceiving();
		const late = await wire.expect(["mine"], STEP).catch(() => undefined);
		if (late === undefined) throw error;
		return late.message;
	}
}

/** Says why nothing comes of it; a failure of that is of no matter. */
export async function refuse(wire: Wire, error: unknown): Promise<void> {
	const { reason, message: text } = asHandoverError(error);
	if (reason === "ended") return;
	await wire.send({ kind: "refuse", reason, text }).catch(() => {});
}

/** What an attempt failed of, as both sides are told. */
export function asHandoverError(error: unknown): HandoverError {
	if (error instanceof HandoverError) return error;
	if (error instanceof TimeoutError) {
		const text = `The new process did not get to its next step within ${error.timeoutMs} ms`;
		return new HandoverError("timeout", text, { cause: error });
	}
	if (error instanceof AbortError) {
		return new HandoverError("closing", "The old process has withdrawn its offer", {
			cause: error,
		});
	}
	const text = error instanceof Error ? error.message : String(error);
	return new HandoverError("failed", `The old process could not hand over: ${text}`, {
		cause: error,
	});
}
