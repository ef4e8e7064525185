/** Joins what comes to what it is meant for. */

import type { StatefulConnection } from "../../handover/index.ts";
import {
	AbortError,
	type Address,
	type ByteStream,
	connect,
	type Datagrams,
	datagrams,
	formatAddress,
	type Listener,
	lookup,
	type PacketStream,
	type Stream,
} from "../../index.ts";
import { encodeProxyHeader } from "../../proxy/index.ts";
import { type Relay, relay } from "../../relay/index.ts";
import { type Channel, datagramChannel, packetChannel } from "../exchange/channel.ts";
import { Entrance, type Incoming } from "../incoming.ts";
import { open } from "../outgoing.ts";
import { MessageRelay } from "./join-messages.ts";
import { type Request, type Route, routeName } from "./options.ts";
import { encodeSession } from "./session-state.ts";
import { BURST_BYTES } from "./sessions.ts";
import type { Movement, Tally } from "./tally.ts";

/** A route that is open at its near end. */
export type Listening =
	| { readonly route: Route; readonly isDatagrams: true; readonly socket: Datagrams }
	| {
			readonly route: Route;
			readonly isDatagrams: false;
			readonly socket: Listener<Stream> | Listener<PacketStream>;
	  };

interface Running extends Movement {
	abort(reason: Error): void;
}

/** What a session has besides its two ends. */
interface Session {
	readonly peer: Address;
	readonly route: Route;
	readonly upstream: Datagrams | undefined;
}

const SESSION_IDLE_MS = 60_000;
const TIME_IS_OVER = "the time to drain is over";

/** Joins connections and sessions, and counts them. */
export class Joiner {
	readonly #request: Request;
	readonly #tally: Tally;
	readonly #say: (message: string) => void;
	readonly #running = new Set<Running>();
	readonly #sessions = new Map<MessageRelay, Session>();
	readonly #ending = new AbortController();
	readonly #entrance: Entrance;
	#openingCount = 0;

	constructor(request: Request, tally: Tally, say: (message: string) => void) {
		this.#request = request;
		this.#tally = tally;
		this.#say = say;
		this.#entrance = new Entrance(request, this.#ending.signal);
	}

	/** Connections and sessions under way, and those that are not joined yet. */
	get underWayCount(): number {
		return this.#tally.openCount + this.#openingCount;
	}

