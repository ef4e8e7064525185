/** Round trips to a server that sends back what it gets. */
import { randomBytes } from "node:crypto";
import { TimeoutError } from "../../index.ts";
import type { AnyConnection } from "../exchange/talk.ts";

/** Something to send round trips over. */
export interface Echo {
	/** Sends once and waits until it is back. */
	readonly once: () => Promise<void>;
	readonly close: () => void;
}

/** @param connection taken */
export function echoOver(
	connection: AnyConnection,
	size: number,
	timeoutMs: number,
	signal: AbortSignal,
): Echo {
	// Answers that came, the server shall not take for lost: it is told by an end, and not by a reset.
	const close = (): void => void connection.close({ timeoutMs }).catch(() => {});
	if ("write" in connection) {
		const once = async (): Promise<void> => {
			const sent = randomBytes(size);
			await connection.write(sent);
			const back = await connection.readExactly(size, { timeoutMs, signal });
			if (!sent.equals(back))
				throw new Error("what came back is not what was sent: no echo server");
		};
		return { once, close };
	}
	const receive = async (limitMs: number): Promise<Uint8Array | null> => {
		const message = await connection.receive({ timeoutMs: limitMs, signal });
		return message === null || message instanceof Uint8Array ? message : message.data;
	};
	const once = async (): Promise<void> => {
		const sent = randomBytes(size);
		await connection.send(sent);
		const end = performance.now() + timeoutMs;
		for (;;) {
			const leftMs = Math.floor(end - performance.now());
			if (leftMs <= 0) throw new TimeoutError(timeoutMs);
			const back = await receive(leftMs);
			if (back === null) throw new Error("the server has ended");
			// An answer to an earlier one, that was given up, is passed over.
			if (sent.equals(back)) return;
		}
	};
	return { once, close };
}
