/** `faultRelay`: two streams become one connection with faults. */
import { requireInteger, requireObject, requireSignal } from "../arguments.ts";
import { AbortError, SocketError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { ByteStream } from "../stream/contract.ts";
import { FaultWay } from "./fault-way.ts";
import type { FaultPlan } from "./plan.ts";
import type { FaultDirection } from "./toxic.ts";

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
	/** A failure that no fault has made. */
	readonly error: Error | undefined;
}

/** A fault that has ended a connection. */
export interface FaultDone {
	readonly kind: "close" | "reset" | "half-open";
	readonly direction: FaultDirection;
}

/** What became of a connection. */
export interface FaultRelayResult {
	readonly upstream: FaultedWay;
	readonly downstream: FaultedWay;
	/** What a fault has done to the connection as a whole. */
	readonly fault: FaultDone | undefined;
}

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
 * ends on its own, and a connection that fails takes the other one with it.
 *
 * @param client taken, and closed in the end
 * @param server taken, and closed in the end
 * @throws {InvalidTypeError | OutOfRangeError} an option makes no sense; both streams are left to the caller then
 */
export function faultRelay(
	client: ByteStream,
	server: ByteStream,
	plan: FaultPlan,
	options: FaultRelayOptions = {},
): FaultRelay {
	const { connection, roomBytes, signal } = requireObject("options", options) as FaultRelayOptions;
	const number = requireInteger("connection", connection ?? 0, 0, 2 ** 32 - 1);
	const room = requireInteger("roomBytes", roomBytes ?? LIMITS.faultHeldBytes, 1, 2 ** 30);
	return new RunningFaultRelay(client, server, plan, number, room, requireSignal("signal", signal));
}

const DIRECTIONS = ["upstream", "downstream"] as const;

class RunningFaultRelay implements FaultRelay {
	readonly done: Promise<FaultRelayResult>;
	readonly #client: ByteStream;
	readonly #server: ByteStream;
	readonly #ways: Readonly<Record<FaultDirection, FaultWay>>;
	readonly #errors: Partial<Record<FaultDirection, Error>> = {};
	readonly #ended = new Set<FaultDirection>();
	readonly #signal: AbortSignal | undefined;
	#fault: FaultDone | undefined;
	#settle!: (result: FaultRelayResult) => void;
	#isOver = false;
	readonly #onAbort = (): void => this.abort(this.#signal?.reason);

	constructor(
		client: ByteStream,
		server: ByteStream,
		plan: FaultPlan,
		connection: number,
		roomBytes: number,
		signal: AbortSignal | undefined,
	) {
		this.#client = client;
		this.#server = server;
		this.#signal = signal;
		this.done = new Promise((resolve) => {
			this.#settle = resolve;
		});
		const way = (direction: FaultDirection): FaultWay => {
			const [source, sink] = direction === "upstream" ? [client, server] : [server, client];
			return new FaultWay(source, sink, plan, connection, direction, roomBytes, {
				ended: (error, isSinkBroken) => this.#wayEnded(direction, error, isSinkBroken),
				doomed: (kind) => this.#doomed(kind, direction),
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

	#doomed(kind: FaultDone["kind"], direction: FaultDirection): void {
		if (this.#isOver || this.#fault !== undefined) return;
		this.#fault = { kind, direction };
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
			const { readBytes, passedBytes } = this.#ways[direction];
			return { readBytes, passedBytes, error: this.#errors[direction] };
		};
		return { upstream: way("upstream"), downstream: way("downstream"), fault: this.#fault };
	}
}
