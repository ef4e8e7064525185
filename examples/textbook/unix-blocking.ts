/** Unix sockets by the textbook, blocking: an abstract name, and messages that stay whole (seqpacket). */
import { socket } from "socketry/socket";

const server = socket("unix", "seqpacket");
server.bind({ family: "unix" }); // no name: the kernel chooses one (autobind)
server.listen();
const client = socket("unix", "seqpacket");
client.connectSync(server.getsockname(), { timeoutMs: 5000 });
const peer = server.acceptSync({ timeoutMs: 5000 });

client.sendSync(Buffer.from("one"));
client.sendSync(Buffer.from("two"));
const buffer = Buffer.alloc(1024);
for (let i = 0; i < 2; i++) {
	console.log(buffer.toString("utf8", 0, peer.recvSync(buffer, { timeoutMs: 5000 })));
}
for (const each of [client, peer, server]) each.close();
