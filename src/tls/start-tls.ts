/** `startTls`: TLS on a connection that began without it. */
import { type Known, requireBoolean, requireObject } from "../arguments.ts";
import { InvalidTypeError, TlsError } from "../errors.ts";
import { checkWait, countDown, WAIT, type WaitOptions } from "../socket/wait.ts";
import type { ByteStream } from "../stream/contract.ts";
import { Stream } from "../stream/stream.ts";
import { CLIENT, ClientContext, type TlsClientOptions } from "./client-context.ts";
import { ServerContext, type TlsServerOptions } from "./server-context.ts";
import type { TlsStream } from "./tls-stream.ts";

/** Options of `startTls` for the client's side. */
export interface StartTlsClientOptions extends TlsClientOptions, WaitOptions {
	/** Default false: this side is the client. */
	readonly isServer?: false | undefined;
}

/** Options of `startTls` for the server's side. */
export interface StartTlsServerOptions extends WaitOptions {
	/** This side is the server. */
	readonly isServer: true;
	/** Certificates and all else. Give the same object each time: what is made of it is kept, and so are the keys of session tickets. */
	readonly tls: TlsServerOptions;
	/**
	 * Whether bytes that were read along with what came before are the beginning of the handshake: behind a PROXY header of version 1, for the client
	 * waits for no agreement then. Default false: they are refused.
	 */
	readonly allowEarlyBytes?: boolean | undefined;
}

const CLIENT_SIDE: Known<StartTlsClientOptions> = { ...WAIT, ...CLIENT, isServer: true };
const SERVER: Known<StartTlsServerOptions> = {
	...WAIT,
	isServer: true,
	tls: true,
	allowEarlyBytes: true,
};

/**
 * Begins TLS on an open connection, as SMTP, XMPP or PostgreSQL do once both sides have agreed. What is queued goes out first, in the clear.
 *
 * Bytes that came in the clear behind the agreement, and were read along with it, are refused: somebody on the way could have slipped them in,
 * to be taken for what the peer says under TLS. Nothing is sent then, and the stream is as it was.
 *
 * @param stream taken once the handshake begins: a `Stream` is closed then and cannot be written to by mistake, though its `abort()` still
 *   ends the connection; any other one must not be used. TLS within TLS is fine. It must read nothing at the moment
 * @param options without a time limit the handshake has 60000 ms
 * @throws {TlsError} "plaintext": bytes came too early, and the stream is yours still. All others: the stream is closed
 * @throws {InvalidValueError} `servername` is missing
 * @throws {BusyError} a read is pending
 * @throws {ClosedError} the stream is closed, or its writing side
 * @throws {TimeoutError | AbortError} the stream is closed
 * @see https://nostarttls.secvuln.info
 */
export async function startTls(
	stream: ByteStream,
	options: StartTlsClientOptions | StartTlsServerOptions,
): Promise<TlsStream> {
	if (typeof (stream as Partial<ByteStream> | null)?.closeWrite !== "function") {
		throw new InvalidTypeError("stream", "a Stream", stream);
	}
	requireObject("options", options);
	const known = options.isServer ? SERVER : CLIENT_SIDE;
	checkWait(options, known);
	const context = options.isServer ? ServerContext.of(options.tls) : new ClientContext(options);
	const allowsEarly = requireBoolean(
		"allowEarlyBytes",
		(options.isServer && options.allowEarlyBytes) ?? false,
	);
	if (!allowsEarly) refuseEarlyBytes(stream);
	const left = countDown(options, known);
	await stream.flush(left());
	if (!allowsEarly) refuseEarlyBytes(stream);
	return await context.handshake(stream instanceof Stream ? stream.moved() : stream, left() ?? {});
}

function refuseEarlyBytes(stream: ByteStream): void {
	// All streams of this package tell it.
	const bytes = (stream as { readonly leftOverBytes?: number }).leftOverBytes ?? 0;
	if (bytes === 0) return;
	throw new TlsError(
		"plaintext",
		`${bytes} bytes came in the clear before the handshake of TLS: they may be somebody else's; close the connection`,
	);
}
