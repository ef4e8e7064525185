/** The sockets that a process serves on: how each is asked for, opened, inherited, and left to the next. */
import { resolve } from "node:path";
import { requireObject } from "../arguments.ts";
import type { DatagramTransport } from "../datagram/datagram-contract.ts";
import { Datagrams } from "../datagram/datagrams.ts";
import { checkAdmission } from "../open/admission.ts";
import { LISTEN_CHECKS, type ListenOptions, listen } from "../open/listen.ts";
import type { Listener } from "../open/listener.ts";
import {
	datagrams,
	OPEN_DATAGRAMS_CHECKS,
	type OpenDatagramsOptions,
} from "../open/open-datagrams.ts";
import { checkOpenOptions } from "../open/open-options.ts";
import type { PacketStream, PacketTransport } from "../packet/packet-stream.ts";
import { type Address, type AddressInput, formatAddress, parseAddress } from "../socket/address.ts";
import { type SocketTransport, TRANSPORTS } from "../socket/transport.ts";
import type { BoundFile } from "../stream/connection.ts";
import type { Stream, StreamTransport } from "../stream/stream.ts";
import type { FileRecord } from "./protocol.ts";

/** A listener, with the options of `listen`. */
export interface ListenSpec extends ListenOptions {
	/** As of `listen`. */
	readonly address: string | Address;
}

/** A datagram socket, with the options of `datagrams`. */
export interface DatagramsSpec extends OpenDatagramsOptions {
	/** As of `datagrams`. */
	readonly address: string | Address;
}

/** How a socket is asked for: by its address, or by its address and options. `fd:` and `systemd:` are for sockets that listen. */
export type SocketSpec = string | Address | ListenSpec | DatagramsSpec;

/** Sockets by names. */
export type SocketSpecs = Readonly<Record<string, SocketSpec>>;

/** What can be handed over. */
export type ServingSocket = Listener<Stream> | Listener<PacketStream> | Datagrams;

type AddressIn<Spec> = Spec extends { readonly address: infer Inner } ? Inner : Spec;

/** What an address is opened as. */
export type SocketFor<Spec> =
	AddressIn<Spec> extends AddressInput<infer T extends PacketTransport>
		? Listener<PacketStream<T>>
		: AddressIn<Spec> extends AddressInput<infer T extends StreamTransport>
			? Listener<Stream<T>>
			: AddressIn<Spec> extends AddressInput<infer T extends DatagramTransport>
				? Datagrams<T>
				: ServingSocket;

/** The sockets by the names that they were asked for with. */
export type SocketsFor<Specs> = { readonly [Name in keyof Specs]: SocketFor<Specs[Name]> };

/** One of the sockets asked for, checked. */
export interface Place {
	readonly name: string;
	/** Its address as text: a successor that asks for the same one inherits it. */
	readonly asked: string;
	readonly address: Address;
	readonly options: ListenOptions & OpenDatagramsOptions;
}

/**
 * Checks what sockets are asked for, before anything is opened.
 *
 * @throws {InvalidAddressError | InvalidTypeError | InvalidValueError | OutOfRangeError | UnsupportedError} a spec is none
 */
export function placesOf(specs: SocketSpecs): Place[] {
	return Object.entries(requireObject("sockets", specs)).map(([name, spec]) =>
		placeOf(name, spec as SocketSpec),
	);
}

function placeOf(name: string, spec: SocketSpec): Place {
	const isAddressed = typeof spec === "object" && spec !== null && "address" in spec;
	const { address: given, ...options } = isAddressed ? spec : { address: spec };
	const address = parseAddress(given);
	if (carriesDatagrams(address)) {
		checkOpenOptions<OpenDatagramsOptions>(options, OPEN_DATAGRAMS_CHECKS);
	} else checkOpenOptions<ListenOptions>(options, LISTEN_CHECKS);
	const { allow, onRefused } = options as ListenOptions;
	if (address.transport in TRANSPORTS) {
		checkAdmission(address.transport as SocketTransport, { allow, onRefused });
	}
	return { name, asked: formatAddress(fromRoot(address)), address, options };
}

// The next process may have another working directory.
function fromRoot(address: Address): Address {
	return "path" in address ? { ...address, path: resolve(address.path) } : address;
}

/** Opens one anew. Errors as `listen` and `datagrams`. */
export async function openPlace({ address, options }: Place): Promise<ServingSocket> {
	return carriesDatagrams(address)
		? await datagrams(address, options)
		: await listen(address, options);
}

/** Leaves a socket to the successor, who has a duplicate: no more comes in here, and nothing is taken away from there. */
export function leave(socket: ServingSocket): void {
	socket.file?.disown();
	if (socket instanceof Datagrams) socket.retire();
	else socket.close();
}

/** What the successor has to know of a socket's file; null when there is none that is ours. */
export function recordOf(file: BoundFile | undefined): FileRecord | null {
	if (file === undefined || !file.isOwned) return null;
	return { path: file.path.toString("latin1"), dev: `${file.dev}`, ino: `${file.ino}` };
}

/** Whether a socket of this address has datagrams, and not connections. */
export function carriesDatagrams({ transport }: Address): boolean {
	return transport in TRANSPORTS && TRANSPORTS[transport as SocketTransport].type === "dgram";
}
