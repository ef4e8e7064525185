/** `tlsListen`: from an address to a listener with TLS. */
import { AsyncResource } from "node:async_hooks";
import {
	type Known,
	optionsFor,
	requireFunction,
	requireInteger,
	requireOptions,
} from "../arguments.ts";
import { InvalidAddressError } from "../errors.ts";
import { LISTEN_CHECKS, type ListenOptions, listen } from "../open/listen.ts";
import type { Listener } from "../open/listener.ts";
import { type Address, type AddressInput, parseAddress } from "../socket/address.ts";
import type { Stream, StreamTransport } from "../stream/stream.ts";
import { ServerContext, type TlsServerOptions } from "./server-context.ts";
import { type HandshakeOptions, TlsListener } from "./tls-listener.ts";

/** Options of `tlsListen`: those of `listen`, and of TLS. */
export interface TlsListenOptions
	extends Omit<ListenOptions, "receiveCredentials" | "receiveDescriptors">,
		HandshakeOptions {
	/** Certificates and all else. */
	readonly tls: TlsServerOptions;
}

// Descriptors and credentials come along with bytes that TLS has not deciphered.
const { receiveCredentials: _, receiveDescriptors: __, ...LISTENING } = LISTEN_CHECKS;
const KNOWN: Known<TlsListenOptions> = {
	...LISTENING,
	handshakeTimeoutMs: true,
	maxHandshakes: true,
	onHandshakeError: true,
	tls: true,
};
const INT32_MAX = 2_147_483_647;
const HANDSHAKES_MAX = 1_048_576;

/**
 * Listens for connections with TLS.
 *
 * @throws {InvalidValueError} `tls` has no certificate, or a field of it is not what it should be
 * @throws as `listen`; nothing stays open
 */
export function tlsListen<T extends StreamTransport>(
	address: AddressInput<T>,
	options: TlsListenOptions,
): Promise<TlsListener<T>>;
export function tlsListen(
	address: string | Address,
	options: TlsListenOptions,
): Promise<TlsListener>;
export async function tlsListen(
	address: string | Address,
	options: TlsListenOptions,
): Promise<TlsListener> {
	requireOptions(options, KNOWN);
	const { tls, handshakeTimeoutMs, maxHandshakes, onHandshakeError } = options;
	if (handshakeTimeoutMs !== undefined) {
		requireInteger("handshakeTimeoutMs", handshakeTimeoutMs, 1, INT32_MAX);
	}
	if (maxHandshakes !== undefined)
		requireInteger("maxHandshakes", maxHandshakes, 1, HANDSHAKES_MAX);
	requireFunction("onHandshakeError", onHandshakeError);
	refuseMessages(parseAddress(address));
	const context = ServerContext.of(tls);
	const listener = (await listen(address, optionsFor(options, LISTENING))) as Listener<Stream>;
	try {
		// Of an inherited socket only now.
		refuseMessages(listener.address);
	} catch (error) {
		listener.close();
		throw error;
	}
	return new TlsListener(listener, context, {
		handshakeTimeoutMs,
		maxHandshakes,
		signal: options.signal,
		// It runs in whatever context a client's bytes came: let it find its caller's AsyncLocalStorage.
		onHandshakeError: onHandshakeError && AsyncResource.bind(onHandshakeError),
	});
}

function refuseMessages(address: Address): void {
	if (!("transport" in address) || !address.transport.endsWith("seqpacket")) return;
	throw new InvalidAddressError(address, "TLS needs connections of bytes, not of messages");
}
