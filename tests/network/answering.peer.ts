/**
 * A server that answers each datagram with several of its length, as far as its guard lets it, and says when it begins to keep silent: HOST
 * PORT COPIES SERVER_PORTS REPLIES_MAX.
 */
import { datagrams, ReplyGuard } from "socketry";

const [host = "", port = "", copies = "1", serverPorts = "", maxReplies = "10000"] =
	process.argv.slice(2);
const socket = await datagrams(`udp://${host}:${port}`);
const guard = new ReplyGuard({
	serverPorts: serverPorts.split(",").filter(Boolean).map(Number),
	maxReplies: Number(maxReplies),
	// Longer than any test takes: what goes on after it would be another loop.
	pauseMs: 60_000,
});
let isSilent = false;
process.once("SIGTERM", () => void socket.close());
console.log("ready");

for await (const { data, from, bytes } of socket) {
	if (guard.heard(from, bytes)) {
		for (let i = 0; i < Number(copies); i++) {
			if (guard.mayReply(from, bytes)) await socket.send(data, from);
		}
	}
	if (guard.pausedCount > 0 && !isSilent) {
		isSilent = true;
		console.log("silent");
	}
}
const { receivedCount: received, sentCount: sent } = socket;
console.log(JSON.stringify({ received, sent, loops: guard.loopCount }));
