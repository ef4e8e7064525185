/** `faultProxy`: listens, and joins each connection with one to the server, with faults. */
import { requireFunction, requireObject, requireSignal } from "../arguments.ts";
import { InvalidValueError } from "../errors.ts";
import { connect, type StreamAddress } from "../open/connect.ts";
import { listen } from "../open/listen.ts";
import type { Listener } from "../open/listener.ts";
import { type Address, parseAddress } from "../socket/address.ts";
import type { Stream } from "../stream/stream.ts";
import { type FaultRelay, type FaultRelayResult, faultRelay } from "./fault-relay.ts";
import type { FaultPlan } from "./plan.ts";

/** A connection that has ended. */
export interface FaultedConnection {
	/** Its number, from 0: with the plan's seed it decides the faults. */
	readonly number: number;
	/** Undefined when the server could not be reached. */
	readonly result: FaultRelayResult | undefined;
	/** Why the server could not be reached. */
	readonly error: Error | undefined;
}

/** Options of `faultProxy`. */
export interface FaultProxyOptions {
	/** Called with each connection that has ended. */
	readonly onEnd?: ((connection: FaultedConnection) => void) | undefined;
	/** Ends it, and resets its connections. */
	readonly signal?: AbortSignal | undefined;
}

/** A listener with faults behind it. */
export interface FaultProxy {
	/** Where it listens, with the port that the kernel chose. */
	readonly address: Address;
	/** Connections that are open. */
	readonly connectionsCount: number;
	/** Ends it, and resets its connections. Resolves when all of them are closed. */
	close(): Promise<void>;
}

/**
 * Listens, and joins each connection with one to the server, disturbed as the plan says at any time.
 *
 * @param from where to listen: any address of streams
 * @param to the server; names are resolved for each connection
 * @throws {InvalidValueError} the plan is for datagrams
 * @throws as `listen`
 */
export async function faultProxy(
	from: string | Address,
	to: string | Address,
	plan: FaultPlan,
	options: FaultProxyOptions = {},
): Promise<FaultProxy> {
	const { onEnd, signal } = requireObject("options", options) as FaultProxyOptions;
	requireFunction("onEnd", onEnd);
	requireSignal("signal", signal);
	if (plan.kind !== "stream") {
		throw new InvalidValueError("plan", 'must be made with kind "stream"', plan.kind);
	}
	const server = parseAddress(to) as StreamAddress;
	const listener = await listen(parseAddress(from) as StreamAddress);
	return new RunningFaultProxy(listener, server, plan, onEnd, signal);
}

class RunningFaultProxy implements FaultProxy {
	readonly address: Address;
	readonly #listener: Listener<Stream>;
	readonly #server: StreamAddress;
	readonly #plan: FaultPlan;
	readonly #onEnd: ((connection: FaultedConnection) => void) | undefined;
	readonly #signal: AbortSignal | undefined;
	readonly #stopping = new AbortController();
	readonly #open = new Set<Promise<void>>();
	readonly #accepting: Promise<void>;
	readonly #onAbort = (): void => void this.close();

	constructor(
		listener: Listener<Stream>,
		server: StreamAddress,
		plan: FaultPlan,
		onEnd: ((connection: FaultedConnection) => void) | undefined,
		signal: AbortSignal | undefined,
	) {
		this.address = listener.address;
		this.#listener = listener;
		this.#server = server;
		this.#plan = plan;
		this.#onEnd = onEnd;
		this.#signal = signal;
		signal?.addEventListener("abort", this.#onAbort, { once: true });
		this.#accepting = this.#accept();
		if (signal?.aborted) this.#onAbort();
	}

	get connectionsCount(): number {
		return this.#open.size;
	}

	async close(): Promise<void> {
		this.#stopping.abort();
		this.#signal?.removeEventListener("abort", this.#onAbort);
		this.#listener.close();
		await this.#accepting;
		await Promise.all(this.#open);
	}

	async #accept(): Promise<void> {
		let number = 0;
		for await (const client of this.#listener) {
			const serving = this.#serve(client, number++);
			this.#open.add(serving);
			void serving.then(() => this.#open.delete(serving));
		}
	}

	async #serve(client: Stream, number: number): Promise<void> {
		const { signal } = this.#stopping;
		let running: FaultRelay;
		try {
			const server = await connect(this.#server, { signal });
			running = faultRelay(client, server, this.#plan, { connection: number, signal });
		} catch (error) {
			client.abort();
			this.#onEnd?.({ number, result: undefined, error: error as Error });
			return;
		}
		this.#onEnd?.({ number, result: await running.done, error: undefined });
	}
}
