/** TCP by the textbook, asynchronous: socket, bind, listen, accept, connect, read, write, close. */
import { socket } from "socketry/socket";

const server = socket("inet", "stream");
server.bind({ family: "inet", host: "127.0.0.1", port: 0 });
server.listen();

async function serve(): Promise<void> {
	const peer = await server.accept();
	const buffer = Buffer.alloc(1024);
	for (let n = await peer.read(buffer); n > 0; n = await peer.read(buffer)) {
		await peer.write(buffer.subarray(0, n));
	}
	peer.close();
}

const serving = serve();
const client = socket("inet", "stream");
await client.connect(server.getsockname());
await client.write(Buffer.from("hello"));
client.shutdown("write");

const buffer = Buffer.alloc(1024);
let reply = "";
for (let n = await client.read(buffer); n > 0; n = await client.read(buffer)) {
	reply += buffer.toString("utf8", 0, n);
}
console.log(reply);
client.close();
await serving;
server.close();
