/** The post: where a process that may become the successor knocks, and the conversation with one of those who do. */
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { type Known, requireFunction, requireInteger, requireOptions } from "../arguments.ts";
import { callProgram } from "../call-program.ts";
import { BusyError, ClosedError, HandoverError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Listener } from "../open/listener.ts";
import type { PacketStream } from "../packet/packet-stream.ts";
import {
	asHandoverError,
	bequeath,
	type EstateSocket,
	greet,
	type Heir,
	refuse,
} from "./bequest.ts";
import { type MovableConnection, type Moved, moveConnections, stateBytes } from "./moving.ts";
import type { MessageOf } from "./protocol.ts";
import { leave } from "./sockets.ts";
import { Wire } from "./wire.ts";

/** Options of `Handover.offer`. */
export interface OfferOptions {
	/** What a new process is told at its start, up to 16 MiB; asked for anew by each that tries. Default: nothing. */
	readonly state?: (() => Uint8Array | string) | undefined;
	/**
	 * Connections, and datagram sockets of single peers, to hand over; asked for once the new process is the owner, if it takes any. Each goes when it is idle: a read or receive is
	 * pending, which then rejects with `ClosedError`, and nothing is queued to be sent. What reads ahead on top of a stream, such as `framed` or
	 * a duplex of Node's, keeps what it has read: such streams cannot go. Default: none.
	 */
	readonly connections?: (() => Iterable<MovableConnection>) | undefined;
	/** Time for connections to become idle, 0..2147483647 ms; those that do not go on here. Default 1000. */
	readonly moveMs?: number | undefined;
	/** Time that a new process may take until its `ready()`, 1..2147483647 ms. Meanwhile others are told that it is busy. Default 60000. */
	readonly startMs?: number | undefined;
	/** Called with each attempt that came to nothing; this process goes on. */
	readonly onFailure?: ((error: HandoverError) => void) | undefined;
}

/** Who has taken over. */
export interface Successor {
	/** Its process id, as it told. */
	readonly pid: number;
	/** Connections that were handed over. */
	readonly movedCount: number;
	/** Connections that were on their way when the new process ended: 0 or 1. */
	readonly lostCount: number;
}

interface PendingOffer {
	readonly options: OfferOptions;
	readonly resolve: (successor: Successor | undefined) => void;
	readonly reject: (error: Error) => void;
}

const GRACE_MS = 100;
const PAUSE_MS = 100;
const MS_MAX = 2_147_483_647;
const NOTHING_MOVED: Moved = { movedCount: 0, lostCount: 0 };

/** Answers those who knock. */
export class Post {
	readonly #listener: Listener<PacketStream>;
	#sockets: readonly EstateSocket[] | undefined;
	#before: Promise<unknown> | undefined;
	readonly #ending = new AbortController();
	#offer: PendingOffer | undefined;
	#session: Promise<void> | undefined;
	readonly #greetings = new Set<Promise<unknown>>();

	/** @param listener taken. Who knocks is told that there is nothing yet */
	constructor(listener: Listener<PacketStream>) {
		this.#listener = listener.unref();
		void this.#answer();
	}

	/**
	 * Has something to hand on.
	 *
	 * @param before settles when everything has come from the process before; nothing is handed on earlier
	 */
	fill(sockets: readonly EstateSocket[], before: Promise<unknown>): void {
		this.#sockets = sockets;
		this.#before = before;
	}

