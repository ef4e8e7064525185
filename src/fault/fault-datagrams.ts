/** `faultDatagrams`: datagrams between peers and a server, with faults. */
import {
	type Known,
	requireFunction,
	requireInteger,
	requireObject,
	requireOptions,
	requireSignal,
} from "../arguments.ts";
import { callProgram } from "../call-program.ts";
import type { Datagram } from "../datagram/datagram-contract.ts";
import type { Datagrams } from "../datagram/datagrams.ts";
import { InvalidValueError, SyscallError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { datagrams } from "../open/open-datagrams.ts";
import { type Address, formatAddress, parseAddress } from "../socket/address.ts";
import { DatagramWay } from "./datagram-way.ts";
import type { FaultedConnection, FaultedWay } from "./fault-relay.ts";
import { addCounts, type MessageFaultCounts, noCounts } from "./message-counts.ts";
import type { FaultPlan } from "./plan.ts";
import type { FaultDirection } from "./toxic.ts";

/** Options of `faultDatagrams`. */
export interface FaultDatagramsOptions {
	/** A peer that neither sends nor gets anything for so long is forgotten, 1..2147483647 ms. Default 60000. */
	readonly idleMs?: number | undefined;
	/** Peers at a time; the one that was silent for longest gives way to a new one, 1..1048576. Default 256. */
	readonly maxPeers?: number | undefined;
	/** Bytes that each direction of each peer holds for later, 1..1073741824; what comes beyond is dropped and counted. Default 4194304. */
	readonly roomBytes?: number | undefined;
	/** Called with each peer that is forgotten, as if it were a connection that has ended. */
	readonly onEnd?: ((connection: FaultedConnection) => void) | undefined;
	/** Ends it. */
	readonly signal?: AbortSignal | undefined;
}

/** Datagrams with faults, under way. */
export interface FaultDatagrams {
	/** What has happened so far to the server, of all peers together. */
	readonly upstream: Readonly<MessageFaultCounts>;
	/** The same of what came back. */
	readonly downstream: Readonly<MessageFaultCounts>;
	/** Peers that are remembered. */
	readonly peersCount: number;
	/** Settles when it has ended and all its sockets are closed. Never rejects. */
	readonly done: Promise<void>;
	/** Ends it; what waits is dropped. */
	close(): Promise<void>;
}

/**
 * Hands datagrams that arrive at a socket on to a server, and its answers back to whoever has asked, disturbed as the plan says at any time.
 * Each peer has a socket of its own to the server, so that the server tells them apart.
 *
 * @param socket where the peers send to; taken, and closed in the end
 * @param server names are resolved for each peer
 * @throws {InvalidValueError} the plan is for streams
 * @throws {InvalidTypeError | OutOfRangeError | InvalidAddressError} an argument makes no sense; the socket is left to the caller then
 */
export function faultDatagrams(
	socket: Datagrams,
	server: string | Address,
	plan: FaultPlan,
	options: FaultDatagramsOptions = {},
): FaultDatagrams {
	const given = requireOptions(options, KNOWN);
	requireObject("plan", plan);
	if (plan.kind !== "datagrams") {
		throw new InvalidValueError("plan", 'must be made with kind "datagrams"', plan.kind);
	}
	const { faultIdleMs, faultPeersCount, faultHeldBytes } = LIMITS;
	const limits: Limits = {
		idleMs: requireInteger("idleMs", given.idleMs ?? faultIdleMs, 1, 2 ** 31 - 1),
		maxPeers: requireInteger("maxPeers", given.maxPeers ?? faultPeersCount, 1, 2 ** 20),
		roomBytes: requireInteger("roomBytes", given.roomBytes ?? faultHeldBytes, 1, 2 ** 30),
	};
	requireFunction("onEnd", given.onEnd);
	requireSignal("signal", given.signal);
	return new RunningFaultDatagrams(socket, parseAddress(server), plan, limits, given);
}

const KNOWN: Known<FaultDatagramsOptions> = {
	idleMs: true,
	maxPeers: true,
	onEnd: true,
	roomBytes: true,
	signal: true,
};

interface Limits {
	readonly idleMs: number;
	readonly maxPeers: number;
	readonly roomBytes: number;
}

interface Peer {
	readonly key: string;
	readonly number: number;
	readonly upstream: DatagramWay;
	readonly downstream: DatagramWay;
	readonly socket: Promise<Datagrams>;
	readonly answering: Promise<void>;
	lastMs: number;
}

class RunningFaultDatagrams implements FaultDatagrams {
	readonly done: Promise<void>;
	readonly #socket: Datagrams;
	readonly #server: Address;
	readonly #plan: FaultPlan;
	readonly #limits: Limits;
	readonly #signal: AbortSignal | undefined;
	readonly #onEnd: FaultDatagramsOptions["onEnd"];
	// Of those that were forgotten.
	readonly #forgotten = { upstream: noCounts(), downstream: noCounts() };
	// The one that was silent for longest first.
	readonly #peers = new Map<string, Peer>();
	readonly #leaving = new Set<Promise<void>>();
	#cancelSweep: (() => void) | undefined;
	#connection = 0;
	readonly #onAbort = (): void => this.#socket.abort();

	constructor(
		socket: Datagrams,
		server: Address,
		plan: FaultPlan,
		limits: Limits,
		{ onEnd, signal }: FaultDatagramsOptions,
	) {
		this.#socket = socket;
		this.#server = server;
		this.#plan = plan;
		this.#limits = limits;
		this.#onEnd = onEnd;
		this.#signal = signal;
		signal?.addEventListener("abort", this.#onAbort, { once: true });
		this.#sweep();
		this.done = this.#run();
		if (signal?.aborted) this.#onAbort();
	}

	get peersCount(): number {
		return this.#peers.size;
	}

	get upstream(): MessageFaultCounts {
		return this.#sum("upstream");
	}

	get downstream(): MessageFaultCounts {
		return this.#sum("downstream");
	}

	close(): Promise<void> {
		this.#socket.abort();
		return this.done;
	}

	async #run(): Promise<void> {
		await eachDatagram(this.#socket, (datagram) => {
			const peer = this.#peerOf(datagram.from);
			this.#touch(peer);
			peer.upstream.take(datagram.data);
		});
		this.#cancelSweep?.();
		this.#signal?.removeEventListener("abort", this.#onAbort);
		this.#socket.abort();
		for (const peer of [...this.#peers.values()]) this.#forget(peer);
		await Promise.all(this.#leaving);
	}

	#peerOf(from: Address): Peer {
		const key = formatAddress(from);
		const known = this.#peers.get(key);
		if (known !== undefined) return known;
		const [oldest] = this.#peers.values();
		if (oldest !== undefined && this.#peers.size >= this.#limits.maxPeers) this.#forget(oldest);
		const socket = datagrams(undefined, { connect: this.#server });
		const { roomBytes } = this.#limits;
		const number = this.#connection++;
		const upstream = new DatagramWay(this.#plan, number, "upstream", roomBytes, async (data) => {
			await (await socket).send(data);
		});
		const downstream = new DatagramWay(this.#plan, number, "downstream", roomBytes, (data) =>
			this.#socket.send(data, from),
		);
		const answering = this.#answer(key, socket, downstream);
		const peer = { key, number, upstream, downstream, socket, answering, lastMs: 0 };
		this.#peers.set(key, peer);
		return peer;
	}

	async #answer(key: string, opening: Promise<Datagrams>, down: DatagramWay): Promise<void> {
		// That the server cannot be reached is told by its datagrams, which are dropped.
		const socket = await opening.catch(() => undefined);
		if (socket === undefined) return;
		await eachDatagram(socket, ({ data }) => {
			const peer = this.#peers.get(key);
			if (peer !== undefined) this.#touch(peer);
			down.take(data);
		});
	}

	#touch(peer: Peer): void {
		peer.lastMs = this.#plan.clock.nowMs();
		this.#peers.delete(peer.key);
		this.#peers.set(peer.key, peer);
	}

	#forget(peer: Peer): void {
		this.#peers.delete(peer.key);
		peer.upstream.stop();
		peer.downstream.stop();
		addCounts(this.#forgotten.upstream, peer.upstream.counts);
		addCounts(this.#forgotten.downstream, peer.downstream.counts);
		const leaving = this.#leave(peer);
		this.#leaving.add(leaving);
		void leaving.then(() => this.#leaving.delete(leaving));
	}

	async #leave({ number, socket, answering, upstream, downstream }: Peer): Promise<void> {
		let error: Error | undefined;
		try {
			(await socket).abort();
		} catch (failure) {
			error = failure as Error;
		}
		await answering;
		const way = ({ readBytes, passedBytes, counts }: DatagramWay): FaultedWay => {
			return { readBytes, passedBytes, messages: counts, error: undefined };
		};
		const ways = { upstream: way(upstream), downstream: way(downstream) };
		const result = error === undefined ? { ...ways, fault: undefined } : undefined;
		callProgram(() => this.#onEnd?.({ number, result, error }));
	}

	#sum(direction: FaultDirection): MessageFaultCounts {
		const sum = noCounts();
		addCounts(sum, this.#forgotten[direction]);
		for (const peer of this.#peers.values()) addCounts(sum, peer[direction].counts);
		return sum;
	}

	#sweep(): void {
		const { clock } = this.#plan;
		const nowMs = clock.nowMs();
		for (const peer of [...this.#peers.values()]) {
			if (nowMs - peer.lastMs < this.#limits.idleMs) break;
			this.#forget(peer);
		}
		this.#cancelSweep = clock.at(nowMs + this.#limits.idleMs / 4, () => this.#sweep());
	}
}

// Until the socket is closed, or fails for good. What the kernel tells once is of a single datagram, such as ECONNREFUSED.
async function eachDatagram(socket: Datagrams, call: (datagram: Datagram) => void): Promise<void> {
	let last: unknown;
	for (;;) {
		try {
			const datagram = await socket.receive();
			callProgram(() => call(datagram));
		} catch (error) {
			const isLasting = !(error instanceof SyscallError) || error === last;
			if (isLasting || socket.closed) return;
			last = error;
			// Others have their turn, whatever comes again and again.
			await new Promise(setImmediate);
		}
	}
}
