/** TCP by the textbook, blocking: the server in a thread of its own. */
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { type SocketAddress, socket } from "socketry/socket";

function serve(): void {
	const server = socket("inet", "stream");
	server.bind({ family: "inet", host: "127.0.0.1", port: 0 });
	server.listen();
	parentPort?.postMessage(server.getsockname());
	const peer = server.acceptSync({ timeoutMs: 5000 });
	const buffer = Buffer.alloc(1024);
	for (let n = peer.readSync(buffer); n > 0; n = peer.readSync(buffer)) {
		peer.writeSync(buffer.subarray(0, n));
	}
	peer.close();
	server.close();
}

function ask(address: SocketAddress): void {
	const client = socket("inet", "stream");
	client.connectSync(address, { timeoutMs: 5000 });
	client.writeSync(Buffer.from("hello"));
	const buffer = Buffer.alloc(1024);
	console.log(buffer.toString("utf8", 0, client.readSync(buffer, { timeoutMs: 5000 })));
	client.close();
}

if (isMainThread) new Worker(new URL(import.meta.url)).once("message", ask);
else serve();
