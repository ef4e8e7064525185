/** `faultControl`: an HTTP interface that Toxiproxy's client libraries speak. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { BlockList, isIP } from "node:net";
import { type Known, requireFunction, requireOptions } from "../arguments.ts";
import { InvalidAddressError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import {
	type Address,
	type AddressInput,
	type AddressOf,
	formatAddress,
	parseAddress,
} from "../socket/address.ts";
import type { FaultClock } from "./clock.ts";
import { type Answer, route } from "./control-routes.ts";
import { ControlState, statusOf } from "./control-state.ts";
import { ACCESS, type FaultAccess } from "./fault-proxy.ts";
import { type ProxySettings, Refusal } from "./named-proxy.ts";
import type { FaultPlan } from "./plan.ts";
import type { ToxicRequest } from "./toxic.ts";

/** Options of `faultControl`. */
export interface FaultControlOptions {
	/** For all proxies, 0..4294967295. Default: a random one for each. */
	readonly seed?: number | undefined;
	/** Default: the machine's. */
	readonly clock?: FaultClock | undefined;
	/** Called with each connection that has ended. */
	readonly onEnd?: ProxySettings["onEnd"];
	/** Called each time that a fault hits a message, or ends a connection. */
	readonly onFault?: ProxySettings["onFault"];
}

const KNOWN: Known<FaultControlOptions> = {
	seed: true,
	clock: true,
	onEnd: true,
	onFault: true,
};

/** The interface, and the proxies that were made through it. */
export interface FaultControl<T extends "tcp" | "unix" = "tcp" | "unix"> {
	/** Where it listens, with the port that the kernel chose. */
	readonly address: AddressOf<T>;
	/** Makes a proxy as `POST /proxies` does, and keeps those out whom `access` does not let in, also when it is enabled again; tells where it listens, and its faults. Rejects with `ClosedError` after `close`. */
	addProxy(
		name: string,
		listen: string,
		upstream: string,
		toxics?: readonly ToxicRequest[],
		access?: FaultAccess,
	): Promise<{ readonly address: Address; readonly plan: FaultPlan }>;
	/** Closes the interface and all proxies, and resets their connections. */
	close(): Promise<void>;
}

/**
 * Serves the HTTP interface of Toxiproxy 2: `/version`, `/proxies`, `/proxies/NAME/toxics`, `/populate`, `/reset`.
 *
 * Whoever reaches it can make this process listen and connect anywhere: leave it on this machine. Browsers are refused. Requests have up to
 * 1 MiB, and 15 seconds to arrive.
 *
 * @param at `tcp://HOST:PORT` or `unix:PATH`; Toxiproxy's own is `tcp://127.0.0.1:8474`
 * @throws {InvalidAddressError} it is neither
 * @throws what `listen` of `node:net` fails with: EADDRINUSE, EACCES
 * @see https://github.com/Shopify/toxiproxy#http-api
 */
export function faultControl<T extends "tcp" | "unix">(
	at: AddressInput<T>,
	options?: FaultControlOptions,
): Promise<FaultControl<T>>;
export function faultControl(
	at: string | Address,
	options?: FaultControlOptions,
): Promise<FaultControl>;
export async function faultControl(
	at: string | Address,
	options: FaultControlOptions = {},
): Promise<FaultControl> {
	const { seed, clock, onEnd, onFault } = requireOptions(options, KNOWN);
	requireFunction("onEnd", onEnd);
	requireFunction("onFault", onFault);
	const state = new ControlState({ seed, clock, onEnd, onFault });
	const inTurn = oneAfterTheOther();
	const answering = new Set<Promise<void>>();
	let address: Address = parseAddress(at);
	const timeouts = { requestTimeout: LIMITS.faultRequestMs, connectionsCheckingInterval: 1000 };
	const server = createServer(timeouts, (request, response) => {
		const answered = answer(request, response, isOnlyHere(address), (method, url, text) =>
			inTurn(() => route(state, method, url, text)),
		);
		answering.add(answered);
		void answered.then(() => answering.delete(answered));
	});
	const bound = await listenAt(server, address);
	address = bound;
	return {
		address: bound,
		addProxy: async (name, listen, upstream, toxics = [], access = {}) => {
			requireOptions(access, ACCESS, "access");
			const { address: at, plan } = await inTurn(() =>
				state.add({ name, listen, upstream }, toxics, access),
			);
			return { address: at, plan };
		},
		close: async () => {
			const closed = new Promise((resolve) => server.close(resolve));
			server.closeAllConnections();
			await closed;
			await Promise.all(answering);
			// After a proxy that is being made, or it would stay.
			await inTurn(() => state.close());
		},
	};
}

// Requests change proxies in the order in which they have come, however long it takes.
function oneAfterTheOther(): <T>(work: () => Promise<T>) => Promise<T> {
	let turn: Promise<unknown> = Promise.resolve();
	return (work) => {
		const done = turn.then(work);
		turn = done.catch(() => undefined);
		return done;
	};
}

async function listenAt(server: Server, address: Address): Promise<AddressOf<"tcp" | "unix">> {
	const place = placeOf(address);
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.listen(place, resolve);
	});
	const bound = server.address();
	if (bound === null || typeof bound === "string") return address as AddressOf<"unix">;
	return { transport: "tcp", host: bound.address, port: bound.port };
}

function placeOf(address: Address): { host: string; port: number } | { path: string } {
	if (address.transport === "tcp") return { host: address.host, port: address.port };
	if (address.transport === "unix" && "path" in address) return { path: address.path };
	throw new InvalidAddressError(formatAddress(address), "must be tcp://HOST:PORT or unix:PATH");
}

function isOnlyHere(address: Address): boolean {
	if (address.transport !== "tcp") return true;
	const loopback = new BlockList();
	loopback.addSubnet("127.0.0.0", 8);
	loopback.addAddress("::1", "ipv6");
	return loopback.check(address.host, isIP(address.host) === 6 ? "ipv6" : "ipv4");
}

type CarryOut = (method: string, url: string, text: string) => Promise<Answer>;

async function answer(
	request: IncomingMessage,
	response: ServerResponse,
	isHere: boolean,
	carryOut: CarryOut,
): Promise<void> {
	let [status, body]: Answer = [200];
	try {
		refuseBrowsers(request, isHere);
		const text = await readBody(request);
		const { method = "GET", url = "/" } = request;
		[status, body] = await carryOut(method, url, text);
	} catch (error) {
		status = statusOf(error);
		body = { error: (error as Error).message, status };
	}
	const text = body === undefined ? "" : `${JSON.stringify(body)}\n`;
	response.writeHead(status, { "content-type": "application/json" }).end(text);
}

// A page of the web must not reach it by way of a browser on this machine, whatever name it gives to this address. Who listens for other
// machines is known by any name there.
function refuseBrowsers({ headers }: IncomingMessage, isHere: boolean): void {
	const host = (headers.host ?? "localhost").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
	const isOurs = !isHere || host === "localhost" || isIP(host) !== 0;
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
