/** `TlsStream`: a stream of bytes over TLS. */
import type { CipherNameAndProtocol, TLSSocket } from "node:tls";
import { TlsError } from "../errors.ts";
import { DuplexStream } from "../node/duplex-stream.ts";
import type { Address } from "../socket/address.ts";
import type { ByteStream } from "../stream/contract.ts";
import { Stream } from "../stream/stream.ts";
import type { StreamStats } from "../stream/stream-stats.ts";
import type { Channel } from "./channel.ts";
import { explainLater } from "./explain.ts";
import { type PeerCertificate, peerCertificate } from "./peer-certificate.ts";

/**
 * A connection with TLS: a stream of bytes like any other. Ending writing sends the end that TLS marks (close_notify) and then that of the
 * connection; reading goes on. Made by `tlsConnect`, a `TlsListener` and `startTls`.
 */
export class TlsStream extends DuplexStream {
	/** Version of the protocol: `"TLSv1.3"`. */
	readonly protocol: string;
	/** Cipher suite: `name` by OpenSSL, `standardName` by the RFCs. */
	readonly cipher: CipherNameAndProtocol;
	/** Application protocol that the two sides agreed on; undefined when they negotiated none. */
	readonly alpn: string | undefined;
	/** Name of the server that the client asked for (SNI); undefined when it named none. */
	readonly servername: string | undefined;
	/** Whether the handshake resumed an earlier session: then no certificate went over the wire again. */
	readonly isSessionReused: boolean;
	/** Whether the peer's certificate was verified. False only if `rejectUnauthorized` was turned off, or a client sent none. */
	readonly authorized: boolean;
	readonly #channel: Channel;
	readonly #socket: TLSSocket;
	readonly #below: ByteStream;
	readonly #allowTruncation: boolean;
	#peerCertificate: PeerCertificate | undefined;

	/** @internal */
	constructor(channel: Channel, allowTruncation: boolean) {
		const { socket } = channel;
		const { below } = channel.wire;
		super(socket, below);
		this.#channel = channel;
		this.#socket = socket;
		this.#below = below;
		this.#allowTruncation = allowTruncation;
		this.protocol = socket.getProtocol() ?? "";
		this.cipher = socket.getCipher();
		this.alpn = socket.alpnProtocol || undefined;
		this.servername = (socket as { servername?: string | false }).servername || undefined;
		this.isSessionReused = socket.isSessionReused();
		this.authorized = channel.authorized;
	}

	/** Address of this end of the connection; undefined over a stream that has none. */
	get address(): Address | undefined {
		return withSocket(this.#below)?.address;
	}

	/** Address of the other end. */
	get peer(): Address | undefined {
		return withSocket(this.#below)?.peer;
	}

	/** Certificate that the peer has shown; undefined when it has shown none. Known after closing only if it was asked for before. */
	get peerCertificate(): PeerCertificate | undefined {
		const x509 = this.#peerCertificate?.x509 ?? this.#socket.getPeerX509Certificate();
		if (x509 !== undefined) this.#peerCertificate ??= peerCertificate(x509);
		return this.#peerCertificate;
	}

	/**
	 * What resumes this session in a later `tlsConnect(..., { session })`: the latest ticket of the server, for clients only. With TLS 1.3 it comes
	 * after the handshake, as a rule before the first bytes that the server sends. Use each once; it is as secret as a key.
	 */
	get session(): Buffer | undefined {
		// Before TLS 1.3 it is part of the handshake, and a resumed one has no new.
		if (this.protocol === "TLSv1.3") return this.#channel.session;
		return this.#channel.session ?? this.#socket.getSession();
	}

	/** Whether the connection was cut off before the end that TLS marks. Reading has failed then, unless `allowTruncation` was given. */
	get truncated(): boolean {
		return this.#channel.truncated;
	}

	/** Figures of the connection that carries it, so that bytes are those of the records of TLS; undefined over a stream that has none. */
	stats(): StreamStats | undefined {
		return withSocket(this.#below)?.stats();
	}

	/**
	 * Key material that only the two sides know, to tie another protocol to this connection; RFC 5705, RFC 8446 section 7.5.
	 *
	 * @param length in bytes
	 * @throws {Error} ERR_TLS_INVALID_STATE: it was closed
	 */
	exportKeyingMaterial(
		length: number,
		label: string,
		context: Uint8Array = new Uint8Array(),
	): Buffer {
		return this.#socket.exportKeyingMaterial(length, label, Buffer.from(context));
	}

	/** Lets the connection keep the process alive; the default. */
	ref(): this {
		withSocket(this.#below)?.ref();
		return this;
	}

	/** Lets the process end although the connection is open. */
	unref(): this {
		withSocket(this.#below)?.unref();
		return this;
	}

	protected override failureAtEnd(): Error | undefined {
		if (!this.#channel.truncated || this.#allowTruncation) return undefined;
		const text =
			"The connection was cut off without the end that TLS marks (close_notify): bytes may be missing";
		return new TlsError("truncated", text);
	}

	protected override explain(error: Error): Error {
		return explainLater(error);
	}
}

function withSocket(stream: ByteStream): Stream | TlsStream | undefined {
	return stream instanceof Stream || stream instanceof TlsStream ? stream : undefined;
}
