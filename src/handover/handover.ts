/** `Handover`: a process's place in a line of processes that serve on the same sockets, one after the other. */
import { BusyError, ClosedError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Listener } from "../open/listener.ts";
import type { PacketStream } from "../packet/packet-stream.ts";
import { checkWait, type WaitOptions } from "../socket/wait.ts";
import type { EstateSocket } from "./bequest.ts";
import { Heirloom } from "./heirloom.ts";
import type { Inheritance } from "./inheritance.ts";
import { receiveConnections, type Takers } from "./moving.ts";
import { type OfferOptions, Post, type Successor } from "./post.ts";
import type { Place, ServingSocket, SocketSpecs, SocketsFor } from "./sockets.ts";

/** A socket asked for, and where it comes from. */
export interface Filled extends Place {
	readonly from: Heirloom | ServingSocket;
}

/** How a handover begins: with a post of its own, or with an inheritance that brings one. */
export interface HandoverSetup {
	readonly post: Post | undefined;
	readonly inheritance: Inheritance | undefined;
	readonly places: readonly Filled[];
	readonly takers: Takers;
}

/** A process's place in the line: what it gets from the one before, and what it hands to the one after. Made by `takeOver`. */
export class Handover<Specs extends SocketSpecs> {
	/** Process id of the one before, as it told; undefined when none ran. */
	readonly predecessorPid: number | undefined;
	/** What the one before had to tell; empty when it told nothing, undefined when none ran. */
	readonly state: Uint8Array | undefined;
	readonly #setup: HandoverSetup;
	#ready: Promise<SocketsFor<Specs>> | undefined;
	#post: Post | undefined;
	#received: Promise<number> = Promise.resolve(0);
	#closing: Promise<void> | undefined;

	/** @internal */
	constructor(setup: HandoverSetup) {
		this.#setup = setup;
		this.predecessorPid = setup.inheritance?.pid;
		this.state = setup.inheritance?.state;
	}

	/**
	 * Says that this process can serve. The one before stops accepting then, and from now on everything is this process's. Until here it may end in any
	 * way, and nothing has changed. A second call returns the same promise.
	 *
	 * @param options.timeoutMs milliseconds until the one before has answered. Default 10000
	 * @returns the sockets asked for, inherited or new, by their names: yours to close
	 * @throws {HandoverError | TimeoutError | AbortError} the one before goes on; nothing stays open here. If it has died, this succeeds
	 * @throws {ClosedError} it was closed
	 */
	ready(options?: WaitOptions): Promise<SocketsFor<Specs>> {
		try {
			checkWait(options);
			this.#checkOpen();
		} catch (error) {
			return Promise.reject(error);
		}
		this.#ready ??= this.#claim(options);
		return this.#ready;
	}

	/**
	 * Connections that have come from the one before to `onConnection`, and sockets to `onDatagrams`; resolves once it has no more, and rejects with `HandoverError` if it died
	 * before.
	 */
	get received(): Promise<number> {
		return this.#received;
	}

	/**
	 * Offers everything to a process that calls `takeOver` with the same address. Resolves once one has taken over, and idle connections have
	 * moved. The listeners are closed here then; datagram sockets receive nothing more, and are yours to close once everything that had come is
	 * answered. Connections that did not move go on: see `drain`.
	 *
	 * Waiting for a successor does not keep the process alive.
	 *
	 * @returns who has taken over; undefined when `close()` was called
	 * @throws {ClosedError} it was closed, or has been handed over
	 * @throws {BusyError} it is not ready yet, or an offer is pending
	 */
	offer(options: OfferOptions = {}): Promise<Successor | undefined> {
		try {
			this.#checkOpen();
			if (this.#post === undefined) throw new BusyError("Await ready() before offer()");
			return this.#post.offer(options);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	/**
	 * Leaves the line. Before `ready()` everything goes back to the one before; afterwards nothing is offered any more, `offer()` resolves to
	 * undefined, the sockets stay yours, and what has yet to come from the one before does not keep the process alive. Resolves when an attempt that was under way has been refused; one that cannot be stopped any more
	 * succeeds, and so does its `offer()`.
	 */
	close(): Promise<void> {
		this.#closing ??= this.#close();
		return this.#closing;
	}

	/** As `close()`. */
	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #claim(options: WaitOptions | undefined): Promise<SocketsFor<Specs>> {
		const { inheritance, takers } = this.#setup;
		try {
			const patience = { timeoutMs: LIMITS.handoverStepMs, ...options };
			const takesConnections = takers.onConnection !== undefined;
			const takesDatagrams = takers.onDatagrams !== undefined;
			await inheritance?.claim({ takesConnections, takesDatagrams }, patience);
			return this.#own();
		} catch (error) {
			await this.#giveBack();
			throw error;
		}
	}

	#own(): SocketsFor<Specs> {
		const { inheritance, places, takers } = this.#setup;
		const sockets: EstateSocket[] = places.map(({ name, asked, from }) => ({
			name,
			asked,
			socket: from instanceof Heirloom ? from.own() : from,
		}));
		const post = this.#setup.post ?? new Post(inheritance?.post?.own() as Listener<PacketStream>);
		if (inheritance !== undefined) {
			for (const { heirloom } of inheritance.given) heirloom.discard();
			if (takers.onConnection !== undefined || takers.onDatagrams !== undefined) {
				this.#received = receiveConnections(inheritance.wire, takers);
			}
			this.#received.catch(() => {}).finally(() => inheritance.close());
		}
		post.fill(
			sockets,
			this.#received.catch(() => {}),
		);
		this.#post = post;
		return Object.fromEntries(
			sockets.map(({ name, socket }) => [name, socket]),
		) as SocketsFor<Specs>;
	}

	async #close(): Promise<void> {
		// A claim that is under way ends first, one way or the other.
		await this.#ready?.catch(() => {});
		if (this.#post === undefined) {
			await this.#giveBack();
			return;
		}
		// The one before may stand still, with something that it has not handed over.
		this.#setup.inheritance?.wire.unref();
		await this.#post.close();
	}

	async #giveBack(): Promise<void> {
		const { inheritance, post, places } = this.#setup;
		inheritance?.close();
		await post?.close();
		for (const { from } of places) await from.close();
	}

	#checkOpen(): void {
		if (this.#closing !== undefined) throw new ClosedError("The handover");
	}
}
