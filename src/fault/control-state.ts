/** The proxies that the HTTP interface knows. */
import {
	ClosedError,
	InvalidAddressError,
	InvalidTypeError,
	InvalidValueError,
	OutOfRangeError,
} from "../errors.ts";
import type { FaultAccess } from "./fault-proxy.ts";
import { NamedProxy, type ProxyRequest, type ProxySettings, Refusal } from "./named-proxy.ts";
import type { ToxicRequest } from "./toxic.ts";

/** All proxies. */
export class ControlState {
	readonly #proxies = new Map<string, NamedProxy>();
	readonly #settings: ProxySettings;
	#isClosed = false;

	constructor(settings: ProxySettings) {
		this.#settings = settings;
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

	/**
	 * @throws {Refusal} the request makes no sense, or its name is taken
	 * @throws {ClosedError} after `close`
	 */
	async add(
		request: ProxyRequest,
		toxics: readonly ToxicRequest[] = [],
		access: FaultAccess = {},
	): Promise<NamedProxy> {
		const { name, listen = "127.0.0.1:0", upstream, enabled = true } = readProxy(request);
		if (this.#isClosed) throw new ClosedError("The interface");
		if (this.#proxies.has(name)) throw new Refusal(409, "proxy already exists");
		const proxy = new NamedProxy(name, listen, upstream, toxics, this.#settings, access);
		if (enabled) await proxy.enable();
		this.#proxies.set(name, proxy);
		return proxy;
	}

	/** Changes a proxy; what is not given stays. */
	async update(proxy: NamedProxy, request: ProxyRequest): Promise<void> {
		const { view } = proxy;
		const listen = readText("listen", request.listen) ?? view.listen;
		const upstream = readText("upstream", request.upstream) ?? view.upstream;
		await proxy.update(listen, upstream, readBoolean("enabled", request.enabled));
	}

	/**
	 * Adds proxies, in place of those of the same name that go elsewhere; those that go where they should are left alone.
	 *
	 * @param made filled with what is there in the end, so far as it came
	 */
	async populate(requests: readonly unknown[], made: NamedProxy[]): Promise<void> {
		const wanted = requests.map((each, index) => readListed(each, index + 1));
		for (const request of wanted) {
			const { name, listen, upstream } = request;
			const old = this.#proxies.get(name);
			if (old?.goes(listen ?? old.view.listen, upstream)) {
				made.push(old);
				continue;
			}
			if (old !== undefined) await this.remove(name);
			made.push(await this.add(request));
		}
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

	/** Disables all proxies, and takes no more. */
	async close(): Promise<void> {
		this.#isClosed = true;
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

interface WantedProxy {
	readonly name: string;
	readonly upstream: string;
	readonly listen: string | undefined;
	readonly enabled: boolean | undefined;
}

function readProxy(request: ProxyRequest, where: string = ""): WantedProxy {
	const { name, upstream, listen, enabled } = request;
	return {
		name: required(`name${where}`, readText("name", name)),
		upstream: required(`upstream${where}`, readText("upstream", upstream)),
		listen: readText("listen", listen),
		enabled: readBoolean("enabled", enabled),
	};
}

function readListed(request: unknown, number: number): WantedProxy {
	if (typeof request === "object" && request !== null) {
		return readProxy(request, ` at proxy ${number}`);
	}
	throw new Refusal(400, `bad request body: proxy ${number} is no object`);
}

function required(field: string, value: string | undefined): string {
	if (value !== undefined) return value;
	throw new Refusal(400, `missing required field: ${field}`);
}

// As in Toxiproxy, null is as good as nothing.
function readText(name: string, value: unknown): string | undefined {
	if (value === undefined || value === null || value === "") return undefined;
	if (typeof value === "string") return value;
	throw new Refusal(400, `bad request body: ${name} must be a string`);
}

function readBoolean(name: string, value: unknown): boolean | undefined {
	if (value === undefined || value === null) return undefined;
	if (typeof value === "boolean") return value;
	throw new Refusal(400, `bad request body: ${name} must be true or false`);
}
