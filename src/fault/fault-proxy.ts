/** `faultProxy`: listens, and joins whoever comes with the server, with faults: streams, messages and datagrams. */
import {
	type Known,
	requireFunction,
	requireObject,
	requireOptions,
	requireSignal,
} from "../arguments.ts";
import { callProgram } from "../call-program.ts";
import { InvalidValueError } from "../errors.ts";
import { connect } from "../open/connect.ts";
import { type ListenOptions, listen } from "../open/listen.ts";
import type { Listener } from "../open/listener.ts";
import { datagrams } from "../open/open-datagrams.ts";
import type { PacketStream } from "../packet/packet-stream.ts";
import {
	type Address,
	type AddressInput,
	type AddressOf,
	formatAddress,
	parseAddress,
} from "../socket/address.ts";
import { type SocketTransport, TRANSPORTS } from "../socket/transport.ts";
import type { Stream } from "../stream/stream.ts";
import { faultDatagrams } from "./fault-datagrams.ts";
import { type FaultedConnection, type FaultRelay, faultRelay } from "./fault-relay.ts";
import type { FaultPlan } from "./plan.ts";
import type { FaultKind } from "./toxic.ts";

/** Who may use what a relay with faults listens on. */
export interface FaultAccess {
	/** Permissions of the socket file, as of `listen`. */
	readonly mode?: ListenOptions["mode"];
	/** Who may connect to a Unix socket, as of `listen`: of others the server does not hear. */
	readonly allow?: ListenOptions["allow"];
}

/** Options of `faultProxy`. */
export interface FaultProxyOptions extends FaultAccess {
	/** Called with each connection that has ended. */
	readonly onEnd?: ((connection: FaultedConnection) => void) | undefined;
	/** Ends it, and resets its connections. */
	readonly signal?: AbortSignal | undefined;
}

/** What is known of who may use it. */
export const ACCESS: Known<FaultAccess> = { mode: true, allow: true };
const KNOWN: Known<FaultProxyOptions> = {
	...ACCESS,
	onEnd: true,
	signal: true,
};

/** A listener with faults behind it. */
export interface FaultProxy<T extends SocketTransport = SocketTransport> {
	/** Where it listens, with the port that the kernel chose. */
	readonly address: AddressOf<T>;
	/** Connections that are open; of datagrams, peers that are remembered. */
	readonly connectionsCount: number;
	/** Ends it, and resets its connections. Resolves when all of them are closed. */
	close(): Promise<void>;
}

/**
 * Listens, and joins each connection with one to the server, disturbed as the plan says at any time. For datagrams it is `faultDatagrams` with a
 * socket of its own.
 *
 * @param from where to listen: an address of the plan's kind
 * @param to the server, of the same kind; names are resolved for each connection
 * @throws {InvalidTypeError} there is no plan, or an option has the wrong type
 * @throws {InvalidValueError} an address is not of the plan's kind, or `allow` is given for datagrams, which nobody connects for
 * @throws as `listen` and `datagrams`
 */
export function faultProxy<T extends SocketTransport>(
	from: AddressInput<T>,
	to: string | Address,
	plan: FaultPlan,
	options?: FaultProxyOptions,
): Promise<FaultProxy<T>>;
export function faultProxy(
	from: string | Address,
	to: string | Address,
	plan: FaultPlan,
	options?: FaultProxyOptions,
): Promise<FaultProxy>;
export async function faultProxy(
	from: string | Address,
	to: string | Address,
	plan: FaultPlan,
	options: FaultProxyOptions = {},
): Promise<FaultProxy> {
	const { onEnd, signal, mode, allow } = requireOptions(options, KNOWN);
	requireFunction("onEnd", onEnd);
	requireSignal("signal", signal);
	requireObject("plan", plan);
	const [near, far] = [parseAddress(from), parseAddress(to)];
	requireKind("from", near, plan.kind);
	requireKind("to", far, plan.kind);
	if (plan.kind === "datagrams") return await datagramProxy(near, far, plan, options);
	const listener = await listen(near, { mode, allow });
	return new RunningFaultProxy(listener, far, plan, onEnd, signal);
}

/** The kind of faults that an address can have; undefined when only opening it tells. */
export function faultKindOf({ transport }: Address): FaultKind | undefined {
	if (transport === "fd" || transport === "systemd") return undefined;
	if (transport === "tcp+srv") return "stream";
	return KINDS[TRANSPORTS[transport].type];
}

const KINDS = { stream: "stream", dgram: "datagrams", seqpacket: "packets" } as const;

function requireKind(name: string, address: Address, kind: FaultKind): void {
	const found = faultKindOf(address);
	if (found === undefined || found === kind) return;
	throw new InvalidValueError(name, `must be of ${kind} as the plan is`, formatAddress(address));
}

async function datagramProxy(
	from: Address,
	to: Address,
	plan: FaultPlan,
	{ onEnd, signal, mode, allow }: FaultProxyOptions,
): Promise<FaultProxy> {
	if (allow !== undefined) throw new InvalidValueError("allow", "is for connections", allow);
	const socket = await datagrams(from, { mode });
	const { address } = socket;
	const running = faultDatagrams(socket, to, plan, { onEnd, signal });
	return {
		address,
		get connectionsCount() {
			return running.peersCount;
		},
		close: () => running.close(),
	};
}

class RunningFaultProxy implements FaultProxy {
	readonly address: AddressOf<SocketTransport>;
	readonly #listener: Listener<Stream> | Listener<PacketStream>;
	readonly #server: Address;
	readonly #plan: FaultPlan;
	readonly #onEnd: ((connection: FaultedConnection) => void) | undefined;
	readonly #signal: AbortSignal | undefined;
	// One for each connection: a signal that has many listeners warns.
	readonly #open = new Map<AbortController, Promise<void>>();
	readonly #accepting: Promise<void>;
	readonly #onAbort = (): void => void this.close();

	constructor(
		listener: Listener<Stream> | Listener<PacketStream>,
		server: Address,
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
		this.#signal?.removeEventListener("abort", this.#onAbort);
		this.#listener.close();
		await this.#accepting;
		for (const stopping of this.#open.keys()) stopping.abort();
		await Promise.all(this.#open.values());
	}

	async #accept(): Promise<void> {
		let number = 0;
		for await (const client of this.#listener) {
			const stopping = new AbortController();
			const serving = this.#serve(client, number++, stopping.signal);
			this.#open.set(stopping, serving);
			void serving.then(() => this.#open.delete(stopping));
		}
	}

	async #serve(client: Stream | PacketStream, number: number, signal: AbortSignal): Promise<void> {
		let running: FaultRelay;
		let server: Stream | PacketStream | undefined;
		try {
			server = await connect(this.#server, { signal });
			running = faultRelay(client, server, this.#plan, { connection: number, signal });
		} catch (error) {
			client.abort();
			server?.abort();
			this.#tell({ number, result: undefined, error: error as Error });
			return;
		}
		const result = await running.done;
		this.#tell({ number, result, error: undefined });
	}

	#tell(connection: FaultedConnection): void {
		callProgram(() => this.#onEnd?.(connection));
	}
}
