/**
 * Joins standard input and output to a socket: what OpenSSH runs as its ProxyCommand, to reach a server by any address of this library.
 *
 *     ssh -o ProxyCommand='node examples/ssh/proxy-command.ts unix:/run/ssh.sock' anna@myself
 */
import { pipeline } from "node:stream/promises";
import { connect } from "socketry";

const [address = "tcp://127.0.0.1:22"] = process.argv.slice(2);
const stream = await connect(address as `tcp:${string}`);

async function send(): Promise<void> {
	for await (const chunk of process.stdin) await stream.write(chunk as Uint8Array);
	// ssh says nothing more; the server may have an answer.
	await stream.closeWrite();
}

const sent = send();
// Not until then: a server that ends leaves nothing to send to.
sent.catch(() => undefined);
await pipeline(stream, process.stdout);
process.stdin.destroy();
await stream.close();
