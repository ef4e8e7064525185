/** Connections behind a proxy, with the addresses of those who really call. */
import { type Known, requireOptions } from "../arguments.ts";
import { ClosedError, InvalidTypeError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Listener } from "../open/listener.ts";
import type { Address } from "../socket/address.ts";
import { Stream } from "../stream/stream.ts";
import type { ProxyHeader } from "./proxy-header.ts";
import { readProxyHeader } from "./read-header.ts";

/** A connection and what is known of its client. */
export interface ProxiedConnection {
	/** The connection, from behind the header on; yours to close. */
	readonly stream: Stream;
	/** Who calls: as the proxy tells it, or the peer itself. */
	readonly client: Address;
	/** The header; undefined for a peer that is not trusted to send one. */
	readonly header: ProxyHeader | undefined;
}

/** Options of `proxied`. */
export interface ProxiedOptions {
	/**
	 * Whether a peer is a proxy of yours. From one that is, a header has to come; from all others none is read, and what they send is
	 * theirs: whoever may send a header may call himself anybody.
	 */
	readonly trust: (peer: Address) => boolean;
	/** Time for the header to come, 1..2147483647 ms. Default 5000. */
	readonly headerTimeoutMs?: number | undefined;
	/** Called when a trusted peer sent no proper header, or none in time; its connection is aborted. */
	readonly onRefused?: ((error: Error, peer: Address) => void) | undefined;
}

const KNOWN: Known<ProxiedOptions> = {
	trust: true,
	headerTimeoutMs: true,
	onRefused: true,
};

/** Most connections whose header is awaited; the others wait in the listener. */
const AWAITED_MAX = 64;

/**
 * Accepts connections with the addresses that their proxies tell.
 *
 * Headers are read side by side, so that a slow proxy holds up nobody. The loop ends with the listener, and aborts the connections whose
 * header is still awaited then. Leaving it early does that too, and leaves the listener open.
 *
 * @param listener nobody else may accept from it meanwhile
 * @throws as `listener.accept`
 */
export async function* proxied(
	listener: Listener<Stream>,
	options: ProxiedOptions,
): AsyncGenerator<ProxiedConnection, void, undefined> {
	const { trust } = requireOptions(options, KNOWN);
	if (typeof trust !== "function") throw new InvalidTypeError("trust", "a function", trust);
	const leaving = new AbortController();
	const { signal } = leaving;
	const awaited = new Map<Promise<Told>, Stream>();
	let accepting: Promise<Stream | undefined> | undefined;
	try {
		for (;;) {
			if (awaited.size < AWAITED_MAX) accepting ??= acceptNext(listener, signal);
			const events: Promise<Stream | Told | undefined>[] = [...awaited.keys()];
			if (accepting !== undefined) events.push(accepting);
			const event = await Promise.race(events);
			if (event === undefined) return;
			if (event instanceof Stream) {
				accepting = undefined;
				const told: Promise<Told> = learn(event, options, signal).then((connection) => ({
					told,
					connection,
				}));
				awaited.set(told, event);
				continue;
			}
			awaited.delete(event.told);
			if (event.connection !== undefined) yield event.connection;
		}
	} finally {
		leaving.abort();
		for (const stream of awaited.values()) stream.abort();
		await abandon(accepting, awaited.keys());
	}
}

interface Told {
	readonly told: Promise<Told>;
	/** Undefined when it was refused. */
	readonly connection: ProxiedConnection | undefined;
}

async function acceptNext(
	listener: Listener<Stream>,
	signal: AbortSignal,
): Promise<Stream | undefined> {
	try {
		return await listener.accept({ signal });
	} catch (error) {
		if (error instanceof ClosedError) return undefined;
		throw error;
	}
}

async function learn(
	stream: Stream,
	{ trust, headerTimeoutMs = LIMITS.proxyHeaderMs, onRefused }: ProxiedOptions,
	leaving: AbortSignal,
): Promise<ProxiedConnection | undefined> {
	const { peer } = stream;
	try {
		const isTrusted: unknown = trust(peer);
		if (isTrusted === false) return { stream, client: peer, header: undefined };
		// A promise is no yes.
		if (isTrusted !== true)
			throw new InvalidTypeError("trust()", "true or false at once", isTrusted);
		const header = await readProxyHeader(stream, { timeoutMs: headerTimeoutMs });
		return { stream, client: header.source ?? peer, header };
	} catch (error) {
		stream.abort();
		if (!leaving.aborted) onRefused?.(error as Error, peer);
		return undefined;
	}
}

// What was accepted at the same moment, or had told its client, has nobody to take it.
async function abandon(
	accepting: Promise<Stream | undefined> | undefined,
	awaited: Iterable<Promise<Told>>,
): Promise<void> {
	const [accepted, ...told] = await Promise.allSettled([accepting, ...awaited]);
	if (accepted?.status === "fulfilled") accepted.value?.abort();
	for (const each of told) {
		if (each.status === "fulfilled") each.value.connection?.stream.abort();
	}
}
