/** What `connect` is given, as the definitions of Web IDL read it. */
import { formatAddress, parseAddress } from "../socket/address.ts";
import { SocketError } from "./socket-error.ts";

/** Where to connect. */
export interface SocketAddress {
	/** Name or IP address. */
	readonly hostname: string;
	/** 1..65535 */
	readonly port: number;
}

/** An address as an object, or as text: `"example.com:443"`, `"[::1]:443"`. */
export type AnySocketAddress = SocketAddress | string;

/** Whether TLS begins at once, later or never. */
export type SecureTransportKind = "off" | "on" | "starttls";

/** Options of `connect`. */
export interface SocketOptions {
	/** Default `"off"`. */
	readonly secureTransport?: SecureTransportKind | undefined;
	/** Whether the peer's end leaves the writable open. Default false: the socket closes. */
	readonly allowHalfOpen?: boolean | undefined;
	/** Name that the server is told and verified by, in place of the hostname. Only with TLS. */
	readonly sni?: string | null | undefined;
	/** Application protocols, the preferred one first. Only with TLS. */
	readonly alpn?: readonly string[] | undefined;
}

/** Options that were read. */
export interface ReadOptions {
	readonly secureTransport: SecureTransportKind;
	readonly allowHalfOpen: boolean;
	readonly sni: string | undefined;
	readonly alpn: readonly string[];
}

const KINDS: readonly string[] = ["off", "on", "starttls"];
const PORT_MAX = 65_535;

/** @throws {SocketError} it is malformed */
export function readAddress(address: AnySocketAddress): SocketAddress {
	const { hostname, port } =
		typeof address === "object" && address !== null ? address : splitText(String(address));
	const number = Number(port);
	if (!Number.isInteger(number) || number < 1 || number > PORT_MAX) {
		throw new SocketError(`the port must be an integer from 1 to 65535, but is ${String(port)}`);
	}
	if (hostname === undefined || hostname === null || String(hostname) === "") {
		throw new SocketError("the address has no hostname");
	}
	const read = { hostname: String(hostname).replace(/^\[(.*)\]$/, "$1"), port: number };
	try {
		parseAddress({ transport: "tcp", host: read.hostname, port: number });
	} catch (error) {
		throw new SocketError(`${read.hostname} is no hostname`, { cause: error });
	}
	return read;
}

/** @throws {SocketError} `sni` or `alpn` without TLS @throws {TypeError} a value has no meaning */
export function readOptions(options: SocketOptions | null | undefined): ReadOptions {
	// As Web IDL has it: null is a dictionary without members, and what is no object is none.
	if (options !== null && options !== undefined && Object(options) !== options) {
		throw new SocketError(`the options must be an object, but are ${String(options)}`);
	}
	const { secureTransport = "off", allowHalfOpen = false, sni = null, alpn = [] } = options ?? {};
	if (!KINDS.includes(String(secureTransport))) {
		throw new SocketError(`secureTransport must be one of ${KINDS.join(", ")}`);
	}
	const protocols = Array.from(alpn, String);
	if (secureTransport === "off" && (sni !== null || protocols.length > 0)) {
		throw new SocketError('sni and alpn need secureTransport "on" or "starttls"');
	}
	return {
		secureTransport: String(secureTransport) as SecureTransportKind,
		allowHalfOpen: Boolean(allowHalfOpen),
		sni: sni === null ? undefined : String(sni),
		alpn: protocols,
	};
}

/** An address as text: host and port, with brackets around IPv6. */
export function addressText(address: object | undefined): string | null {
	if (address === undefined || !("host" in address)) return null;
	return formatAddress(address as Parameters<typeof formatAddress>[0]).replace(/^tcp:\/\//, "");
}

function splitText(text: string): SocketAddress {
	const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
	if (match === null) throw new SocketError(`${text} is no address: write host:port`);
	return { hostname: match[1] ?? match[2] ?? "", port: Number(match[3]) };
}
