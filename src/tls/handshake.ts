/** Waiting for the end of a handshake. */
import { AbortError, TimeoutError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { supervise, type WaitOptions } from "../socket/wait.ts";
import type { Channel, Wire } from "./channel.ts";
import { endedError, explainHandshake } from "./explain.ts";

/**
 * Waits until the handshake is done that `begin` has begun. When this rejects, the wire is closed.
 *
 * @param options without a time limit it has 60000 ms
 * @param event of the TLS socket that tells so
 * @param check looks at what came of it, and throws if that will not do
 * @throws {TlsError | SyscallError} it failed
 * @throws {TimeoutError | AbortError} it took too long
 */
export async function awaitHandshake(
	wire: Wire,
	options: WaitOptions,
	begin: () => Channel,
	event: "secure" | "secureConnect",
	check: (channel: Channel) => void,
): Promise<Channel> {
	const { signal, timeoutMs = LIMITS.handshakeMs } = options;
	let release: (() => void) | undefined;
	try {
		const channel = begin();
		const { socket } = channel;
		await new Promise<void>((resolve, reject) => {
			release = supervise({ signal, timeoutMs }, (error) => reject(error(0)));
			socket
				.once(event, resolve)
				.on("error", (error) => reject(explainHandshake(error)))
				// Of a failure of the wire itself Node says no more than that.
				.once("close", () => reject(wire.duplex.errored ?? endedError()));
			// To Node that is no end as long as we could write. What came before, an alert perhaps, is told first.
			wire.duplex.once("end", () => setImmediate(() => reject(endedError())));
		});
		check(channel);
		return channel;
	} catch (error) {
		if (error instanceof TimeoutError || error instanceof AbortError) wire.abort();
		else await wire.close();
		if (!(error instanceof TimeoutError)) throw error;
		throw new TimeoutError(error.timeoutMs, 0, "The handshake of TLS");
	} finally {
		release?.();
	}
}
