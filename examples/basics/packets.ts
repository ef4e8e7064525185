/** Connected messages: a Unix socket of type seqpacket keeps each message whole, and tells an empty one from the end. */
import { connect, listen } from "socketry";

// An abstract name needs no file, and goes with its holder. A path works too: unix-seqpacket:/run/app.sock
const address = `unix-seqpacket:@socketry-packets-${process.pid}` as const;
const listener = await listen(address);
const client = await connect(address);
const server = await listener.accept({ timeoutMs: 5000 });
listener.close();

for (const message of ["first", "", "third"]) await client.send(message);
await client.closeWrite();
for await (const message of server) {
	console.log(`${message.length} bytes`);
	await server.send(message);
}
await server.close();

const buffer = Buffer.alloc(64);
for (let n = await client.receiveInto(buffer); n !== null; n = await client.receiveInto(buffer)) {
	console.log(`back: "${buffer.toString("utf8", 0, n)}"`);
}
await client.close();
