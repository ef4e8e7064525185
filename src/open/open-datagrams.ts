/** `datagrams`: from addresses to a datagram socket. */
import { optionsFor, requireBoolean, requireFunction, requireInteger } from "../arguments.ts";
import type { DatagramTransport } from "../datagram/datagram-contract.ts";
import type { DatagramsOptions } from "../datagram/datagram-options.ts";
import { Datagrams } from "../datagram/datagrams.ts";
import { suitedTo } from "../datagram/destinations.ts";
import { type MtuDiscovery, setMtuDiscovery } from "../datagram/path-mtu.ts";
import { check, InvalidAddressError } from "../errors.ts";
import {
	type Address,
	type AddressInput,
	formatAddress,
	parseAddress,
	type Transport,
} from "../socket/address.ts";
import { askForCredentials, wantedOf } from "../socket/arrived-control.ts";
import { callWithLongPath } from "../socket/long-path.ts";
import { type Resolver, resolve } from "../socket/resolve.ts";
import type { SocketAddress } from "../socket/sockaddr.ts";
import { type Socket, socket } from "../socket/socket.ts";
import { usePassed } from "../socket/systemd-descriptors.ts";
import { targetOf } from "../socket/target.ts";
import { fromSocketAddress } from "../socket/transport.ts";
import { checkWait } from "../socket/wait.ts";
import type { BoundFile } from "../stream/connection.ts";
import { takeInherited } from "../stream/inherited.ts";
import {
	IPV6_V6ONLY,
	SO_BROADCAST,
	SO_RCVBUF,
	SO_REUSEADDR,
	SO_REUSEPORT,
	SO_SNDBUF,
	SOL_IPV6,
	SOL_SOCKET,
} from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { type AdmissionOptions, refuseAdmission } from "./admission.ts";
import { checkFileAccess } from "./file-access.ts";
import {
	ARRIVAL_CHECKS,
	CHECKED_LATER,
	type Checks,
	checkOpenOptions,
	OPEN_CHECKS,
	SOCKET_FILE_CHECKS,
} from "./open-options.ts";
import { bindSocketFile, type SocketFileOptions } from "./socket-file.ts";

/** Options of `datagrams`. */
export interface OpenDatagramsOptions extends DatagramsOptions, SocketFileOptions {
	/** The one peer to send to and to receive from. Its errors are reported then: ECONNREFUSED when nobody is there. */
	readonly connect?: string | Address | undefined;
	/** Lets several sockets, of this or other processes of the same user, share the port; the kernel spreads what comes by sender. Default false. SO_REUSEPORT, socket(7). */
	readonly reusePort?: boolean | undefined;
	/** Lets several sockets have the same port, each getting every multicast; of other datagrams the latest gets all. Default false. SO_REUSEADDR, socket(7). */
	readonly reuseAddress?: boolean | undefined;
	/** Allows sending to broadcast addresses. Default false. SO_BROADCAST, socket(7). */
	readonly broadcast?: boolean | undefined;
	/** For an IPv6 address: whether it takes IPv6 only. Default: false for `*`, true for all others. IPV6_V6ONLY, ipv6(7). */
	readonly ipv6Only?: boolean | undefined;
	/** What becomes of UDP datagrams that exceed the path MTU. Default: the system's, `"want"` as a rule. IP_MTU_DISCOVER, ip(7). */
	readonly mtuDiscovery?: MtuDiscovery | undefined;
	/** Asks for a receive buffer of so many bytes, 1..2147483647, which the kernel cuts to net.core.rmem_max. SO_RCVBUF, socket(7). */
	readonly receiveBufferBytes?: number | undefined;
	/** Asks for a send buffer of so many bytes, 1..2147483647, which the kernel cuts to net.core.wmem_max. SO_SNDBUF, socket(7). */
	readonly sendBufferBytes?: number | undefined;
	/** Microseconds to keep the event loop hot after each datagram, 0..1000000; see `Socket.busyPoll`. Default 0: it sleeps. */
	readonly busyPollUs?: number | undefined;
	/** Closes the socket when it aborts. */
	readonly signal?: AbortSignal | undefined;
	/** In place of the system's resolver. */
	readonly resolver?: Resolver | undefined;
	/** Called with the socket before it is bound, to set options on it. */
	readonly prepare?: ((socket: Socket) => void) | undefined;
}

const INT32_MAX = 2_147_483_647;

/** How those of a datagram socket that is open are checked. */
export const DATAGRAMS_CHECKS: Checks<DatagramsOptions> = {
	...ARRIVAL_CHECKS,
	details: CHECKED_LATER,
	maxMessageBytes: CHECKED_LATER,
	offload: CHECKED_LATER,
	onFull: CHECKED_LATER,
	onNetworkError: requireFunction,
	queueBytes: CHECKED_LATER,
};

