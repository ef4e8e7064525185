/** `tlsConnect`: from an address to a connection with TLS. */
import { type Known, optionsFor } from "../arguments.ts";
import { InvalidAddressError, TimeoutError } from "../errors.ts";
import { CONNECT_CHECKS, type ConnectOptions, connect } from "../open/connect.ts";
import { type Address, parseAddress } from "../socket/address.ts";
import { serviceDomain } from "../socket/service-name.ts";
import { checkWait, countDown } from "../socket/wait.ts";
import { Stream } from "../stream/stream.ts";
import { CLIENT, ClientContext, type TlsClientOptions } from "./client-context.ts";
import type { TlsStream } from "./tls-stream.ts";

/** Options of `tlsConnect`: those of `connect`, and of TLS. */
export interface TlsConnectOptions
	extends Omit<ConnectOptions, "receiveCredentials" | "receiveDescriptors">,
		TlsClientOptions {}

// Descriptors and credentials come along with bytes that TLS has not deciphered.
const { receiveCredentials: _, receiveDescriptors: __, ...CONNECTING } = CONNECT_CHECKS;
const KNOWN: Known<TlsConnectOptions> = { ...CONNECTING, ...CLIENT };

/**
 * Connects, and does the handshake of TLS. The server is verified: its certificate must come from a trusted authority (Node's, or `tls.ca`), be
 * valid now, and be for the host of the address (of `tcp+srv:` its domain: records can be forged), or for `servername`. A time limit or a signal is for
 * everything, names and handshake included. Without a time limit the handshake has 60000 ms.
 *
 * @throws {TlsError} the server was not accepted, or the handshake failed; `reason` tells which
 * @throws {InvalidValueError} `servername` is missing, and the address has no host
 * @throws as `connect`; in each case nothing stays open
 */
export async function tlsConnect(
	address: string | Address,
	options: TlsConnectOptions = {},
): Promise<TlsStream> {
	const target = parseAddress(address);
	checkWait(options, KNOWN);
	const context = new ClientContext(options, hostOf(target));
	const left = countDown(options, KNOWN);
	try {
		const stream: unknown = await connect(address, {
			...optionsFor(options, CONNECTING),
			...left(),
		});
		if (stream instanceof Stream) return await context.handshake(stream, left() ?? {});
		await (stream as AsyncDisposable)[Symbol.asyncDispose]();
		throw new InvalidAddressError(address, "TLS needs a connection of bytes, not of messages");
	} catch (error) {
		if (!(error instanceof TimeoutError) || options.timeoutMs === undefined) throw error;
		throw new TimeoutError(options.timeoutMs, 0, "Connecting with TLS");
	}
}

// Without the zone of a link-local address, which is no business of the server's.
function hostOf(address: Address): string | undefined {
	if ("service" in address) return serviceDomain(address.service);
	return "host" in address ? address.host.replace(/%.*$/, "") : undefined;
}
