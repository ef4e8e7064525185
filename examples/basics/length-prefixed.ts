/** TCP has no messages: one write may arrive in pieces, or several as one. A length in front of each message makes them whole. */
import { type ByteStream, connect, listen } from "socketry";

const MESSAGE_BYTES_MAX = 1_000_000;

async function send(stream: ByteStream, message: string): Promise<void> {
	const body = Buffer.from(message);
	const head = Buffer.alloc(4);
	head.writeUInt32BE(body.length);
	await stream.write(head);
	await stream.write(body); // both leave in one system call
}

/** The next message, or null at the end. */
async function receive(stream: ByteStream): Promise<string | null> {
	const head = Buffer.alloc(4);
	if ((await stream.readInto(head.subarray(0, 1))) === 0) return null;
	head.set(await stream.readExactly(3), 1);
	const bytes = head.readUInt32BE();
	// The peer chooses the length: never believe it before looking at it.
	if (bytes > MESSAGE_BYTES_MAX) throw new Error(`a message of ${bytes} bytes`);
	return String(await stream.readExactly(bytes, { timeoutMs: 5000 }));
}

await using listener = await listen("tcp://127.0.0.1:0");
const { port } = listener.address;
const [client, server] = await Promise.all([
	connect(`tcp://127.0.0.1:${port}`),
	listener.accept({ timeoutMs: 5000 }),
]);
for (const message of ["one", "two", "three"]) await send(client, message);
await client.close();
for (let text = await receive(server); text !== null; text = await receive(server)) {
	console.log(text);
}
await server.close();
