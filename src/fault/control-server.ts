/** `faultControl`: an HTTP interface that Toxiproxy's client libraries speak. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIP } from "node:net";
import { requireFunction, requireObject } from "../arguments.ts";
import { InvalidAddressError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { type Address, formatAddress, parseAddress } from "../socket/address.ts";
import type { FaultClock } from "./clock.ts";
import { ControlState, type OnEnd, type ProxyRequest, Refusal, statusOf } from "./control-state.ts";
import type { FaultPlan } from "./plan.ts";
import type { Toxic, ToxicRequest } from "./toxic.ts";

/** Options of `faultControl`. */
export interface FaultControlOptions {
	/** For all proxies, 0..4294967295. Default: a random one for each. */
	readonly seed?: number | undefined;
	/** Default: the machine's. */
	readonly clock?: FaultClock | undefined;
	/** Called with each connection that has ended. */
	readonly onEnd?: OnEnd | undefined;
}

/** The interface, and the proxies that were made through it. */
export interface FaultControl {
	/** Where it listens, with the port that the kernel chose. */
	readonly address: Address;
	/** Makes a proxy as `POST /proxies` does; tells where it listens, and its faults. */
	addProxy(
		name: string,
		listen: string,
		upstream: string,
		toxics?: readonly ToxicRequest[],
	): Promise<{ readonly address: Address; readonly plan: FaultPlan }>;
	/** Closes the interface and all proxies, and resets their connections. */
	close(): Promise<void>;
}

/**
 * Serves the HTTP interface of Toxiproxy 2: `/version`, `/proxies`, `/proxies/NAME/toxics`, `/populate`, `/reset`.
 *
 * Whoever reaches it can make this process listen and connect anywhere: leave it on this machine. Browsers are refused. Requests have up to
 * 1 MiB.
 *
 * @param at `tcp://HOST:PORT` or `unix:PATH`; Toxiproxy's own is `tcp://127.0.0.1:8474`
 * @throws {InvalidAddressError} it is neither
 * @throws what `listen` of `node:net` fails with: EADDRINUSE, EACCES
 * @see https://github.com/Shopify/toxiproxy#http-api
 */
export async function faultControl(
	at: string | Address,
	options: FaultControlOptions = {},
): Promise<FaultControl> {
	const { seed, clock, onEnd } = requireObject("options", options) as FaultControlOptions;
	const state = new ControlState(seed, clock, requireFunction("onEnd", onEnd));
	const answering = new Set<Promise<void>>();
	let turn: Promise<unknown> = Promise.resolve();
	// One after the other, as their effects are meant to be.
	const inTurn: InTurn = (work) => {
		const done = turn.then(work);
		turn = done.catch(() => undefined);
		return done;
	};
	const server = createServer((request, response) => {
		const answered = answer(state, inTurn, request, response);
		answering.add(answered);
		void answered.then(() => answering.delete(answered));
	});
	const address = await listenAt(server, parseAddress(at));
	return {
		address,
		addProxy: async (name, listen, upstream, toxics = []) => {
			const { address: at, plan } = await state.add({ name, listen, upstream }, toxics);
			return { address: at, plan };
		},
		close: async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
			await Promise.all(answering);
			await state.close();
		},
	};
}

async function listenAt(server: Server, address: Address): Promise<Address> {
	const place = placeOf(address);
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.listen(place, resolve);
	});
	const bound = server.address();
	if (bound === null || typeof bound === "string") return address;
	return { transport: "tcp", host: bound.address, port: bound.port };
}

function placeOf(address: Address): { host: string; port: number } | { path: string } {
	if (address.transport === "tcp") return { host: address.host, port: address.port };
	if (address.transport === "unix" && "path" in address) return { path: address.path };
	throw new InvalidAddressError(formatAddress(address), "must be tcp://HOST:PORT or unix:PATH");
}

type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

async function answer(
	state: ControlState,
	inTurn: InTurn,
	request: IncomingMessage,
	response: ServerResponse,
): Promise<void> {
	let status = 200;
	let body: unknown;
	try {
		refuseBrowsers(request);
		const text = await readBody(request);
		const { method = "GET", url = "/" } = request;
		[status, body] = await inTurn(() => route(state, method, url, text));
	} catch (error) {
		status = statusOf(error);
		body = { error: (error as Error).message, status };
	}
	const text = body === undefined ? "" : `${JSON.stringify(body)}\n`;
	response.writeHead(status, { "content-type": "application/json" }).end(text);
}

