/**
 * A chat by lines, for telnet or nc. Each limit that a stranger could run against is set: connections, line length, idle time, slow readers.
 *
 *     node examples/chat/server.ts tcp://127.0.0.1:7000
 */
import { formatAddress, LimitError, listen, type Stream, TimeoutError } from "socketry";

const CONNECTIONS_MAX = 1_000;
const LINE_BYTES_MAX = 512;
const IDLE_MS = 300_000;
const QUEUED_BYTES_MAX = 65_536;

const members = new Set<Stream>();

function tellOthers(text: string, author: Stream): void {
	for (const member of members) {
		if (member === author) continue;
		// Who does not read what others say is let go, so that nobody's memory fills for it.
		if (member.queuedBytes > QUEUED_BYTES_MAX) member.abort();
		else void member.write(text).catch(() => member.abort());
	}
}

async function hold(stream: Stream): Promise<void> {
	const name = formatAddress(stream.peer);
	const options = { maxBytes: LINE_BYTES_MAX, timeoutMs: IDLE_MS };
	members.add(stream);
	try {
		for (;;) {
			const line = await stream.readUntil("\n", options);
			if (line === null) break;
			// What is no printable text could steer the terminals of others.
			const text = String(line).replace(/[^\p{L}\p{N}\p{P}\p{S}\p{Zs}]/gu, "");
			if (text !== "") tellOthers(`${name}: ${text}\n`, stream);
		}
		await stream.close({ timeoutMs: 1000 });
	} catch (error) {
		const reason = reasonFor(error);
		if (reason !== undefined) await stream.write(reason).catch(() => undefined);
		await stream.close({ timeoutMs: 1000 }).catch(() => stream.abort());
	} finally {
		members.delete(stream);
	}
}

function reasonFor(error: unknown): string | undefined {
	if (error instanceof LimitError) return `lines have at most ${LINE_BYTES_MAX} bytes\n`;
	return error instanceof TimeoutError ? "are you still there?\n" : undefined;
}

const stopping = new AbortController();
process.once("SIGINT", () => stopping.abort());
process.once("SIGTERM", () => stopping.abort());
const address = process.argv[2] ?? "tcp://127.0.0.1:7000";
const listener = await listen(address as `tcp:${string}`, { signal: stopping.signal });
console.log(formatAddress(listener.address));
for await (const stream of listener) {
	if (members.size >= CONNECTIONS_MAX) stream.abort();
	else void hold(stream);
}
for (const member of members) member.abort();
