/** A proxy that the HTTP interface changes, in Toxiproxy's words. */
import { type Address, formatAddress, parseAddress } from "../socket/address.ts";
import type { FaultClock } from "./clock.ts";
import { type FaultAccess, type FaultProxy, faultKindOf, faultProxy } from "./fault-proxy.ts";
import type { FaultedConnection } from "./fault-relay.ts";
import { type FaultEvent, FaultPlan } from "./plan.ts";
import type { FaultKind, Toxic, ToxicRequest } from "./toxic.ts";

/** A refusal, by its status in HTTP. */
export class Refusal extends Error {
	readonly status: number;

	constructor(status: number, message: string) {
		super(message);
		this.status = status;
	}
}

/** A proxy as it is asked for. */
export interface ProxyRequest {
	readonly name?: unknown;
	readonly listen?: unknown;
	readonly upstream?: unknown;
	readonly enabled?: unknown;
}

/** A proxy as it is told of. */
export interface ProxyView {
	readonly name: string;
	readonly listen: string;
	readonly upstream: string;
	readonly enabled: boolean;
	readonly toxics: readonly Toxic[];
}

/** What all proxies have in common. */
export interface ProxySettings {
	readonly seed: number | undefined;
	readonly clock: FaultClock | undefined;
	/** Called with each connection that has ended. */
	readonly onEnd:
		| ((connection: FaultedConnection & { readonly proxy: string }) => void)
		| undefined;
	/** Called with what a fault has done. */
	readonly onFault: ((event: FaultEvent & { readonly proxy: string }) => void) | undefined;
}

/** A proxy by its name: enabled while it listens. */
export class NamedProxy {
	readonly name: string;
	readonly plan: FaultPlan;
	readonly #settings: ProxySettings;
	readonly #access: FaultAccess;
	// As it was asked for: `localhost:0` goes on meaning this proxy when the kernel has chosen a port.
	#asked: string;
	#listen: string;
	#upstream: string;
	#running: FaultProxy | undefined;

	/**
	 * @throws {Refusal} the addresses are of different kinds
	 * @throws {InvalidAddressError} one is malformed
	 * @throws as the constructor of `FaultPlan`
	 */
	constructor(
		name: string,
		listen: string,
		upstream: string,
		toxics: readonly ToxicRequest[],
		settings: ProxySettings,
		{ mode, allow }: FaultAccess = {},
	) {
		const { seed, clock, onFault } = settings;
		this.name = name;
		this.plan = new FaultPlan({
			kind: kindOf(listen, upstream),
			seed,
			clock,
			toxics,
			onFault: onFault && ((event) => onFault({ ...event, proxy: name })),
		});
		this.#asked = listen;
		this.#listen = listen;
		this.#upstream = upstream;
		this.#settings = settings;
		this.#access = { mode, allow };
	}

	get view(): ProxyView {
		const { name, plan } = this;
		const enabled = this.#running !== undefined;
		const [listen, upstream] = [bare(this.#listen), bare(this.#upstream)];
		return { name, listen, upstream, enabled, toxics: plan.toxics };
	}

	/** Where it listens. */
	get address(): Address {
		return parseAddress(toAddress(this.#listen));
	}

	/** Whether it goes from and to these already. */
	goes(listen: string, upstream: string): boolean {
		const places = [this.#asked, this.#listen].map(bare);
		return places.includes(bare(listen)) && bare(upstream) === bare(this.#upstream);
	}

	/** Listens; the port that the kernel has chosen stays. */
	async enable(): Promise<void> {
		if (this.#running !== undefined) return;
		const { onEnd } = this.#settings;
		this.#running = await faultProxy(
			toAddress(this.#listen),
			toAddress(this.#upstream),
			this.plan,
			{
				...this.#access,
				onEnd: onEnd && ((connection) => onEnd({ ...connection, proxy: this.name })),
			},
		);
		this.#listen = formatAddress(this.#running.address);
	}

	/** Resets its connections and listens no more. */
	async disable(): Promise<void> {
		const running = this.#running;
		this.#running = undefined;
		await running?.close();
	}

	/**
	 * Changes what is given.
	 *
	 * @throws {Refusal} the addresses are of another kind; nothing has changed
	 */
	async update(listen: string, upstream: string, isEnabled: boolean | undefined): Promise<void> {
		const enabled = isEnabled ?? this.#running !== undefined;
		const isSame = this.goes(listen, upstream);
		if (!isSame && kindOf(listen, upstream) !== this.plan.kind) {
			throw new Refusal(400, `a proxy of ${this.plan.kind} stays one: delete it and make another`);
		}
		if (!isSame || !enabled) await this.disable();
		if (!isSame) {
			this.#asked = listen;
			this.#listen = listen;
			this.#upstream = upstream;
		}
		if (enabled) await this.enable();
	}
}

function kindOf(listen: string, upstream: string): FaultKind {
	const [near, far] = [listen, upstream].map((each) => faultKindOf(parseAddress(toAddress(each))));
	if (near === far || near === undefined || far === undefined) return near ?? far ?? "stream";
	throw new Refusal(400, `listen and upstream must be of one kind, not ${near} and ${far}`);
}

// As Toxiproxy writes it, whose addresses are all of TCP.
function bare(text: string): string {
	return text.replace(/^tcp:\/\//, "");
}

// Toxiproxy's addresses are HOST:PORT; ours say their kind.
function toAddress(text: string): string {
	return /^[a-z+-]+:(?:\/\/|[./@])/.test(text) ? text : `tcp://${text.replace(/^:/, "*:")}`;
}
