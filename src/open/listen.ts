/** `listen`: from an address to a listener. */
import { AsyncResource } from "node:async_hooks";
import { requireBoolean, requireFunction } from "../arguments.ts";
import { InvalidAddressError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { PacketStream, type PacketTransport } from "../packet/packet-stream.ts";
import { type Address, type AddressInput, formatAddress, parseAddress } from "../socket/address.ts";
import { type ArrivalOptions, askForCredentials, wantedOf } from "../socket/arrived-control.ts";
import { type Resolver, resolve } from "../socket/resolve.ts";
import type { SocketAddress } from "../socket/sockaddr.ts";
import { type Socket, socket } from "../socket/socket.ts";
import { usePassed } from "../socket/systemd-descriptors.ts";
import { type SocketTransport, TRANSPORTS } from "../socket/transport.ts";
import { checkWait } from "../socket/wait.ts";
import type { BoundFile, Connection } from "../stream/connection.ts";
import { inheritedOption, takeInherited } from "../stream/inherited.ts";
import { Stream, type StreamTransport } from "../stream/stream.ts";
import { SO_ACCEPTCONN } from "../sys/constants.ts";
import { type AdmissionOptions, checkAdmission, requirePolicy } from "./admission.ts";
import { checkFileAccess } from "./file-access.ts";
import { Listener, type Overload } from "./listener.ts";
import {
	ARRIVAL_CHECKS,
	CHECKED_LATER,
	type Checks,
	CONNECTED_CHECKS,
	checkOpenOptions,
	integer,
	OPEN_CHECKS,
	SOCKET_FILE_CHECKS,
} from "./open-options.ts";
import { bindSocketFile, type SocketFile, type SocketFileOptions } from "./socket-file.ts";
import { applyTcpSettings, type TcpSettings } from "./tcp-settings.ts";

/** Options of `listen`. */
export interface ListenOptions
	extends TcpSettings,
		SocketFileOptions,
		AdmissionOptions,
		ArrivalOptions {
	/** Connections that may wait for accept, 0..2147483647; the kernel cuts it to net.core.somaxconn. Default 511. */
	readonly backlog?: number | undefined;
	/** Lets several sockets, of this or other processes of the same user, share the port; the kernel spreads connections. Default false. SO_REUSEPORT, socket(7). */
	readonly reusePort?: boolean | undefined;
	/** For an IPv6 address: whether it takes IPv6 only. Default: false for `*`, true for all others. IPV6_V6ONLY, ipv6(7). */
	readonly ipv6Only?: boolean | undefined;
	/** Closes the listener when it aborts. */
	readonly signal?: AbortSignal | undefined;
	/** In place of the system's resolver. */
	readonly resolver?: Resolver | undefined;
	/** Microseconds to keep the event loop hot after each event of an accepted connection, 0..1000000; see `Socket.busyPoll`. Default 0: it sleeps. */
	readonly busyPollUs?: number | undefined;
	/** Called with the socket before it is bound, to set options on it; most are inherited by what it accepts. */
	readonly prepare?: ((socket: Socket) => void) | undefined;
	/** `IPPROTO_MPTCP` of `socketry/sys` for Multipath TCP. Default 0: the usual protocol. */
	readonly protocol?: number | undefined;
	/** Called when connections were refused for want of descriptors or memory: reset, where the transport knows resets. */
	readonly onOverload?: ((overload: Overload) => void) | undefined;
}

const INT32_MAX = 2_147_483_647;

/** Options of `listen` that concern accepting, for a socket that listens already. */
export type AcceptingOption =
	| "allow"
	| "busyPollUs"
	| "onOverload"
	| "onRefused"
	| "receiveCredentials"
	| "receiveDescriptors"
	| "signal";

/** How these are checked. */
export const ACCEPTING_CHECKS: Checks<Pick<ListenOptions, AcceptingOption>> = {
	...ARRIVAL_CHECKS,
	allow: requirePolicy,
	busyPollUs: OPEN_CHECKS.busyPollUs,
	onOverload: requireFunction,
	onRefused: requireFunction,
	signal: CHECKED_LATER,
};

/** How all of them are checked. */
export const LISTEN_CHECKS: Checks<ListenOptions> = {
	...CONNECTED_CHECKS,
	...SOCKET_FILE_CHECKS,
	...ACCEPTING_CHECKS,
	backlog: integer(0, INT32_MAX),
	ipv6Only: requireBoolean,
	reusePort: requireBoolean,
};

/**
 * Listens. `tcp://*:PORT` takes IPv6 and IPv4 (IPv4 alone where the kernel has no IPv6). SO_REUSEADDR is on for TCP, as in Node.
 *
 * @param address also `fd:NUMBER` and `systemd:NAME`: a socket that listens already, taken over
 * @throws {InvalidAddressError} the address is malformed, or of a kind without connections
 * @throws {SystemdError} the service manager has passed no listener of that name, or several
 * @throws {InvalidValueError} `mode`, `owner` or `group` for an address without a file; an option that does not exist
 * @throws {UnsupportedError} `allow` for a transport whose peers have no credentials
 * @throws {SyscallError} EADDRINUSE, EACCES, EADDRNOTAVAIL and others; nothing stays open
 */
export function listen<T extends PacketTransport>(
	address: AddressInput<T>,
	options?: ListenOptions,
): Promise<Listener<PacketStream<T>>>;
export function listen<T extends StreamTransport>(
	address: AddressInput<T>,
	options?: ListenOptions,
): Promise<Listener<Stream<T>>>;
export function listen(
	address: string | Address,
	options?: ListenOptions,
): Promise<Listener<Stream> | Listener<PacketStream>>;
export async function listen(
	address: string | Address,
	options: ListenOptions = {},
): Promise<Listener<Stream> | Listener<PacketStream>> {
	const target = parseAddress(address);
	checkOpenOptions(options, LISTEN_CHECKS);
	checkFileAccess(options, target);
	checkWait({ signal: options.signal });
	if (target.transport === "fd") return listenerOverFd(target.fd, options);
	if (target.transport === "systemd") {
		return usePassed(target.name, ["listener"], (fd) => listenerOverFd(fd, options));
	}
	if (target.transport === "tcp+srv") {
		throw new InvalidAddressError(
			formatAddress(target),
			"a service is served where its records say; listen on an address of this machine: tcp://*:PORT",
		);
	}
	if (TRANSPORTS[target.transport].type === "dgram") {
		throw new InvalidAddressError(
			formatAddress(target),
			"it has no connections; use datagrams() to receive datagrams",
		);
	}
	checkAdmission(target.transport, options);
	const { signal, resolver } = options;
	const [first] = await resolve(target, { signal, resolver });
	if (first === undefined) throw new InvalidAddressError(target, "the name has no address");
	const { transport } = target;
	if ("host" in target && target.host === "*") return listenEverywhere(target.port, options);
	return listenOn(first, transport, options, options.ipv6Only ?? true);
}

// Where IPv6 is absent or turned off, "everywhere" is IPv4.
function listenEverywhere(port: number, options: ListenOptions): Listener<Stream> {
	const ipv6Only = options.ipv6Only ?? false;
	try {
		const any: SocketAddress = { family: "inet6", host: "::", port };
		return listenOn(any, "tcp", options, ipv6Only) as Listener<Stream>;
	} catch (error) {
		const { code } = error as { code?: string };
		if (ipv6Only || (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL")) throw error;
		const any: SocketAddress = { family: "inet", host: "0.0.0.0", port };
		return listenOn(any, "tcp", options, false) as Listener<Stream>;
	}
}

function listenOn(
	address: SocketAddress,
	transport: SocketTransport,
	options: ListenOptions,
	ipv6Only: boolean,
): Listener<Stream> | Listener<PacketStream> {
	const { type } = TRANSPORTS[transport];
	const opened = socket(address.family, type, options.protocol);
	let file: SocketFile | undefined;
	try {
		if (transport === "tcp") prepareTcp(opened, address, options, ipv6Only);
		options.prepare?.(opened);
		if (address.family === "unix" && "path" in address) {
			file = bindSocketFile(opened, address, type, options);
		} else opened.bind(address);
		opened.listen(options.backlog ?? LIMITS.backlogCount);
		return published(listenerOver(opened, transport, options, file), file);
	} catch (error) {
		file?.remove();
		opened.close();
		throw error;
	}
}

// Last, so that whoever was there before is replaced by one who accepts.
function published<T extends { close(): void }>(listener: T, file: SocketFile | undefined): T {
	try {
		file?.publish();
		return listener;
	} catch (error) {
		listener.close();
		throw error;
	}
}

function prepareTcp(
	opened: Socket,
	address: SocketAddress,
	options: ListenOptions,
	ipv6Only: boolean,
): void {
	opened.setOption("SO_REUSEADDR", true);
	if (options.reusePort === true) opened.setOption("SO_REUSEPORT", true);
	if (address.family === "inet6") opened.setOption("IPV6_V6ONLY", ipv6Only);
	applyTcpSettings(opened, options);
}

/** Makes a listener of a descriptor, which stays the caller's when this throws. */
export function listenerOverFd(
	fd: number,
	options: ListenOptions,
): Listener<Stream> | Listener<PacketStream> {
	return takeInherited(
		fd,
		(transport) =>
			TRANSPORTS[transport].type !== "dgram" && inheritedOption(fd, SO_ACCEPTCONN) !== 0,
		"the descriptor is no listening socket",
		(socket, transport) => listenerOver(socket, transport, options),
	);
}

/** Makes a listener of a socket that listens, which stays the caller's when this throws. */
export function listenerOver(
	opened: Socket,
	transport: SocketTransport,
	options: ListenOptions,
	file?: BoundFile,
): Listener<Stream> | Listener<PacketStream> {
	wantedOf(options, transport.startsWith("unix"));
	// It may have aborted while a name was resolved, and tells nobody who comes later.
	checkWait({ signal: options.signal });
	// What is accepted inherits it, so that it holds for what a client sends at once.
	askForCredentials(opened, options.receiveCredentials);
	const { allow, busyPollUs, onOverload, onRefused, signal } = options;
	const setup = {
		socket: opened,
		transport,
		file,
		busyPollUs,
		signal,
		allow,
		onRefused,
		// It runs whenever the engine finds no descriptor free: let it find its caller's AsyncLocalStorage.
		onOverload: onOverload && AsyncResource.bind(onOverload),
	};
	return TRANSPORTS[transport].type === "stream"
		? new Listener({ ...setup, wrap: (connection: Connection) => new Stream(connection, options) })
		: new Listener({
				...setup,
				wrap: (connection: Connection) => new PacketStream(connection, options),
			});
}