	/** Waits for a successor; see `Handover.offer`. */
	offer(options: OfferOptions): Promise<Successor | undefined> {
		try {
			checkOffer(options);
			if (this.#listener.closed) throw new ClosedError("The handover");
			if (this.#offer !== undefined) throw new BusyError("An offer is pending: await it");
		} catch (error) {
			return Promise.reject(error);
		}
		return new Promise((resolve, reject) => {
			this.#offer = { options, resolve, reject };
		});
	}

	/** Withdraws the offer, and removes the file if there is no successor. */
	async close(): Promise<void> {
		this.#ending.abort();
		await Promise.allSettled(this.#greetings);
		await this.#session;
		this.#listener.close();
		this.#offer?.resolve(undefined);
		this.#offer = undefined;
	}

	async #answer(): Promise<void> {
		while (!this.#listener.closed) {
			try {
				for await (const packets of this.#listener) void this.#attend(new Wire(packets));
			} catch (error) {
				// Perhaps only this one could not be taken, for want of memory: the next one may.
				const failure = asHandoverError(error);
				callProgram(() => this.#offer?.options.onFailure?.(failure));
				await sleep(PAUSE_MS, undefined, { ref: false });
			}
		}
	}

	async #attend(wire: Wire): Promise<void> {
		const hello = await this.#greet(wire);
		if (hello !== undefined) await this.#serve(wire, hello);
		wire.close();
	}

	// Before it has a turn: whoever says nothing keeps nobody from trying.
	async #greet(wire: Wire): Promise<MessageOf<"hello"> | undefined> {
		const greeting = greet(wire, this.#ending.signal);
		this.#greetings.add(greeting);
		try {
			return await greeting;
		} catch (error) {
			return await this.#fail(wire, error);
		} finally {
			this.#greetings.delete(greeting);
		}
	}

	async #serve(wire: Wire, hello: MessageOf<"hello">): Promise<void> {
		// The one before may have just ended, which is not known yet: after a standstill not before the next turn.
		const grace = async (): Promise<void> => {
			await sleep(GRACE_MS);
			await nextTurn();
		};
		if (this.#session !== undefined) await Promise.race([this.#session, grace()]);
		if (this.#offer !== undefined && this.#session === undefined) {
			this.#session = this.#negotiate(wire, hello, this.#offer);
			await this.#session;
			this.#session = undefined;
			return;
		}
		const text =
			"The old process offers nothing now: it has just started, or another one is taking over";
		await refuse(wire, new HandoverError("busy", text));
	}

	async #fail(wire: Wire, error: unknown): Promise<undefined> {
		const failure = asHandoverError(error);
		await refuse(wire, failure);
		callProgram(() => this.#offer?.options.onFailure?.(failure));
	}

	async #negotiate(wire: Wire, hello: MessageOf<"hello">, offer: PendingOffer): Promise<void> {
		const { options, resolve, reject } = offer;
		let heir: Heir;
		try {
			await this.#arrival(wire);
			heir = await bequeath(wire, hello, {
				post: this.#listener,
				sockets: this.#sockets ?? [],
				state: stateBytes(options.state?.() ?? ""),
				startMs: options.startMs ?? LIMITS.handoverStartMs,
				signal: this.#ending.signal,
			});
		} catch (error) {
			await this.#fail(wire, error);
			return;
		}
		this.#leave();
		try {
			resolve({ pid: heir.pid, ...(await moveTo(wire, heir, options)) });
		} catch (error) {
			reject(error as Error);
		}
	}

	// Until all has come from the one before, which may stand still for ever: who knocks may leave meanwhile, and so may this process.
	async #arrival(wire: Wire): Promise<void> {
		const waiting = new AbortController();
		const signal = AbortSignal.any([waiting.signal, this.#ending.signal]);
		const leaving = wire.expect([], { signal });
		try {
			await Promise.race([this.#before, leaving]);
		} finally {
			waiting.abort();
			await leaving.catch(() => {});
		}
	}

	#leave(): void {
		for (const { socket } of this.#sockets ?? []) leave(socket);
		leave(this.#listener);
		this.#offer = undefined;
	}
}

async function moveTo(
	wire: Wire,
	heir: Heir,
	{ connections, moveMs }: OfferOptions,
): Promise<Moved> {
	if (!heir.takesConnections && !heir.takesDatagrams) return NOTHING_MOVED;
	const withinMs = moveMs ?? LIMITS.handoverMoveMs;
	return await moveConnections(wire, connections?.() ?? [], heir, withinMs);
}

const OFFER: Known<OfferOptions> = {
	connections: true,
	moveMs: true,
	onFailure: true,
	startMs: true,
	state: true,
};

function checkOffer(options: OfferOptions): void {
	const { state, connections, moveMs, startMs, onFailure } = requireOptions(options, OFFER);
	requireFunction("state", state);
	requireFunction("connections", connections);
	requireFunction("onFailure", onFailure);
	requireInteger("moveMs", moveMs ?? 0, 0, MS_MAX);
	requireInteger("startMs", startMs ?? 1, 1, MS_MAX);
}
