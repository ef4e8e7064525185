/** A server that answers each datagram with several of its length, as far as its guard lets it: HOST PORT COPIES SERVER_PORTS. */
import { datagrams, ReplyGuard } from "socketry";

const [host = "", port = "", copies = "1", serverPorts = ""] = process.argv.slice(2);
const socket = await datagrams(`udp://${host}:${port}`);
const guard = new ReplyGuard({ serverPorts: serverPorts.split(",").filter(Boolean).map(Number) });
process.once("SIGTERM", () => void socket.close());
console.log("ready");

for await (const { data, from, bytes } of socket) {
	if (!guard.heard(from, bytes)) continue;
	for (let i = 0; i < Number(copies); i++) {
		if (guard.mayReply(from, bytes)) await socket.send(data, from);
	}
}
const { receivedCount: received, sentCount: sent } = socket;
console.log(JSON.stringify({ received, sent, loops: guard.loopCount }));