/** How all of them are checked. */
export const OPEN_DATAGRAMS_CHECKS: Checks<OpenDatagramsOptions & Pick<AdmissionOptions, "allow">> =
	{
		...OPEN_CHECKS,
		...DATAGRAMS_CHECKS,
		...SOCKET_FILE_CHECKS,
		// Known, and refused: whoever thinks that it protects must be told what does.
		allow: requireFunction,
		broadcast: requireBoolean,
		connect: CHECKED_LATER,
		ipv6Only: requireBoolean,
		mtuDiscovery: CHECKED_LATER,
		receiveBufferBytes: CHECKED_LATER,
		reuseAddress: requireBoolean,
		reusePort: requireBoolean,
		sendBufferBytes: CHECKED_LATER,
		signal: CHECKED_LATER,
	};

/**
 * Opens a datagram socket.
 *
 * @param address this end's: `udp://HOST:PORT`, `unix-dgram:PATH`, `unix-dgram:@NAME`, `vsock-dgram://CID:PORT`, `fd:NUMBER`, `systemd:NAME`.
 *   `udp://*:PORT` takes IPv6 and IPv4 (IPv4 alone where the kernel has no IPv6). Default: what suits `connect`, a Unix socket getting an
 *   abstract name so that it can be answered; without that, UDP on any port
 * @throws {InvalidAddressError} an address is malformed, or of a kind without datagrams
 * @throws {SystemdError} the service manager has passed no datagram socket of that name, or several
 * @throws {SyscallError} EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND, ENOENT and others
 */
export function datagrams<T extends DatagramTransport>(
	address: AddressInput<T>,
	options?: OpenDatagramsOptions,
): Promise<Datagrams<T>>;
export function datagrams<T extends DatagramTransport = "udp">(
	address?: undefined,
	options?: OpenDatagramsOptions & { readonly connect?: AddressInput<T> | undefined },
): Promise<Datagrams<T>>;
export function datagrams(
	address?: string | Address,
	options?: OpenDatagramsOptions,
): Promise<Datagrams>;
export async function datagrams(
	address?: string | Address,
	options: OpenDatagramsOptions = {},
): Promise<Datagrams> {
	checkOpenOptions<OpenDatagramsOptions>(options, OPEN_DATAGRAMS_CHECKS);
	const local = address === undefined ? undefined : parseAddress(address);
	checkFileAccess(options, local);
	refuseAdmission(options as AdmissionOptions);
	checkWait({ signal: options.signal });
	const peer =
		options.connect === undefined ? undefined : await resolveOne(options.connect, options);
	if (local === undefined) {
		if (peer === undefined) return openEverywhere(0, options);
		return open(unboundFor(peer.address), peer.transport, options, peer.address);
	}
	if (local.transport === "fd") return datagramsOverFd(local.fd, options);
	if (local.transport === "systemd") {
		return usePassed(local.name, ["datagrams"], (fd) => datagramsOverFd(fd, options));
	}
	if (peer === undefined && "host" in local && local.host === "*" && local.transport === "udp") {
		return openEverywhere(local.port, options);
	}
	const own = await resolveOne(local, options);
	if (peer !== undefined && peer.transport !== own.transport) {
		throw new InvalidAddressError(formatAddress(local), `the peer has transport ${peer.transport}`);
	}
	const place = isAny(local) && peer ? anyFor(peer.address, own.address) : own.address;
	return open(place, own.transport, options, peer?.address);
}

interface Place {
	readonly transport: DatagramTransport;
	readonly address: SocketAddress;
}

async function resolveOne(
	input: string | Address,
	{ signal, resolver }: OpenDatagramsOptions,
): Promise<Place> {
	const address = parseAddress(input);
	const { transport } = address;
	if (!isDatagramTransport(transport)) {
		throw new InvalidAddressError(
			formatAddress(address),
			"it has no datagrams; write udp://HOST:PORT, unix-dgram:PATH or unix-dgram:@NAME",
		);
	}
	const [first] = await resolve(address, { signal, resolver });
	if (first === undefined) throw new InvalidAddressError(input, "the name has no address");
	return { transport, address: first };
}

function isAny(address: Address): boolean {
	return "host" in address && address.host === "*";
}

// "*" together with a peer: every address of the peer's family.
function anyFor(peer: SocketAddress, own: SocketAddress): SocketAddress {
	if (peer.family !== "inet" || own.family !== "inet6") return own;
	return { family: "inet", host: "0.0.0.0", port: own.port };
}

// Where nothing need be bound, connect(2) chooses; a Unix socket without a name could not be answered.
function unboundFor(peer: SocketAddress): SocketAddress {
	switch (peer.family) {
		case "inet":
			return { family: "inet", host: "0.0.0.0", port: 0 };
		case "inet6":
			return { family: "inet6", host: "::", port: 0 };
		case "vsock":
			return { family: "vsock", cid: 0xffff_ffff, port: 0xffff_ffff };
		default:
			return { family: "unix" };
	}
}