	/** Whether descriptors are passed along. */
	passes({ from, to }: Route): boolean {
		if (this.#request.tlsIn ?? this.#request.tlsOut) return false;
		const areUnix = [from, to].every(({ transport }) => transport.startsWith("unix"));
		return areUnix && this.#request.passesDescriptors;
	}

	/** Ends a connection in favour of another one; undefined where it takes no time of the peer's to make one ready. */
	get shed(): ((accepted: Stream | PacketStream) => void) | undefined {
		return this.#entrance.shed;
	}

	/** Makes a connection ready to be joined; undefined when nothing can come of it, which is told and counted. Never rejects. */
	async prepare(accepted: Stream | PacketStream): Promise<Incoming | undefined> {
		this.#openingCount++;
		try {
			return await this.#entrance.makeReady(accepted);
		} catch (error) {
			this.#tally.refusedCount++;
			this.#say(`${formatAddress(accepted.peer)}: ${reasonOf(error as Error)}`);
			return undefined;
		} finally {
			this.#openingCount--;
		}
	}

	/** Joins a connection, to its end. Never rejects. */
	join(incoming: Incoming, route: Route): Promise<void> {
		const { connection, client } = incoming;
		if ("receiveMessage" in connection) {
			const channel = packetChannel(connection, this.passes(route));
			return this.joinChannel(channel, client, route);
		}
		// Nothing that waits for its end holds one of the streams, which a relay between sockets does without.
		return this.#joinStreams(connection, incoming, route).then((joined) => {
			return joined === undefined ? undefined : this.#finish(joined, client, route);
		});
	}

	/**
	 * Joins messages, to their end. Never rejects.
	 *
	 * @param inherited where they go to, if that is open already
	 */
	async joinChannel(
		channel: Channel,
		peer: Address,
		route: Route,
		inherited?: Datagrams,
	): Promise<void> {
		let upstream: Channel;
		try {
			upstream =
				inherited === undefined
					? await this.#opening(() => this.#openChannel(route))
					: datagramChannel(inherited);
		} catch (error) {
			channel.abort();
			return this.#failed(peer, route, error as Error);
		}
		const areConnections = channel.tellsEnd && upstream.tellsEnd;
		const idleMs = this.#request.idleMs ?? (areConnections ? undefined : SESSION_IDLE_MS);
		const joined = new MessageRelay(channel, upstream, idleMs);
		if (!channel.tellsEnd) this.#sessions.set(joined, { peer, route, upstream: upstream.socket });
		this.#begin(joined);
		const error = await joined.done;
		this.#sessions.delete(joined);
		// Datagrams are promised to nobody: their end is a refusal, and no cut.
		this.#end(joined, peer, route, error, areConnections ? "cut" : "failed");
	}

	/** Ends everything at once. */
	abort(): void {
		const reason = new AbortError(TIME_IS_OVER);
		this.#ending.abort(TIME_IS_OVER);
		for (const each of this.#running) each.abort(reason);
	}

	/** Ends sessions of datagrams, which have no end of their own, once what had come has left. */
	finishSessions(): void {
		for (const session of this.#sessions.keys()) session.finish();
	}

	/** Sessions of datagrams that another process can go on with, by their sockets. */
	*leaving(): Iterable<StatefulConnection> {
		for (const { peer, route, upstream } of this.#sessions.values()) {
			const state = (): string => encodeSession({ peer, route: routeName(route) });
			if (upstream !== undefined) yield { connection: upstream, state };
		}
	}

	async #opening<T>(open: () => Promise<T>): Promise<T> {
		this.#openingCount++;
		try {
			return await open();
		} finally {
			this.#openingCount--;
		}
	}

	async #openStream(incoming: Incoming, route: Route): Promise<ByteStream> {
		const { proxyProtocol: version } = this.#request;
		const upstream = await this.#connectStream(route);
		if (version === undefined) return upstream;
		try {
			const { client: source, destination } = incoming;
			await upstream.write(encodeProxyHeader({ version, source, destination }));
			await upstream.flush();
			return upstream;
		} catch (error) {
			upstream.abort();
			throw error;
		}
	}

	async #connectStream(route: Route): Promise<ByteStream> {
		const { connectMs: timeoutMs, proxy, tlsOut: tls } = this.#request;
		const receiveDescriptors = this.passes(route) ? true : undefined;
		const { signal } = this.#ending;
		const options = { timeoutMs, signal, receiveDescriptors };
		const upstream = await open(route.to, { proxy, tls }, options);
		if ("write" in upstream) return upstream;
		upstream.abort();
		throw new TypeError("it carries messages, and what came is a stream");
	}

	async #openChannel(route: Route): Promise<Channel> {
		const timeoutMs = this.#request.connectMs;
		const { signal } = this.#ending;
		const passes = this.passes(route);
		const descriptors = passes ? { receiveDescriptors: true } : {};
		if (route.toManner === "datagrams") {
			// `datagrams` has no time limit, and its signal would end the session without a reason.
			const { transport } = route.to;
			const [to] = transport === "udp" ? await lookup(route.to, { timeoutMs, signal }) : [route.to];
			const options = { connect: to, receiveBufferBytes: BURST_BYTES, ...descriptors };
			return datagramChannel(await datagrams(undefined, options));
		}
		const upstream = await connect(route.to, { timeoutMs, signal, ...descriptors });
		if ("receiveMessage" in upstream) return packetChannel(upstream, passes);
		upstream.abort();
		throw new TypeError("it is a stream, and what came carries messages");
	}

	// Undefined when nothing came of it, which was told.
	async #joinStreams(
		connection: ByteStream,
		incoming: Incoming,
		route: Route,
	): Promise<Relay | undefined> {
		let upstream: ByteStream | undefined;
		try {
			upstream = await this.#opening(() => this.#openStream(incoming, route));
			const { idleMs } = this.#request;
			return relay(connection, upstream, { idleMs, passDescriptors: this.passes(route) });
		} catch (error) {
			connection.abort();
			upstream?.abort();
			this.#failed(incoming.client, route, error as Error);
			return undefined;
		}
	}

	#finish(joined: Relay, client: Address, route: Route): Promise<void> {
		this.#begin(joined);
		return joined.done.then(({ leftToRight, rightToLeft }) => {
			this.#end(joined, client, route, leftToRight.error ?? rightToLeft.error, "cut");
		});
	}

	#begin(joined: Running): void {
		this.#running.add(joined);
		this.#tally.begin(joined);
	}

	#end(
		joined: Running,
		peer: Address | undefined,
		route: Route,
		error: Error | undefined,
		outcome: "cut" | "failed",
	): void {
		this.#running.delete(joined);
		this.#tally.end(joined, error === undefined ? "done" : outcome);
		if (error !== undefined) this.#say(`${ends(peer, route)}: ${outcome}: ${reasonOf(error)}`);
	}

	#failed(peer: Address | undefined, route: Route, error: Error): void {
		this.#tally.end(undefined, "failed");
		this.#say(`${ends(peer, route)}: ${reasonOf(error)}`);
	}
}

// What we have ended ourselves says why.
function reasonOf({ message, cause }: Error): string {
	return cause === TIME_IS_OVER ? TIME_IS_OVER : message;
}

function ends(peer: Address | undefined, { to }: Route): string {
	return `${peer === undefined ? "somebody" : formatAddress(peer)} to ${formatAddress(to)}`;
}
