/** What tests of clients of TLS have in common. */
import assert from "node:assert/strict";
import { TlsError, type TlsReason } from "socketry";
import { type TlsListener, type TlsListenOptions, tlsListen } from "socketry/tls";
import { authority } from "./pairs.ts";

/** Where a server of these tests listens. */
export type TcpAddress = { transport: "tcp"; host: string; port: number };

/** The authority whose certificates the servers have. */
export const ca = authority.cert;
/** Options of a client that trusts them. */
export const TRUSTING = { servername: "localhost", tls: { ca } } as const;

/** Runs `body` with a listener that echoes, and with its address. */
export async function withEcho(
	options: TlsListenOptions,
	body: (address: TcpAddress, listener: TlsListener) => Promise<void>,
	at: `tcp:${string}` | `unix:${string}` = "tcp://127.0.0.1:0",
): Promise<void> {
	const listener = await tlsListen(at, options);
	const echoing = (async () => {
		for await (const stream of listener) {
			void (async () => {
				for await (const chunk of stream) await stream.write(chunk);
				await stream.close();
			})().catch(() => stream.abort());
		}
	})();
	try {
		await body(listener.address as TcpAddress, listener);
	} finally {
		listener.close();
		await echoing;
	}
}

/** Expects that connecting fails for a reason, and returns the error. */
export async function refused(
	reason: TlsReason,
	detail: string | undefined,
	attempt: Promise<unknown>,
): Promise<TlsError> {
	try {
		await attempt;
	} catch (error) {
		assert.ok(error instanceof TlsError, String(error));
		assert.deepEqual([error.code, error.reason, error.detail], ["ERR_TLS", reason, detail]);
		return error;
	}
	assert.fail("the connection was made");
}
