/** `faultRelay`: two connections become one with faults. */
import {
	type Known,
	requireInteger,
	requireObject,
	requireOptions,
	requireSignal,
} from "../arguments.ts";
import { AbortError, SocketError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { PacketChannel } from "../packet/packet-contract.ts";
import type { ByteStream } from "../stream/contract.ts";
import { type FaultEnd, faultEnd } from "./fault-end.ts";
import { FaultWay } from "./fault-way.ts";
import type { MessageFaultCounts } from "./message-counts.ts";
import type { FaultPlan } from "./plan.ts";
import type { FaultDirection } from "./toxic.ts";
import type { Doom } from "./transform.ts";

/** Options of `faultRelay`. */
export interface FaultRelayOptions {
	/** Number of the connection: with the plan's seed it decides the faults, 0..4294967295. Default 0. */
	readonly connection?: number | undefined;
	/** Bytes that each direction holds for later before it stops reading, 1..1073741824. Default 4194304. */
	readonly roomBytes?: number | undefined;
	/** Ends it and resets both connections. */
	readonly signal?: AbortSignal | undefined;
}

/** What became of one direction. */
export interface FaultedWay {
	/** Bytes that came. */
	readonly readBytes: number;
	/** Bytes handed on. The others were lost to a fault, or to the end. */
	readonly passedBytes: number;
	/** Of messages; undefined for a stream. */
	readonly messages: Readonly<MessageFaultCounts> | undefined;
	/** A failure that no fault has made. */
	readonly error: Error | undefined;
}

/** A fault that has ended a connection. */
export interface FaultDone {
	/** How it ended. */
	readonly kind: Doom;
	/** The direction that the fault works in. */
	readonly direction: FaultDirection;
	/** Name of the fault. */
	readonly toxic: string;
}

/** What became of a connection. */
export interface FaultRelayResult {
	/** From the client to the server. */
	readonly upstream: FaultedWay;
	/** From the server to the client. */
	readonly downstream: FaultedWay;
	/** What a fault has done to the connection as a whole. */
	readonly fault: FaultDone | undefined;
}

/** A connection that has ended; of datagrams, a peer that was forgotten. */
export interface FaultedConnection {
	/** Its number, from 0: with the plan's seed it decides the faults. */
	readonly number: number;
	/** Undefined when the server could not be reached. */
	readonly result: FaultRelayResult | undefined;
	/** Why the server could not be reached. */
	readonly error: Error | undefined;
}

const KNOWN: Known<FaultRelayOptions> = {
	connection: true,
	roomBytes: true,
	signal: true,
};

/** A disturbed connection. */
export interface FaultRelay {
	/** Bytes that wait for their time, or for their receiver, in both directions. */
	readonly heldBytes: number;
	/** Settles when both connections are closed. Never rejects. */
	readonly done: Promise<FaultRelayResult>;
	/** Ends it at once and resets both connections. */
	abort(reason?: unknown): void;
}

/**
 * Joins a client and a server, and disturbs what goes between them as the plan says at any time. Without faults it is a relay: each direction
 * ends on its own, and a connection that fails takes the other one with it. Messages stay whole, in their order unless a fault changes it.
 *
 * @param client a stream, or with a plan of kind `packets` a connection of messages; taken, and closed in the end
 * @param server of the same kind; taken, and closed in the end
 * @throws {InvalidValueError} the plan is for another kind
 * @throws {InvalidTypeError | OutOfRangeError} an option makes no sense; both connections are left to the caller then
 */
export function faultRelay(
	client: ByteStream | PacketChannel,
	server: ByteStream | PacketChannel,
	plan: FaultPlan,
	options: FaultRelayOptions = {},
): FaultRelay {
	const { connection, roomBytes, signal } = requireOptions(options, KNOWN);
	const number = requireInteger("connection", connection ?? 0, 0, 2 ** 32 - 1);
	const room = requireInteger("roomBytes", roomBytes ?? LIMITS.faultHeldBytes, 1, 2 ** 30);
	requireObject("plan", plan);
	const [near, far] = [faultEnd(client, plan.kind), faultEnd(server, plan.kind)];
	return new RunningFaultRelay(near, far, plan, number, room, requireSignal("signal", signal));
}

const DIRECTIONS = ["upstream", "downstream"] as const;

class RunningFaultRelay implements FaultRelay {
	readonly done: Promise<FaultRelayResult>;
	readonly #client: FaultEnd;
	readonly #server: FaultEnd;
	readonly #plan: FaultPlan;
	readonly #connection: number;
	readonly #ways: Readonly<Record<FaultDirection, FaultWay>>;
	readonly #errors: Partial<Record<FaultDirection, Error>> = {};
	readonly #ended = new Set<FaultDirection>();
	readonly #signal: AbortSignal | undefined;
	#fault: FaultDone | undefined;
	#settle!: (result: FaultRelayResult) => void;
	#isOver = false;
	readonly #onAbort = (): void => this.abort(this.#signal?.reason);

	constructor(
		client: FaultEnd,
		server: FaultEnd,
		plan: FaultPlan,
		connection: number,
		roomBytes: number,
		signal: AbortSignal | undefined,
	) {
		this.#client = client;
		this.#server = server;
		this.#plan = plan;
		this.#connection = connection;
		this.#signal = signal;
		this.done = new Promise((resolve) => {
			this.#settle = resolve;
		});
		const way = (direction: FaultDirection): FaultWay => {
			const [source, sink] = direction === "upstream" ? [client, server] : [server, client];
			return new FaultWay(source, sink, plan, connection, direction, roomBytes, {
				ended: (error, isSinkBroken) => this.#wayEnded(direction, error, isSinkBroken),
				doomed: (kind, toxic) => this.#doomed({ kind, direction, toxic }),
			});
		};
		this.#ways = { upstream: way("upstream"), downstream: way("downstream") };
		signal?.addEventListener("abort", this.#onAbort, { once: true });
		for (const direction of DIRECTIONS) this.#ways[direction].start();
		if (signal?.aborted) this.#onAbort();
	}

	get heldBytes(): number {
		return this.#ways.upstream.heldBytes + this.#ways.downstream.heldBytes;
	}

	abort(reason?: unknown): void {
		this.#cut(reason instanceof SocketError ? reason : new AbortError(reason));
	}

	#wayEnded(direction: FaultDirection, error: Error | undefined, isSinkBroken: boolean): void {
		if (this.#isOver) return;
		if (error !== undefined) this.#errors[direction] ??= error;
		this.#ended.add(direction);
		// Nothing more can come from it or go to it: the other end must not take this for a clean end.
		if (error !== undefined && !isSinkBroken) this.#cut(error);
		else if (this.#fault !== undefined || this.#ended.size === 2) void this.#close();
	}

	#doomed(fault: FaultDone): void {
		if (this.#isOver || this.#fault !== undefined) return;
		this.#fault = fault;
		const { kind, direction, toxic } = fault;
		this.#tell(direction, toxic);
		if (kind === "close") void this.#close();
		else if (kind === "reset") this.#cut(undefined);
		else {
			const [other, sink] =
				direction === "upstream"
					? (["downstream", this.#server] as const)
					: (["upstream", this.#client] as const);
			this.#ways[other].stop();
			this.#ways[direction].deafen();
			sink.abort();
		}
	}

	#tell(direction: FaultDirection, toxic: string): void {
		const { passedBytes, counts } = this.#ways[direction];
		const at = this.#plan.kind === "stream" ? passedBytes : counts.passed;
		this.#plan.tell({ connection: this.#connection, direction, toxic, at });
	}

	async #close(): Promise<void> {
		this.#stop();
		await Promise.allSettled([this.#client.close(), this.#server.close()]);
		this.#settle(this.#result());
	}

	#cut(error: Error | undefined): void {
		if (this.#isOver) return;
		for (const direction of DIRECTIONS) {
			if (error !== undefined && !this.#ended.has(direction)) this.#errors[direction] ??= error;
		}
		this.#stop();
		this.#client.abort();
		this.#server.abort();
		this.#settle(this.#result());
	}

	#stop(): void {
		this.#isOver = true;
		for (const direction of DIRECTIONS) this.#ways[direction].stop();
		this.#signal?.removeEventListener("abort", this.#onAbort);
	}

	#result(): FaultRelayResult {
		const way = (direction: FaultDirection): FaultedWay => {
			const { readBytes, passedBytes, counts } = this.#ways[direction];
			const messages = this.#plan.kind === "stream" ? undefined : counts;
			return { readBytes, passedBytes, messages, error: this.#errors[direction] };
		};
		return { upstream: way("upstream"), downstream: way("downstream"), fault: this.#fault };
	}
}