// A page of the web must not reach it by way of a browser on this machine, whatever name it gives to this address.
function refuseBrowsers({ headers }: IncomingMessage): void {
	const host = (headers.host ?? "localhost").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
	const isOurs = host === "localhost" || isIP(host) !== 0;
	if (headers.origin !== undefined || /^Mozilla\//.test(headers["user-agent"] ?? "") || !isOurs) {
		throw new Refusal(
			403,
			"browsers are not allowed here, and the host must be localhost or an IP address",
		);
	}
}

async function readBody(request: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of request as AsyncIterable<Buffer>) {
		bytes += chunk.length;
		// Read to its end all the same: otherwise its sender would find a reset and no answer.
		if (bytes <= LIMITS.faultRequestBytes) chunks.push(chunk);
	}
	if (bytes > LIMITS.faultRequestBytes) throw new Refusal(413, "the request is too long");
	return Buffer.concat(chunks).toString();
}

type Answer = [status: number, body?: unknown];

async function route(
	state: ControlState,
	method: string,
	url: string,
	text: string,
): Promise<Answer> {
	const [path = ""] = url.split("?");
	const [first, proxy, second, toxic, rest] = path.split("/").slice(1).map(decodeURIComponent);
	if (rest === undefined && first === "proxies" && proxy !== undefined) {
		if (second === undefined) return await routeProxy(state, method, proxy, text);
		if (second === "toxics") return routeToxics(state.get(proxy).plan, method, toxic, text);
	}
	const isChange = method === "POST" || method === "PATCH";
	const found = proxy === undefined && (isChange || method === "GET");
	const answered = found && (await routeAll(state, `${isChange ? "POST" : "GET"} ${first}`, text));
	if (answered) return answered;
	throw new Refusal(404, "there is nothing of this name and method");
}

async function routeAll(
	state: ControlState,
	what: string,
	text: string,
): Promise<Answer | undefined> {
	switch (what) {
		case "GET version":
			return [200, { version: "2.12.0" }];
		case "GET proxies":
			return [200, Object.fromEntries(state.proxies.map(({ name, view }) => [name, view]))];
		case "POST proxies":
			return [201, (await state.add(parseBody(text) as ProxyRequest)).view];
		case "POST populate": {
			const list = parseBody(text);
			if (!Array.isArray(list)) throw new Refusal(400, "bad request body: not a list");
			const made = await state.populate(list as ProxyRequest[]);
			return [201, { proxies: made.map(({ view }) => view) }];
		}
		case "POST reset":
			await state.reset();
			return [204];
		default:
			return undefined;
	}
}

async function routeProxy(
	state: ControlState,
	method: string,
	name: string,
	text: string,
): Promise<Answer> {
	const proxy = state.get(name);
	if (method === "DELETE") {
		await state.remove(name);
		return [204];
	}
	if (method !== "GET") await proxy.update(parseBody(text) as ProxyRequest);
	return [200, proxy.view];
}

function routeToxics(
	plan: FaultPlan,
	method: string,
	name: string | undefined,
	text: string,
): Answer {
	if (name === undefined) {
		if (method === "GET") return [200, plan.toxics];
		const request = parseBody(text) as ToxicRequest;
		// Clients send an empty name for the usual one.
		const wanted = { ...request, name: request.name || undefined };
		const usual = `${wanted.type}_${wanted.stream ?? "downstream"}`;
		if (plan.get(wanted.name ?? usual) !== undefined)
			throw new Refusal(409, "toxic already exists");
		return [200, plan.add(wanted)];
	}
	if (method === "DELETE") return plan.remove(name) ? [204] : noToxic();
	const toxic: Toxic | undefined =
		method === "GET" ? plan.get(name) : plan.update(name, parseBody(text) as ToxicRequest);
	return toxic === undefined ? noToxic() : [200, toxic];
}

function noToxic(): never {
	throw new Refusal(404, "toxic not found");
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
