/**
 * Sends one datagram to each address from one socket, and prints as JSON what the network said of them, in order of the addresses:
 * LOCAL HOPS TO... A server at the last address answers when all others have gone their way.
 */
import { datagrams, type NetworkError } from "socketry";
import { PATIENT } from "../support/patience.ts";

const [local = "", hops = "64", ...addresses] = process.argv.slice(2);
const errors: NetworkError[] = [];
const socket = await datagrams(local, { onNetworkError: (error) => errors.push(error) });
for (const to of addresses.slice(0, -1)) {
	await socket.send("to nobody", to, { hopLimit: Number(hops) });
	await socket.flush();
}
// What the router says comes before what lies behind it.
await socket.send("aaaaa", addresses.at(-1));
const { data } = await socket.receive(PATIENT);
const answer = Buffer.from(data).toString();
const reports = errors.map(({ kind, code, origin, icmpType, icmpCode, peer, reporter }) => [
	"host" in peer ? peer.host : "",
	kind,
	code,
	origin,
	icmpType,
	icmpCode,
	reporter,
]);
await socket.close();
console.log(
	JSON.stringify({ answer, reports, sent: socket.sentCount, dropped: socket.droppedCount }),
);
