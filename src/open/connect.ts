/** `connect`: from an address to a connection. */
import { isDeepStrictEqual } from "node:util";
import { optionsFor } from "../arguments.ts";
import { InvalidAddressError, syscallError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { PacketStream, type PacketTransport } from "../packet/packet-stream.ts";
import type { Address, AddressInput, TcpAddress } from "../socket/address.ts";
import { formatAddress, parseAddress } from "../socket/address.ts";
import { type ArrivalOptions, askForCredentials, wantedOf } from "../socket/arrived-control.ts";
import { tellConnected, tellUnconnected } from "../socket/diagnostics.ts";
import { interleaveFamilies, raceAttempts } from "../socket/happy-eyeballs.ts";
import type { SocketFamily, SocketType } from "../socket/kind.ts";
import { reachPath } from "../socket/long-path.ts";
import { type Resolver, resolve } from "../socket/resolve.ts";
import type { SocketAddress } from "../socket/sockaddr.ts";
import { type Socket, socket } from "../socket/socket.ts";
import { usePassed } from "../socket/systemd-descriptors.ts";
import { targetOf } from "../socket/target.ts";
import {
	fromSocketAddress,
	type SocketTransport,
	TRANSPORTS,
	toSocketAddress,
} from "../socket/transport.ts";
import { checkWait, type WaitOptions } from "../socket/wait.ts";
import { zoneIndex } from "../socket/zone.ts";
import type { BoundFile } from "../stream/connection.ts";
import { Connection, resetOnClose } from "../stream/connection.ts";
import { takeInherited } from "../stream/inherited.ts";
import { Stream, type StreamTransport } from "../stream/stream.ts";
import { ECONNREFUSED } from "../sys/errno.ts";
import { connectService } from "./connect-service.ts";
import { startDeadline } from "./deadline.ts";
import { failedTogether } from "./failures-told.ts";
import {
	CHECKED_LATER,
	type Checks,
	CONNECTED_CHECKS,
	checkOpenOptions,
	integer,
	WAIT_CHECKS,
} from "./open-options.ts";
import { checkListener, connectToOwner, ownerIds, type SocketOwner } from "./owner.ts";
import { checkRetry, type RetryOptions, withRetries } from "./retry.ts";
import { bindSocketFile } from "./socket-file.ts";
import { applyTcpSettings, type TcpSettings } from "./tcp-settings.ts";

/** Options of `connect`. */
export interface ConnectOptions extends WaitOptions, TcpSettings, ArrivalOptions {
	/**
	 * This end's address: of the same transport, its port 0 for any. A socket file is removed with the connection. Default: the kernel chooses.
	 * For a port of this machine on which nobody listens it may choose that same port, and connect it with itself: only where the port is given
	 * here is that a connection; otherwise it counts as refused.
	 */
	readonly localAddress?: string | Address | undefined;
	/** Time until the next address of a name is tried although the one before has not failed, 10..60000 ms. Default 250; RFC 8305 section 5. */
	readonly attemptDelayMs?: number | undefined;
	/** In place of the system's resolver. */
	readonly resolver?: Resolver | undefined;
	/**
	 * Has failed attempts followed by others: after ECONNREFUSED, ENOENT, ETIMEDOUT, unreachable networks and the like, not after errors that
	 * do not pass. `timeoutMs` is then the limit for all of them. Default: one attempt.
	 */
	readonly retry?: RetryOptions | undefined;
	/** Microseconds to keep the event loop hot after each event of this connection, 0..1000000; see `Socket.busyPoll`. Default 0: it sleeps. */
	readonly busyPollUs?: number | undefined;
	/** Called with each socket before it connects, to set options on it. */
	readonly prepare?: ((socket: Socket) => void) | undefined;
	/** `IPPROTO_MPTCP` of `socketry/sys` for Multipath TCP. Default 0: the usual protocol. */
	readonly protocol?: number | undefined;
	/**
	 * Whose a Unix socket has to be, or one of whom: a user's number, its name in /etc/passwd, or `"self"`. Its file must be owned by such a user
	 * and be no symbolic link, and such a user must have called listen(2): root did in the place of services that systemd starts on
	 * demand. Abstract names have no file. Only for `unix:` and `unix-seqpacket:`. Default: anybody's.
	 */
	readonly owner?: SocketOwner | readonly SocketOwner[] | undefined;
}

/** How they are checked. */
export const CONNECT_CHECKS: Checks<ConnectOptions> = {
	...WAIT_CHECKS,
	...CONNECTED_CHECKS,
	attemptDelayMs: integer(10, 60_000),
	localAddress: CHECKED_LATER,
	owner: CHECKED_LATER,
	retry: checkRetry,
};

/**
 * Connects.
 *
 * A name is resolved first, and its addresses are tried one after another, 250 ms or a failure apart, earlier attempts going on meanwhile
 * (RFC 8305); whoever answers first is taken. The servers of a service, `tcp+srv://_pg._tcp.example.org`, are tried in the same manner and in the order
 * of RFC 2782; those of the next priority wait 8 times as long for the ones before. TCP_NODELAY is on, unless `noDelay` is false.
 *
 * @param address also `fd:NUMBER` and `systemd:NAME`: a connection that exists already, taken over
 * @throws {InvalidAddressError} the address is malformed, or of a kind without connections
 * @throws {SystemdError} the service manager has passed no connection of that name, or several
 * @throws {SyscallError} ECONNREFUSED, ENOENT, ETIMEDOUT, ENOTFOUND and others
 * @throws {AggregateError} every address of a name, or every server of a service, failed; `errors` has all, `code` is the first's
 * @throws {PeerError} the socket is not of the `owner` asked for
 * @throws {TimeoutError | AbortError} nothing stays open
 */
export function connect<T extends PacketTransport>(
	address: AddressInput<T>,
	options?: ConnectOptions,
): Promise<PacketStream<T>>;
export function connect<T extends StreamTransport>(
	address: AddressInput<T>,
	options?: ConnectOptions,
): Promise<Stream<T>>;
export function connect(
	address: AddressInput<"tcp+srv">,
	options?: ConnectOptions,
): Promise<Stream<"tcp">>;
export function connect(
	address: string | Address,
	options?: ConnectOptions,
): Promise<Stream | PacketStream>;
export async function connect(
	address: string | Address,
	options: ConnectOptions = {},
): Promise<Stream | PacketStream> {
	const target = parseAddress(address);
	checkOpenOptions(options, CONNECT_CHECKS);
	checkWait(options, CONNECT_CHECKS);
	if (target.transport === "fd") return connectionOverFd(target.fd, options);
	if (target.transport === "systemd") {
		return usePassed(target.name, ["stream", "packets"], (fd) => connectionOverFd(fd, options));
	}
	const transport = transportFor(target);
	if (TRANSPORTS[transport].type === "dgram") {
		throw new InvalidAddressError(
			formatAddress(target),
			"it has no connections; use datagrams() for datagrams",
		);
	}
	// Wrong ones are told of before anything is opened.
	ownerIds(transport, options.owner);
	wantedOf(options, transport.startsWith("unix"));
	if (options.localAddress !== undefined) checkLocal(options.localAddress, transport);
	if (options.retry === undefined) return connectOnce(target, options);
	return withRetries(options.retry, options, (wait) =>
		connectOnce(target, { ...optionsFor(options, CONNECT_CHECKS), ...wait }),
	);
}

/** Where connections are made to: neither inherited nor passed. */
type Target = Exclude<Address, { transport: "fd" | "systemd" }>;

function transportFor({ transport }: Target): SocketTransport {
	return transport === "tcp+srv" ? "tcp" : transport;
}

async function connectOnce(
	target: Target,
	options: ConnectOptions,
): Promise<Stream | PacketStream> {
	const sinceMs = performance.now();
	const deadline = startDeadline(options, "Connecting");
	try {
		const winner = await connectTarget(target, options, deadline.signal);
		const connection = connectionOver(winner, transportFor(target), options);
		tellConnected(connection, target, sinceMs);
		return connection;
	} catch (error) {
		const explained = deadline.explain(error);
		tellUnconnected(transportFor(target), target, explained, sinceMs);
		throw explained;
	} finally {
		deadline.stop();
	}
}

interface Attempt {
	readonly socket: Socket;
	readonly address: SocketAddress;
	readonly file: BoundFile | undefined;
}

async function connectTarget(
	target: Target,
	options: ConnectOptions,
	signal: AbortSignal | undefined,
): Promise<Attempt> {
	const { resolver } = options;
	if (target.transport !== "tcp+srv") {
		const candidates = await resolve(target, { signal, resolver });
		return await connectAny(candidates, target.transport, options, signal);
	}
	return await connectService(target.service, {
		signal,
		resolver,
		discard,
		delayMs: options.attemptDelayMs ?? LIMITS.attemptDelayMs,
		attempt: (server, ending) => connectTarget(server, options, ending),
	});
}

async function connectAny(
	candidates: readonly SocketAddress[],
	transport: SocketTransport,
	options: ConnectOptions,
	signal: AbortSignal | undefined,
): Promise<Attempt> {
	const attempt = (address: SocketAddress, ending: AbortSignal | undefined): Promise<Attempt> =>
		connectOne(address, transport, options, ending);
	const [only] = candidates;
	if (only !== undefined && candidates.length === 1) return await attempt(only, signal);
	const delayMs = options.attemptDelayMs ?? LIMITS.attemptDelayMs;
	const order = interleaveFamilies(candidates);
	try {
		return await raceAttempts(order, attempt, discard, {
			delayMs,
			signal,
		});
	} catch (error) {
		throw error instanceof AggregateError ? namedAggregate(error) : error;
	}
}

async function connectOne(
	address: SocketAddress,
	transport: SocketTransport,
	options: ConnectOptions,
	signal: AbortSignal | undefined,
): Promise<Attempt> {
	const opened = socket(address.family, TRANSPORTS[transport].type, options.protocol);
	let file: BoundFile | undefined;
	try {
		if (transport === "tcp") applyTcpSettings(opened, options);
		if (options.busyPollUs !== undefined) opened.busyPoll(options.busyPollUs);
		if (options.localAddress !== undefined) {
			file = bindLocal(opened, options.localAddress, address.family, TRANSPORTS[transport].type);
		}
		options.prepare?.(opened);
		// Before it connects, for the peer can send at once.
		askForCredentials(opened, options.receiveCredentials);
		const owners = ownerIds(transport, options.owner);
		if (owners === undefined) await connectTo(opened, address, signal);
		else await connectToOwner(opened, address, owners, { signal });
		if (!givesPort(options.localAddress) && isOwnPeer(opened, address)) {
			// Frees the port at once.
			resetOnClose(opened.fd);
			throw syscallError("connect", ECONNREFUSED, targetOf(address));
		}
		return { socket: opened, address, file };
	} catch (error) {
		discard({ socket: opened, file });
		throw error;
	}
}

async function connectTo(
	opened: Socket,
	address: SocketAddress,
	signal: AbortSignal | undefined,
): Promise<void> {
	if (address.family !== "unix" || !("path" in address)) {
		return await opened.connect(address, { signal });
	}
	const reached = reachPath(address);
	if (typeof reached === "number") throw syscallError("connect", reached, targetOf(address));
	try {
		await opened.connect(reached.address, { signal });
	} finally {
		reached.close();
	}
}

// For a port of this machine on which nobody listens the kernel may choose that very port, and TCP connects it with itself: RFC 9293 section 3.5.
function isOwnPeer(opened: Socket, address: SocketAddress): boolean {
	if (!("host" in address)) return false;
	const own = opened.getsockname() as typeof address;
	if (own.port !== address.port) return false;
	try {
		return isDeepStrictEqual(own, opened.getpeername());
	} catch {
		// A peer who has reset it already is another one.
		return false;
	}
}

function givesPort(localAddress: string | Address | undefined): boolean {
	return localAddress !== undefined && (parseAddress(localAddress) as TcpAddress).port !== 0;
}

function discard({ socket: opened, file }: Pick<Attempt, "socket" | "file">): void {
	file?.remove();
	opened.close();
}

function checkLocal(localAddress: string | Address, wanted: SocketTransport): void {
	const { transport } = parseAddress(localAddress);
	if (transport !== wanted) {
		throw new InvalidAddressError(localAddress, `localAddress must be of transport ${wanted}`);
	}
}

function bindLocal(
	opened: Socket,
	localAddress: string | Address,
	family: SocketFamily,
	type: SocketType,
): BoundFile | undefined {
	const given = parseAddress(localAddress);
	const isAny = "host" in given && given.host === "*";
	const host = family === "inet" ? "0.0.0.0" : "::";
	const local = toSocketAddress(isAny ? { ...given, host } : given, zoneIndex);
	if (local.family === "unix" && "path" in local) return bindSocketFile(opened, local, type, {});
	// Linux: the port is then chosen at connect, when it need only be free towards this peer; ip(7).
	if (local.family === "inet" || local.family === "inet6") {
		if (local.port === 0) opened.setOption("IP_BIND_ADDRESS_NO_PORT", true);
	}
	opened.bind(local);
	return undefined;
}

function connectionOver(
	winner: Attempt,
	transport: SocketTransport,
	options: ConnectOptions,
): Stream | PacketStream {
	try {
		const peer = fromSocketAddress(transport, winner.address);
		const connection = new Connection(winner.socket, transport, peer, undefined, winner.file);
		return wrap(connection, options);
	} catch (error) {
		discard(winner);
		throw error;
	}
}

/** Makes a connection of a descriptor, which stays the caller's when this throws. */
export function connectionOverFd(fd: number, options: ConnectOptions): Stream | PacketStream {
	return takeInherited(
		fd,
		(transport) => TRANSPORTS[transport].type !== "dgram",
		"the descriptor is no socket with connections",
		(socket, transport) => {
			const owners = ownerIds(transport, options.owner);
			if (owners !== undefined) checkListener(socket, owners, `fd:${fd}`);
			return wrap(new Connection(socket, transport), options);
		},
	);
}

function wrap(connection: Connection, options: ConnectOptions): Stream | PacketStream {
	return TRANSPORTS[connection.transport].type === "stream"
		? new Stream(connection, options)
		: new PacketStream(connection, options);
}

function namedAggregate({ errors }: AggregateError): AggregateError {
	const texts = errors.map((error) => String((error as Error).message));
	return failedTogether(`all ${errors.length} addresses`, errors, texts);
}