// Where IPv6 is absent or turned off, "everywhere" is IPv4.
function openEverywhere(port: number, options: OpenDatagramsOptions): Datagrams {
	const ipv6Only = options.ipv6Only ?? false;
	try {
		const given = optionsFor(options, OPEN_DATAGRAMS_CHECKS);
		return open({ family: "inet6", host: "::", port }, "udp", { ...given, ipv6Only });
	} catch (error) {
		const { code } = error as { code?: string };
		if (ipv6Only || (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL")) throw error;
		return open({ family: "inet", host: "0.0.0.0", port }, "udp", options);
	}
}

function open(
	address: SocketAddress,
	transport: DatagramTransport,
	options: OpenDatagramsOptions,
	peer?: SocketAddress,
): Datagrams {
	// It may have aborted while a name was resolved.
	checkWait({ signal: options.signal });
	const opened = socket(address.family, "dgram");
	let file: BoundFile | undefined;
	try {
		applyOptions(opened, address, options);
		wantedOf(options, transport === "unix-dgram");
		// Before it can be sent to.
		askForCredentials(opened, options.receiveCredentials);
		options.prepare?.(opened);
		if (address.family === "unix" && "path" in address) {
			file = bindSocketFile(opened, address, "dgram", options);
		} else opened.bind(address);
		if (peer !== undefined) {
			const input = fromSocketAddress(transport, peer);
			connectTo(opened, suitedTo(address.family, peer, input));
		}
		return datagramsOver(opened, transport, options, file, peer);
	} catch (error) {
		file?.remove();
		opened.close();
		throw error;
	}
}

function connectTo(opened: Socket, address: SocketAddress): void {
	if (address.family !== "unix" || !("path" in address)) {
		opened.tryConnect(address);
		return;
	}
	const rc = callWithLongPath(address, (name) => sys.connect(opened.openFd(), name));
	check(rc, "connect", targetOf(address));
}

function applyOptions(opened: Socket, address: SocketAddress, options: OpenDatagramsOptions): void {
	const set = (level: number, name: number, value: number): void => {
		opened.setsockopt(level, name, new Uint8Array(Int32Array.of(value).buffer));
	};
	const sized = (name: string, bytes: number): number => requireInteger(name, bytes, 1, INT32_MAX);
	const { receiveBufferBytes, sendBufferBytes, busyPollUs } = options;
	if (isOn("reuseAddress", options.reuseAddress)) set(SOL_SOCKET, SO_REUSEADDR, 1);
	if (isOn("reusePort", options.reusePort)) set(SOL_SOCKET, SO_REUSEPORT, 1);
	if (isOn("broadcast", options.broadcast)) set(SOL_SOCKET, SO_BROADCAST, 1);
	if (address.family === "inet6") {
		const ipv6Only = requireBoolean("ipv6Only", options.ipv6Only ?? true);
		set(SOL_IPV6, IPV6_V6ONLY, ipv6Only ? 1 : 0);
	}
	if (receiveBufferBytes !== undefined) {
		set(SOL_SOCKET, SO_RCVBUF, sized("receiveBufferBytes", receiveBufferBytes));
	}
	if (sendBufferBytes !== undefined) {
		set(SOL_SOCKET, SO_SNDBUF, sized("sendBufferBytes", sendBufferBytes));
	}
	if (options.mtuDiscovery !== undefined) setMtuDiscovery(opened, options.mtuDiscovery);
	if (busyPollUs !== undefined) opened.busyPoll(busyPollUs);
}

function isOn(name: string, value: boolean | undefined): boolean {
	return requireBoolean(name, value ?? false);
}

/** Makes an object of a descriptor of a datagram socket, which stays the caller's when this throws. */
export function datagramsOverFd(fd: number, options: OpenDatagramsOptions): Datagrams {
	return takeInherited(
		fd,
		isDatagramTransport,
		"the descriptor is no datagram socket",
		(socket, transport) => datagramsOver(socket, transport as DatagramTransport, options),
	);
}

function isDatagramTransport(transport: Transport): transport is DatagramTransport {
	return transport === "udp" || transport === "unix-dgram" || transport === "vsock-dgram";
}

/** Makes an object of a datagram socket, which stays the caller's when this throws. */
export function datagramsOver(
	opened: Socket,
	transport: DatagramTransport,
	options: OpenDatagramsOptions,
	file?: BoundFile,
	peer?: SocketAddress,
): Datagrams {
	const { signal } = options;
	const onAbort = (): void => made.abort();
	const cleanUp = (): void => {
		signal?.removeEventListener("abort", onAbort);
		file?.remove();
	};
	const made = new Datagrams(opened, transport, options, cleanUp, file, pathOf(peer));
	// Of a signal that has aborted already nobody hears any more.
	if (signal?.aborted) onAbort();
	else signal?.addEventListener("abort", onAbort, { once: true });
	return made;
}

// The kernel tells the name that the peer was bound by, which need not be a path that leads there from here.
function pathOf(peer: SocketAddress | undefined): SocketAddress | undefined {
	return peer !== undefined && "path" in peer ? peer : undefined;
}
