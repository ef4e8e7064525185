/** The proxies that the HTTP interface changes, in Toxiproxy's words. */
import {
	InvalidAddressError,
	InvalidTypeError,
	InvalidValueError,
	OutOfRangeError,
} from "../errors.ts";
import { type Address, formatAddress, parseAddress } from "../socket/address.ts";
import type { FaultClock } from "./clock.ts";
import { type FaultedConnection, type FaultProxy, faultProxy } from "./fault-proxy.ts";
import { FaultPlan } from "./plan.ts";
import type { Toxic, ToxicRequest } from "./toxic.ts";

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

/** Called with each connection that has ended. */
export type OnEnd = (connection: FaultedConnection & { readonly proxy: string }) => void;

/** A proxy by its name: enabled while it listens. */
export class NamedProxy {
	readonly name: string;
	readonly plan: FaultPlan;
	#listen: string;
	#upstream: string;
	#running: FaultProxy | undefined;
	readonly #onEnd: OnEnd | undefined;

	constructor(
		name: string,
		listen: string,
		upstream: string,
		plan: FaultPlan,
		onEnd: OnEnd | undefined,
	) {
		this.name = name;
		this.plan = plan;
		this.#listen = listen;
		this.#upstream = upstream;
		this.#onEnd = onEnd;
	}

	get view(): ProxyView {
		const { name, plan } = this;
		const enabled = this.#running !== undefined;
		const [listen, upstream] = [this.#listen, this.#upstream];
		return { name, listen, upstream, enabled, toxics: plan.toxics };
	}

	/** Where it listens. */
	get address(): Address {
		return parseAddress(toAddress(this.#listen));
	}

	/** Listens; the port that the kernel has chosen stays. */
	async enable(): Promise<void> {
		if (this.#running !== undefined) return;
		const onEnd = (connection: FaultedConnection): void => {
			this.#onEnd?.({ ...connection, proxy: this.name });
		};
		const [from, to] = [toAddress(this.#listen), toAddress(this.#upstream)];
		this.#running = await faultProxy(from, to, this.plan, { onEnd });
		this.#listen = formatAddress(this.#running.address).replace(/^tcp:\/\//, "");
	}

	/** Resets its connections and listens no more. */
	async disable(): Promise<void> {
		const running = this.#running;
		this.#running = undefined;
		await running?.close();
	}

	async update({ listen, upstream, enabled }: ProxyRequest): Promise<void> {
		const newListen = optionalText("listen", listen) ?? this.#listen;
		const newUpstream = optionalText("upstream", upstream) ?? this.#upstream;
		const isEnabled = optionalBoolean("enabled", enabled) ?? this.#running !== undefined;
		if (newListen !== this.#listen || newUpstream !== this.#upstream || !isEnabled) {
			await this.disable();
		}
		this.#listen = newListen;
		this.#upstream = newUpstream;
		if (isEnabled) await this.enable();
	}
}

/** All proxies. */
export class ControlState {
	readonly seed: number | undefined;
	readonly #proxies = new Map<string, NamedProxy>();
	readonly #clock: FaultClock | undefined;
	readonly #onEnd: OnEnd | undefined;

	constructor(seed: number | undefined, clock: FaultClock | undefined, onEnd: OnEnd | undefined) {
		this.seed = seed;
		this.#clock = clock;
		this.#onEnd = onEnd;
	}

	get proxies(): readonly NamedProxy[] {
		return [...this.#proxies.values()];
	}

	/** @throws {Refusal} there is none of this name */
	get(name: string): NamedProxy {
		const proxy = this.#proxies.get(name);
		if (proxy === undefined) throw new Refusal(404, "proxy not found");
		return proxy;
	}

	/** @throws {Refusal} the request makes no sense, or its name is taken */
	async add(request: ProxyRequest, toxics: readonly ToxicRequest[] = []): Promise<NamedProxy> {
		const name = requiredText("name", request.name);
		const upstream = requiredText("upstream", request.upstream);
		const listen = optionalText("listen", request.listen) || "127.0.0.1:0";
		const isEnabled = optionalBoolean("enabled", request.enabled) ?? true;
		if (this.#proxies.has(name)) throw new Refusal(409, "proxy already exists");
		const plan = new FaultPlan({ seed: this.seed, clock: this.#clock, toxics });
		const proxy = new NamedProxy(name, listen, upstream, plan, this.#onEnd);
		this.#proxies.set(name, proxy);
		try {
			if (isEnabled) await proxy.enable();
		} catch (error) {
			this.#proxies.delete(name);
			throw error;
		}
		return proxy;
	}

	/** Adds proxies, in place of those of the same name that go elsewhere. */
	async populate(requests: readonly ProxyRequest[]): Promise<NamedProxy[]> {
		const made: NamedProxy[] = [];
		for (const request of requests) {
			const old = this.#proxies.get(String(request.name));
			const { listen, upstream } = old?.view ?? {};
			if (old !== undefined && listen === request.listen && upstream === request.upstream) {
				await old.update({ enabled: request.enabled ?? true });
				made.push(old);
				continue;
			}
			if (old !== undefined) await this.remove(old.name);
			made.push(await this.add(request));
		}
		return made;
	}

	/** @throws {Refusal} there is none of this name */
	async remove(name: string): Promise<void> {
		const proxy = this.get(name);
		this.#proxies.delete(name);
		await proxy.disable();
	}

	/** Enables all proxies and removes all faults. */
	async reset(): Promise<void> {
		for (const proxy of this.proxies) {
			await proxy.enable();
			proxy.plan.clear();
		}
	}

	async close(): Promise<void> {
		await Promise.all(this.proxies.map((proxy) => proxy.disable()));
	}
}

// URIError: a name in the URL that is not encoded as one.
const MISTAKES = [
	InvalidAddressError,
	InvalidTypeError,
	InvalidValueError,
	OutOfRangeError,
	URIError,
] as const;

/** What an error means in HTTP. */
export function statusOf(error: unknown): number {
	if (error instanceof Refusal) return error.status;
	return MISTAKES.some((kind) => error instanceof kind) ? 400 : 500;
}

// Toxiproxy's addresses are HOST:PORT; ours say their kind.
function toAddress(text: string): string {
	return /^[a-z-]+:(?:\/\/|[./@])/.test(text) ? text : `tcp://${text.replace(/^:/, "*:")}`;
}

function requiredText(name: string, value: unknown): string {
	if (typeof value === "string" && value !== "") return value;
	throw new Refusal(400, `missing required field: ${name}`);
}

function optionalText(name: string, value: unknown): string | undefined {
	if (value === undefined || typeof value === "string") return value || undefined;
	throw new Refusal(400, `bad request body: ${name} must be a string`);
}

function optionalBoolean(name: string, value: unknown): boolean | undefined {
	if (value === undefined || typeof value === "boolean") return value;
	throw new Refusal(400, `bad request body: ${name} must be true or false`);
}
