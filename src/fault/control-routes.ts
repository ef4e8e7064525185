/** What each request of Toxiproxy's HTTP interface does. */
import type { ControlState } from "./control-state.ts";
import { type NamedProxy, type ProxyRequest, Refusal } from "./named-proxy.ts";
import type { FaultPlan } from "./plan.ts";
import { TOXIC_TYPES, type Toxic, type ToxicRequest } from "./toxic.ts";

/** What is answered. */
export type Answer = readonly [status: number, body?: object];

// What clients look for: the version whose interface this is.
const VERSION = "2.12.0";

type Method = "GET" | "POST" | "DELETE";

/**
 * Carries a request out.
 *
 * @throws {Refusal} there is no such thing
 * @throws what its effects fail with
 */
export async function route(
	state: ControlState,
	method: string,
	url: string,
	text: string,
): Promise<Answer> {
	const [path = ""] = url.split("?");
	const parts = path.split("/").slice(1).map(decodeURIComponent);
	const [first = "", proxy, second, toxic] = parts;
	if (parts.length === 1) return await routeAll(state, first, method, text);
	if (first === "proxies" && proxy !== undefined) {
		if (parts.length === 2) return await routeProxy(state, state.get(proxy), method, text);
		if (second === "toxics" && parts.length <= 4) {
			const { plan } = state.get(proxy);
			if (toxic === undefined) return routeToxics(plan, method, text);
			return routeToxic(plan, toxic, method, text);
		}
	}
	throw nothing();
}

function nothing(): Refusal {
	return new Refusal(404, "there is nothing of this name");
}

function known(method: string, ...allowed: readonly Method[]): Method {
	// PATCH is what POST on something that exists was called later.
	const meant = allowed.find((each) => each === (method === "PATCH" ? "POST" : method));
	if (meant !== undefined) return meant;
	throw new Refusal(405, `this takes ${allowed.join(" and ")} only`);
}

async function routeAll(
	state: ControlState,
	what: string,
	method: string,
	text: string,
): Promise<Answer> {
	switch (what) {
		case "version":
			known(method, "GET");
			return [200, { version: VERSION }];
		case "proxies":
			if (known(method, "GET", "POST") === "POST") {
				return [201, (await state.add(parseBody(text) as ProxyRequest)).view];
			}
			return [200, Object.fromEntries(state.proxies.map(({ name, view }) => [name, view]))];
		case "populate":
			known(method, "POST");
			return await populate(state, text);
		case "reset":
			known(method, "POST");
			await state.reset();
			return [204];
		default:
			throw nothing();
	}
}

async function populate(state: ControlState, text: string): Promise<Answer> {
	const list = parseBody(text);
	if (!Array.isArray(list)) throw new Refusal(400, "bad request body: not a list");
	const made: NamedProxy[] = [];
	await state.populate(list, made);
	return [201, { proxies: made.map(({ view }) => view) }];
}

async function routeProxy(
	state: ControlState,
	proxy: NamedProxy,
	method: string,
	text: string,
): Promise<Answer> {
	const meant = known(method, "GET", "POST", "DELETE");
	if (meant === "DELETE") {
		await state.remove(proxy.name);
		return [204];
	}
	if (meant === "POST") await state.update(proxy, parseBody(text) as ProxyRequest);
	return [200, proxy.view];
}

function routeToxics(plan: FaultPlan, method: string, text: string): Answer {
	if (known(method, "GET", "POST") === "GET") return [200, plan.toxics];
	const request = parseBody(text) as ToxicRequest;
	const { type, stream } = request;
	// Clients send an empty name or direction for the usual one.
	const wanted = { ...request, name: request.name || undefined, stream: stream || "downstream" };
	if (!["upstream", "downstream"].includes(wanted.stream)) {
		throw new Refusal(400, "stream was invalid, can be either upstream or downstream");
	}
	if (!TOXIC_TYPES[plan.kind].includes(type)) {
		const types = TOXIC_TYPES[plan.kind].join(", ");
		throw new Refusal(400, `invalid toxic type; there are ${types}`);
	}
	if (plan.get(wanted.name ?? `${type}_${wanted.stream}`) !== undefined) {
		throw new Refusal(409, "toxic already exists");
	}
	return [200, plan.add(wanted)];
}

function routeToxic(plan: FaultPlan, name: string, method: string, text: string): Answer {
	const meant = known(method, "GET", "POST", "DELETE");
	const toxic: Toxic | undefined = plan.get(name);
	if (toxic === undefined) throw new Refusal(404, "toxic not found");
	if (meant === "DELETE") {
		plan.remove(name);
		return [204];
	}
	if (meant === "POST") return [200, plan.update(name, parseBody(text) as ToxicRequest) ?? toxic];
	return [200, toxic];
}

function parseBody(text: string): object {
	try {
		const value: unknown = JSON.parse(text);
		if (typeof value === "object" && value !== null) return value;
	} catch {
		// Told below.
	}
	throw new Refusal(400, "bad request body: not JSON of an object or a list");
}
