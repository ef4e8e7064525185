/** Joins what comes to what it is meant for. */
import {
	AbortError,
	type Address,
	type ByteStream,
	connect,
	type Datagrams,
	datagrams,
	formatAddress,
	type PacketStream,
	type Stream,
} from "../../index.ts";
import { encodeProxyHeader } from "../../proxy/index.ts";
import { relay } from "../../relay/index.ts";
import type { TlsStream } from "../../tls/index.ts";
import type { Accepting } from "../accept-each.ts";
import { type Channel, datagramChannel, packetChannel } from "../exchange/channel.ts";
import { MessageRelay } from "./join-messages.ts";
import type { Request, Route } from "./options.ts";
import type { Movement, Tally } from "./tally.ts";

/** What a listener gives. */
export type Connection = Stream | PacketStream | TlsStream;

/** A route that is open at its near end. */
export type Listening =
	| { readonly route: Route; readonly isDatagrams: true; readonly socket: Datagrams }
	| { readonly route: Route; readonly isDatagrams: false; readonly socket: Accepting<Connection> };

interface Running extends Movement {
	abort(reason: Error): void;
}

const SESSION_IDLE_MS = 60_000;

/** Joins connections and sessions, and counts them. */
export class Joiner {
	readonly #request: Request;
	readonly #tally: Tally;
	readonly #say: (message: string) => void;
	readonly #running = new Set<Running>();
	readonly #sessions = new Set<MessageRelay>();

	constructor(request: Request, tally: Tally, say: (message: string) => void) {
		this.#request = request;
		this.#tally = tally;
		this.#say = say;
	}

	/** Whether descriptors are passed along. */
	passes({ from, to }: Route): boolean {
		if (this.#request.tlsIn ?? this.#request.tlsOut) return false;
		const areUnix = [from, to].every(({ transport }) => transport.startsWith("unix"));
		return areUnix && this.#request.passesDescriptors;
	}

	/** Joins a connection, to its end. Never rejects. */
	async join(connection: Connection, route: Route): Promise<void> {
		if ("receiveMessage" in connection) {
			const channel = packetChannel(connection, this.passes(route));
			return await this.joinChannel(channel, connection.peer, route);
		}
		try {
			const upstream = await this.#openStream(connection, route);
			await this.#relay(connection, upstream, route);
		} catch (error) {
			connection.abort();
			this.#failed(connection.peer, route, error as Error);
		}
	}

	/** Joins messages, to their end. Never rejects. */
	async joinChannel(channel: Channel, peer: Address, route: Route): Promise<void> {
		let upstream: Channel;
		try {
			upstream = await this.#openChannel(route);
		} catch (error) {
			channel.abort();
			return this.#failed(peer, route, error as Error);
		}
		const areConnections = channel.tellsEnd && upstream.tellsEnd;
		const idleMs = this.#request.idleMs ?? (areConnections ? undefined : SESSION_IDLE_MS);
		const joined = new MessageRelay(channel, upstream, idleMs);
		if (!channel.tellsEnd) this.#sessions.add(joined);
		this.#begin(joined);
		const error = await joined.done;
		this.#sessions.delete(joined);
		// Datagrams are promised to nobody: their end is a refusal, and no cut.
		this.#end(joined, peer, route, error, areConnections ? "cut" : "failed");
	}

	/** Ends everything at once. */
	abort(): void {
		const reason = new AbortError("the time to drain is over");
		for (const each of this.#running) each.abort(reason);
	}

	/** Ends sessions of datagrams, which have no end of their own. */
	endSessions(): void {
		for (const session of this.#sessions) session.end();
	}

	async #openStream(client: Stream | TlsStream, route: Route): Promise<ByteStream> {
		const { proxyProtocol } = this.#request;
		const upstream = await this.#connectStream(route);
		if (proxyProtocol === undefined) return upstream;
		try {
			const { peer: source, address: destination } = client;
			const version = proxyProtocol;
			await upstream.write(encodeProxyHeader({ version, source, destination }));
			await upstream.flush();
			return upstream;
		} catch (error) {
			upstream.abort();
			throw error;
		}
	}

	async #connectStream(route: Route): Promise<ByteStream> {
		const { connectMs: timeoutMs, tlsOut } = this.#request;
		if (tlsOut !== undefined) {
			const { tlsConnect } = await import("../../tls/index.ts");
			const address = route.to as Parameters<typeof tlsConnect>[0];
			return await tlsConnect(address, { timeoutMs, ...tlsOut });
		}
		const receiveDescriptors = this.passes(route) ? true : undefined;
		const upstream = await connect(route.to, { timeoutMs, receiveDescriptors });
		if ("write" in upstream) return upstream;
		upstream.abort();
		throw new TypeError("it carries messages, and what came is a stream");
	}

	async #openChannel(route: Route): Promise<Channel> {
		const passes = this.passes(route);
		const descriptors = passes ? { receiveDescriptors: true } : {};
		if (route.toManner === "datagrams") {
			return datagramChannel(await datagrams(undefined, { connect: route.to, ...descriptors }));
		}
		const timeoutMs = this.#request.connectMs;
		const upstream = await connect(route.to, { timeoutMs, ...descriptors });
		if ("receiveMessage" in upstream) return packetChannel(upstream, passes);
		upstream.abort();
		throw new TypeError("it is a stream, and what came carries messages");
	}

	async #relay(client: Stream | TlsStream, upstream: ByteStream, route: Route): Promise<void> {
		const { peer } = client;
		const { idleMs } = this.#request;
		const joined = relay(client, upstream, { idleMs, passDescriptors: this.passes(route) });
		this.#begin(joined);
		const { leftToRight, rightToLeft } = await joined.done;
		this.#end(joined, peer, route, leftToRight.error ?? rightToLeft.error, "cut");
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
		if (error !== undefined) this.#say(`${ends(peer, route)}: ${outcome}: ${error.message}`);
	}

	#failed(peer: Address | undefined, route: Route, error: Error): void {
		this.#tally.end(undefined, "failed");
		this.#say(`${ends(peer, route)}: ${error.message}`);
	}
}

function ends(peer: Address | undefined, { to }: Route): string {
	return `${peer === undefined ? "somebody" : formatAddress(peer)} to ${formatAddress(to)}`;
}
