/** The client's side of a handshake. */
import { isIP } from "node:net";
import { type ConnectionOptions, connect, type SecureContext } from "node:tls";
import { type Known, requireBoolean, requireString } from "../arguments.ts";
import { InvalidTypeError, InvalidValueError, TlsError } from "../errors.ts";
import type { WaitOptions } from "../socket/wait.ts";
import type { ByteStream } from "../stream/contract.ts";
import { Channel, Wire } from "./channel.ts";
import { awaitHandshake } from "./handshake.ts";
import { requireSettings, secureContextOf } from "./secure-context.ts";
import { TlsStream } from "./tls-stream.ts";

/** What a client of TLS is told. */
export interface TlsClientOptions {
	/**
	 * Name that the server's certificate must be for, and that the server is told (SNI). An IP address is checked, but not told. Default: the host
	 * of the address; it must be given where there is none, as for Unix sockets and for streams that are open already.
	 */
	readonly servername?: string | undefined;
	/** Application protocols, the preferred one first: `["h2", "http/1.1"]`. Default: none is negotiated. */
	readonly alpn?: readonly string[] | undefined;
	/** Whether the server must agree to one of `alpn`. Default false: it may ignore that. */
	readonly requireAlpn?: boolean | undefined;
	/** Session of an earlier connection, to be resumed; see `TlsStream.session`. The server may decline, and a full handshake follows. */
	readonly session?: Uint8Array | undefined;
	/** Whether a connection that is cut off without the end that TLS marks ends like any other. Default false: reading fails. */
	readonly allowTruncation?: boolean | undefined;
	/**
	 * All else that Node's `tls.connect` takes: `ca`, `cert`, `key`, `minVersion`, `checkServerIdentity` and so on. The server is verified unless
	 * `rejectUnauthorized: false` is among them; the environment variable NODE_TLS_REJECT_UNAUTHORIZED changes nothing.
	 */
	readonly tls?:
		| Omit<
				ConnectionOptions,
				"ALPNProtocols" | "host" | "lookup" | "path" | "port" | "servername" | "session" | "socket"
		  >
		| undefined;
}

/** What a client of TLS knows. */
export const CLIENT: Known<TlsClientOptions> = {
	servername: true,
	alpn: true,
	requireAlpn: true,
	session: true,
	allowTruncation: true,
	tls: true,
};

/** A client's settings, checked, for one connection. */
export class ClientContext {
	readonly #options: TlsClientOptions;
	readonly #name: string | undefined;
	readonly #secureContext: SecureContext;

	/**
	 * @param host of the address, if it has one
	 * @throws {InvalidValueError} there is no name to verify the server by, or a field of `tls` is not what it should be
	 */
	constructor(options: TlsClientOptions, host?: string) {
		const { servername, alpn, requireAlpn, allowTruncation, tls = {} } = options;
		requireSettings("tls", tls);
		if (requireAlpn !== undefined) requireBoolean("requireAlpn", requireAlpn);
		if (allowTruncation !== undefined) requireBoolean("allowTruncation", allowTruncation);
		if (alpn !== undefined) checkAlpn(alpn);
		this.#options = options;
		this.#name = servername === undefined ? host : checkName(servername);
		const isCheckedOtherwise =
			tls.rejectUnauthorized === false || tls.checkServerIdentity !== undefined;
		if (this.#name === undefined && !isCheckedOtherwise) {
			const why = "must be given where the address has no host: the server is verified by it";
			throw new InvalidValueError("servername", why, servername);
		}
		this.#secureContext = tls.secureContext ?? secureContextOf(tls);
	}

	/**
	 * Does the client's part of a handshake.
	 *
	 * @param below taken: it is closed when this rejects
	 * @throws {TlsError} it failed, or the server was not accepted
	 */
	async handshake(below: ByteStream, options: WaitOptions): Promise<TlsStream> {
		const wire = new Wire(below);
		const channel = await awaitHandshake(
			wire,
			options,
			() => new Channel(connect(this.#nodeOptions(wire)), wire),
			"secureConnect",
			(done) => this.#check(done),
		);
		return new TlsStream(channel, this.#options.allowTruncation ?? false);
	}

	#nodeOptions(wire: Wire): ConnectionOptions {
		const { alpn, session, tls = {} } = this.#options;
		const name = this.#name ?? "";
		const isAddress = isIP(name) !== 0;
		return {
			...tls,
			socket: wire.duplex,
			secureContext: this.#secureContext,
			rejectUnauthorized: tls.rejectUnauthorized ?? true,
			// Node verifies the host where there is no name; an IP address must not be told as one (RFC 6066 section 3).
			host: name,
			servername: isAddress ? "" : name,
			...(alpn !== undefined && { ALPNProtocols: [...alpn] }),
			...(session !== undefined && { session: Buffer.from(session) }),
		};
	}

	#check(channel: Channel): void {
		const { authorized, alpnProtocol } = channel.socket;
		channel.authorized = authorized;
		const { alpn = [], requireAlpn = false } = this.#options;
		if (!requireAlpn || alpnProtocol) return;
		throw new TlsError("alpn", `The server agreed to none of ${alpn.join(", ")} (ALPN)`);
	}
}

function checkName(servername: string): string {
	requireString("servername", servername);
	if (servername === "" || servername.includes("\0")) {
		throw new InvalidValueError("servername", "must be the name of a host", servername);
	}
	return servername;
}

// RFC 7301 section 3.1: 1 to 255 bytes each.
function checkAlpn(alpn: readonly string[]): void {
	if (!Array.isArray(alpn)) throw new InvalidTypeError("alpn", "an array of strings", alpn);
	for (const each of alpn) {
		const { length } = Buffer.from(requireString("alpn", each));
		if (length < 1 || length > 255) {
			throw new InvalidValueError("alpn", "must be names of 1 to 255 bytes", each);
		}
	}
}
