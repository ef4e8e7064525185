/** The server's side of handshakes: one context of Node's for many connections, so that sessions can be resumed across them. */
import {
	type SecureContext,
	type SecureContextOptions,
	TLSSocket,
	type TlsOptions,
} from "node:tls";
import { InvalidValueError, UnsupportedError } from "../errors.ts";
import type { WaitOptions } from "../socket/wait.ts";
import type { ByteStream } from "../stream/contract.ts";
import { Channel, Wire } from "./channel.ts";
import { certificateError } from "./explain.ts";
import { awaitHandshake } from "./handshake.ts";
import { requireSettings, secureContextOf } from "./secure-context.ts";
import { SniContexts } from "./sni-contexts.ts";
import { TlsStream } from "./tls-stream.ts";

/** What a server of TLS is told: what Node's `tls.createServer` takes, and the certificates by name. */
export interface TlsServerOptions
	extends SecureContextOptions,
		Pick<
			TlsOptions,
			"ALPNProtocols" | "SNICallback" | "enableTrace" | "pskCallback" | "requestCert"
		> {
	/**
	 * Certificates and keys by the name that a client asks for, such as `"api.example"` or `"*.example"`. Others get `key` and `cert`, if given.
	 * What an entry leaves out, such as `ca`, is as for these.
	 */
	readonly sni?: Readonly<Record<string, SecureContextOptions>> | undefined;
	/** With `requestCert`: whether clients are refused that show no certificate, or one that `ca` has not signed. Default true. */
	readonly rejectUnauthorized?: boolean | undefined;
	/** Whether a connection that is cut off without the end that TLS marks ends like any other. Default false: reading fails. */
	readonly allowTruncation?: boolean | undefined;
}

// Sessions are for servers that name the same; SSL_CTX_set_session_id_context(3).
const SESSION_ID_CONTEXT = "socketry";
// Making one takes a millisecond, and tickets of one are no good to another.
const contexts = new WeakMap<object, ServerContext>();

/** A server's certificates and settings. */
export class ServerContext {
	readonly #options: TlsServerOptions;
	readonly #names: SniContexts;
	#secureContext: SecureContext;

	private constructor(options: TlsServerOptions) {
		this.#options = options;
		this.#secureContext = contextOf(options);
		// Without a `ca` of its own a context of Node's trusts every public authority, whomever the server meant to trust.
		const { key, cert, pfx, passphrase, privateKeyIdentifier, ...shared } = options;
		const { sni = {}, pskCallback } = options;
		requireSettings("tls.sni", sni);
		this.#names = new SniContexts(sni, (own, name) => {
			requireSettings(name, own);
			requireCertificate({ pskCallback, ...own }, name);
			return contextOf({ ...shared, ...given(own) }, name);
		});
	}

	/**
	 * The context of these options: one and the same for the same object.
	 *
	 * @throws {InvalidValueError} there is no certificate, or a field is not what it should be
	 */
	static of(options: TlsServerOptions): ServerContext {
		requireSettings("tls", options);
		requireCertificate(options);
		const known = contexts.get(options) ?? new ServerContext(options);
		contexts.set(options, known);
		return known;
	}

	/** Has handshakes from now on use another certificate. */
	renew(options: SecureContextOptions): void {
		this.#secureContext = contextOf({ ...this.#options, ...options });
	}

	/**
	 * Does the server's part of a handshake.
	 *
	 * @param below taken: it is closed when this rejects
	 * @throws {TlsError} it failed, or the client was not accepted
	 */
	async handshake(below: ByteStream, options: WaitOptions): Promise<TlsStream> {
		const wire = new Wire(below);
		const channel = await awaitHandshake(
			wire,
			options,
			() => new Channel(this.#open(wire), wire),
			"secure",
			(done) => this.#verify(done),
		);
		channel.socket.disableRenegotiation();
		return new TlsStream(channel, this.#options.allowTruncation ?? false);
	}

	#open(wire: Wire): TLSSocket {
		const { rejectUnauthorized, SNICallback, ALPNCallback, ...rest } = this.#options;
		const socket = new TLSSocket(wire.duplex, {
			...rest,
			...(ALPNCallback !== undefined && { ALPNCallback }),
			isServer: true,
			secureContext: this.#secureContext,
			rejectUnauthorized: rejectUnauthorized ?? true,
			SNICallback: SNICallback ?? this.#names.callback,
		});
		// So it tells, until a server of Node's takes over, of what goes wrong once the handshake is done.
		socket.on("_tlsError", (error: Error) => socket.destroy(error));
		return socket;
	}

	// Node leaves that to its own server.
	#verify(channel: Channel): void {
		const { requestCert = false, rejectUnauthorized = true } = this.#options;
		if (!requestCert) return;
		const error = verifyError(channel.socket);
		channel.authorized = error === undefined;
		if (error !== undefined && rejectUnauthorized) {
			throw certificateError("The client's certificate", error.code ?? "UNSPECIFIED", error);
		}
	}
}

// The method that Node's own server asks; it has no documented name. Where it is missing nobody is let in.
function verifyError(socket: TLSSocket): NodeJS.ErrnoException | undefined {
	const { ssl } = socket as { ssl?: { verifyError?(): NodeJS.ErrnoException | null } };
	if (typeof ssl?.verifyError === "function") return ssl.verifyError() ?? undefined;
	throw new UnsupportedError(
		"requestCert",
		"this version of Node does not tell whether it verified",
	);
}

// Undefined is left out here too, and so is what Node takes for that.
function given(options: SecureContextOptions): SecureContextOptions {
	const fields = Object.entries(options);
	return Object.fromEntries(fields.filter(([, value]) => value !== undefined && value !== null));
}

function contextOf(options: SecureContextOptions, name = "tls"): SecureContext {
	return secureContextOf({ sessionIdContext: SESSION_ID_CONTEXT, ...options }, name);
}

// What was given instead is not shown: the key may be there.
function requireCertificate(options: TlsServerOptions, name = "tls"): void {
	const { cert, key, pfx, privateKeyIdentifier, SNICallback, pskCallback, sni } = options;
	// Node takes it, and fails at each handshake.
	if ([key, pfx, privateKeyIdentifier].every((each) => each === undefined) && cert !== undefined) {
		throw new InvalidValueError(name, "must have the private key of its `cert` as `key`");
	}
	if ([cert, pfx, SNICallback, pskCallback, sni].some((each) => each !== undefined)) return;
	throw new InvalidValueError(name, "must have a certificate: `key` and `cert`, or `pfx`");
}
