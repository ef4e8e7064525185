/** What tests of relays have in common. */
import { createHash } from "node:crypto";
import { connect, listen, type Stream, socketpair } from "socketry";
import { relay } from "socketry/relay";

/** Both ends of a connection: the one that talks, and the one that a relay gets. */
export type Ends = [outer: Stream, inner: Stream];

/** A connection by TCP. */
export async function tcpPair(): Promise<Ends> {
	await using listener = await listen("tcp://127.0.0.1:0");
	const client = (await connect(listener.address)) as Stream;
	return [client, await listener.accept()];
}

/** Kinds of connection. */
export const KINDS: Readonly<Record<string, () => Promise<Ends>>> = {
	TCP: tcpPair,
	Unix: async () => socketpair(),
};

/** A client and a server with a relay between them. */
export async function relayed(
	left: () => Promise<Ends>,
	right: () => Promise<Ends>,
	options?: Parameters<typeof relay>[2],
): Promise<{ client: Stream; server: Stream; running: ReturnType<typeof relay> }> {
	const [client, left_] = await left();
	const [server, right_] = await right();
	return { client, server, running: relay(left_, right_, options) };
}

/** Reads to the end. */
export async function readAll(stream: Stream): Promise<Buffer> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of stream) chunks.push(chunk);
	return Buffer.concat(chunks);
}

/** Waits until a count stays as it is for a while. */
export async function untilStill(count: () => number): Promise<void> {
	for (let before = -1, now = count(); now !== before; now = count()) {
		before = now;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

/** What a read brings: its bytes as text, `null`, or the code of its failure. */
export async function outcome(stream: Stream): Promise<string> {
	try {
		return String(await stream.read());
	} catch (error) {
		return (error as { code: string }).code;
	}
}

/** A digest, to compare many bytes by. */
export function digest(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}
